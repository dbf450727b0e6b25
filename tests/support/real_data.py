# SPDX-License-Identifier: BSD-2-Clause
"""Real images and trained networks for tests, which skip where they are not there."""

import pytest

from accel.errors import UserError
from nets.data import data_path


def real_data(name):
    """Return the path of file or folder `name` of the real data; skips the test where it is not there."""
    try:
        return data_path(name)
    except UserError as error:
        pytest.skip(str(error))
