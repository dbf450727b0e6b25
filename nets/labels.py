# SPDX-License-Identifier: BSD-2-Clause
"""Labels: the class of each image, whatever they are kept in."""

from pathlib import Path

import numpy as np

from accel.errors import UserError
from nets.unreadable import UNREADABLE, reason


def class_numbers(values, where):
    """Return int64 [N] of an array of labels, integers [N] or [N, 1]. Raises UserError, naming `where` they are from, for anything else."""
    values = np.asarray(values)
    if values.dtype.kind not in "iu" or values.ndim == 0 or values.size != len(values):
        raise UserError(f"the labels in {where} are {values.dtype} of {values.shape}, but they must be integers, one class number an image")
    return values.reshape(-1).astype(np.int64)


def read_labels(path):
    """Return int64 [N] of a text file of a class number a line, or a .npy. Raises UserError where it cannot be read or holds something else."""
    try:
        values = np.load(path, allow_pickle=False) if Path(path).suffix == ".npy" else np.loadtxt(path, dtype=np.int64, ndmin=1)
    except UNREADABLE as error:
        raise UserError(f"{path} is no file of labels (a class number a line, or a .npy): {reason(error)}") from error
    return class_numbers(values, path)


def check_classes(labels, network):
    """Raise UserError where one of int64 `labels` [N] is no class of a Network."""
    classes = int(np.prod(network.tensors[network.output].shape))
    if len(labels) and not 0 <= labels.min() <= labels.max() < classes:
        raise UserError(f"the labels go from {labels.min()} to {labels.max()}, but the model has {classes} classes, 0 to {classes - 1}")
