# SPDX-License-Identifier: BSD-2-Clause
"""Reads a file of arrays of known names and shapes."""

import numpy as np

from accel.errors import UserError
from nets.unreadable import UNREADABLE, reason


def read_arrays(path, shapes, integers=False):
    """Return {name: array} of the .npz at `path` for the names in `shapes`, {name: shape}; () is a single number.

    integers: all must be whole numbers. Raises UserError where the file cannot be read, lacks an array, or has one of another shape or kind.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in shapes if name in stored}
    except FileNotFoundError as error:
        raise UserError(f"there is no weights file {path}") from error
    except UNREADABLE as error:
        raise UserError(f"{path} is no file of arrays (.npz): {reason(error)}") from error
    for name, shape in shapes.items():
        _check(path, arrays, name, shape, integers)
    return arrays


def _check(path, arrays, name, shape, integers):
    if name not in arrays:
        raise UserError(f"{path} has no array {name!r}: it is not the weights file of this network")
    array = arrays[name]
    if array.shape != shape:
        raise UserError(f"{path}: the array {name!r} has the shape {array.shape}, but this network's has {shape}")
    if integers and array.dtype.kind not in "iu":
        raise UserError(f"{path}: the array {name!r} must hold integers, not {array.dtype}")
    if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        raise UserError(f"{path}: the array {name!r} must hold finite numbers")
