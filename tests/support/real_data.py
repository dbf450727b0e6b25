# SPDX-License-Identifier: BSD-2-Clause
"""Finds the real images and trained networks that tests and benches use: the folder SPARCNET_DATA, by default ../shared/data beside the checkout."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def real_data(name):
    """Return the path of file or folder `name` of the real data; skips the test where it is not there."""
    folder = Path(os.environ.get("SPARCNET_DATA", ROOT.parent / "shared" / "data"))
    path = folder / name
    if not path.exists():
        pytest.skip(f"there is no {name} in {folder}: set SPARCNET_DATA to the folder of real data")
    return path
