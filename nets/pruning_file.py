# SPDX-License-Identifier: BSD-2-Clause
"""The file of a calibrated dynamic feature pruning: thresholds and expected maps of tensors, for which network, and what they were found to cost."""

import hashlib
import json
from dataclasses import fields, is_dataclass

import numpy as np

from accel.errors import UserError
from compiler.pruning import MOST_THRESHOLD, Pruning, prunable


def content_hash(network):
    """Return the SHA-256 of all that a Network computes with: tensors, layers and their numbers; not of its name."""
    digest = hashlib.sha256()

    def take(value):
        if isinstance(value, np.ndarray):
            digest.update(f"{value.dtype}{value.shape}".encode() + np.ascontiguousarray(value).tobytes())
        elif is_dataclass(value):
            digest.update(type(value).__name__.encode())
            for field in fields(value):
                digest.update(field.name.encode())
                take(getattr(value, field.name))
        elif isinstance(value, (tuple, list)):
            digest.update(f"{len(value)}".encode())
            for item in value:
                take(item)
        else:
            digest.update(repr(value).encode())

    take((network.input, network.output, [network.tensors[name] for name in sorted(network.tensors)], network.layers))
    return digest.hexdigest()


def pruning_object(network, config, calibrated, asked, held_out=None):
    """Return the object that the file holds of a Calibrated; `asked`: points of top-1 that could be lost; held_out: (images, accuracy, pruned
    accuracy) of images that the thresholds were not found on, None where there are none."""
    found = {"images": calibrated.images, "accuracy": calibrated.accuracy, "accuracy_pruned": calibrated.pruned, "loss_points": calibrated.loss}
    rest = None if held_out is None else {"images": held_out[0], "accuracy": held_out[1], "accuracy_pruned": held_out[2],
                                          "loss_points": round(100 * (held_out[1] - held_out[2]), 6)}
    pruning = calibrated.pruning
    return {"model": network.name, "network": content_hash(network), "config": config.name, "loss_points_asked": asked, "found_on": found,
            "held_out": rest, "cycles_predicted": calibrated.cycles, "cycles_saved_predicted": round(calibrated.saved),
            "tensors": {name: {"threshold": pruning.thresholds[name], "kept": [round(float(share), 4) for share in pruning.kept[name]]}
                        for name in pruning.thresholds}}


def read_pruning(path, network):
    """Return the Pruning of `network` in the file at `path`. Raises UserError where it is none, or that of another network."""
    try:
        stored = json.loads(path.read_text())
        tensors = stored["tensors"]
        pruning = Pruning({name: entry["threshold"] for name, entry in tensors.items()},
                          {name: np.array(entry["kept"], float) for name, entry in tensors.items()})
        belongs, model = stored["network"], stored["model"]
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is no file that --calibrate-dfp wrote") from error
    if belongs != content_hash(network):
        raise UserError(f"{path} was calibrated for another network than this {network.name!r} (for {model!r}, other numbers, or quantised with "
                        "other images): calibrate anew by --calibrate-dfp")
    able = prunable(network)
    for name, threshold in pruning.thresholds.items():
        kept = pruning.kept[name]
        fits = name in able and type(threshold) is int and 0 <= threshold <= MOST_THRESHOLD
        if not fits or kept.shape != (network.tensors[name].channels,) or not ((kept >= 0) & (kept <= 1)).all():
            raise UserError(f"{path}: what it says of the tensor {name!r} is impossible: calibrate anew by --calibrate-dfp")
    return pruning
