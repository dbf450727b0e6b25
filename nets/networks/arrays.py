# SPDX-License-Identifier: BSD-2-Clause
"""Reads a file of arrays of known names and shapes."""

import zipfile

import numpy as np

from accel.errors import UserError


def read_arrays(path, shapes):
    """Return {name: array} of the .npz at `path` for the names in `shapes`, {name: shape}; () is a single number.

    Raises UserError where the file cannot be read, lacks an array or has one of another shape.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in shapes if name in stored}
    except FileNotFoundError as error:
        raise UserError(f"there is no weights file {path}") from error
    except (OSError, EOFError, ValueError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is no file of arrays (.npz): {error}") from error
    for name, shape in shapes.items():
        if name not in arrays:
            raise UserError(f"{path} has no array {name!r}: it is not the weights file of this network")
        if arrays[name].shape != shape:
            raise UserError(f"{path}: the array {name!r} has the shape {arrays[name].shape}, but this network's has {shape}")
    return arrays
