# SPDX-License-Identifier: BSD-2-Clause
"""Where real images and trained networks are: the folder SPARCNET_DATA, by default ../shared/data beside the checkout."""

import os
from pathlib import Path

from accel.errors import UserError

_DEFAULT = Path(__file__).parents[2] / "shared" / "data"


def data_path(name):
    """Return the path of file or folder `name` of the real data. Raises UserError where it is not there."""
    folder = Path(os.environ.get("SPARCNET_DATA", _DEFAULT))
    path = folder / name
    if not path.exists():
        raise UserError(f"there is no {name} in {folder}: set SPARCNET_DATA to the folder of real data")
    return path
