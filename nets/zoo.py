# SPDX-License-Identifier: BSD-2-Clause
"""Models by name or file: whatever they come as, a quantised network that can be compiled."""

import importlib
from pathlib import Path

import numpy as np

from accel.errors import UserError
from compiler.reference import execute
from nets.file import load_network
from nets.images import digits_samples
from nets.model import Model

MODELS = Path(__file__).parent / "models"
FILES = "a network file (.npz), a .tflite or an .onnx"


def names():
    """Return the names of the zoo's models."""
    return sorted(path.stem for path in MODELS.glob("*.npz"))


def load_model(name_or_path, weights=None, calibration=None, method="percentile"):
    """Return the Model of a zoo name, of a described network's name with its `weights` file, or of a file.

    A float network is quantised: `calibration(shape)` must return the float32 images [N, H, W, C] for an input of `shape`, and `method` is one of
    nets.quantise_network.METHODS. Raises UserError where there is no such model, where something of it cannot be done, or where a float network
    comes without calibration.
    """
    path = Path(name_or_path)
    described = _described()
    if name_or_path in described.DESCRIBED:
        if weights is None:
            raise UserError(f"model {name_or_path!r} is a description without numbers: give --weights FILE, {described.DESCRIBED[name_or_path]}")
        return _quantised(described.described(name_or_path, weights), Path(weights), calibration, method)
    if weights is not None:
        raise UserError(f"--weights is for the described networks ({', '.join(described.DESCRIBED)}), but model {name_or_path!r} has its own")
    if name_or_path in names():
        return _quantised(load_network(MODELS / f"{name_or_path}.npz"), None, calibration, method)
    if path.suffix not in _READERS:
        choice = ", ".join([*names(), *described.DESCRIBED])
        raise UserError(f"unknown model {name_or_path!r}: choose {choice} or give {FILES}")
    if not path.is_file():
        raise UserError(f"there is no model file {path}")
    return _quantised(_READERS[path.suffix](path), path, calibration, method)


def _described():
    from nets import described
    return described


def _importer(name):
    """Return a module of nets.importers. Raises UserError where the packages that it needs are not installed."""
    try:
        return importlib.import_module(f"nets.importers.{name}")
    except ImportError as error:
        raise UserError(f"reading such a model needs packages that are not installed ({error}): run `make import`") from error


def _onnx(path):
    files = _importer("onnx_file")
    if files.is_quantised(files.read_onnx(path)):
        return _importer("qdq").import_qdq(path)
    return _importer("onnx_float").import_onnx_float(path)


_READERS = {".npz": load_network, ".tflite": lambda path: _importer("tflite").import_tflite(path), ".onnx": _onnx}


def _quantised(found, source, calibration, method):
    """Return the Model of a Model, a Network or a FloatNetwork."""
    from nets.float_network import FloatNetwork
    if not isinstance(found, FloatNetwork):
        return found if isinstance(found, Model) else Model(found, source)
    if calibration is None:
        raise UserError(f"{source} is a float network, which is quantised from the ranges of its values: give --calibrate SET, some images as it will see")
    from nets.quantise_network import quantise_network
    images = calibration(found.tensors[found.input].shape)
    return Model(quantise_network(found, images, method), source, found)


def predictions(outputs):
    """Return the class of each row of outputs [N, ...]: the largest of its numbers."""
    return np.asarray(outputs).reshape(len(outputs), -1).argmax(axis=1)


def accuracy(network, samples=None):
    """Return the share of labelled samples (default: the held-back digits) that the reference classifies rightly."""
    samples = samples or digits_samples(network)
    return float((predictions(execute(network, samples.images)[network.output]) == samples.labels).mean())
