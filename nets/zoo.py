# SPDX-License-Identifier: BSD-2-Clause
"""Models by name or file: whatever they come as, a quantised network that can be compiled."""

import importlib
from pathlib import Path

import numpy as np

from accel.errors import UserError
from compiler.reference import execute
from nets.cifar10 import MIDDLE, SPREAD
from nets.described import DESCRIBED, NETWORKS, described
from nets.file import load_network
from nets.float_network import FloatNetwork
from nets.images import digits_samples
from nets.model import Model
from nets.paper import CIFAR10
from nets.preprocessing import Preprocessing
from nets.quantise_network import quantise_network

MODELS = Path(__file__).parent / "models"
# What becomes of pictures for the models whose images are not the project's own.
PREPROCESSING = {**dict.fromkeys(CIFAR10, Preprocessing(mean=(MIDDLE,), std=(SPREAD,))),
                 **{name: network.preprocessing for name, network in NETWORKS.items()}}
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
    if name_or_path in DESCRIBED:
        if weights is None:
            raise UserError(f"model {name_or_path!r} is a description without numbers: give --weights FILE, {DESCRIBED[name_or_path]}")
        return _quantised(described(name_or_path, weights), Path(weights), calibration, method)
    if weights is not None:
        raise UserError(f"--weights is for the described networks ({', '.join(DESCRIBED)}), but model {name_or_path!r} has its own")
    if name_or_path in names():
        return _quantised(load_network(MODELS / f"{name_or_path}.npz"), None, calibration, method)
    if path.suffix not in _READERS:
        choice = ", ".join([*names(), *DESCRIBED])
        raise UserError(f"unknown model {name_or_path!r}: choose {choice} or give {FILES}")
    if not path.is_file():
        raise UserError(f"there is no model file {path}")
    return _quantised(_READERS[path.suffix](path), path, calibration, method)


def importer(name):
    """Return a module of nets.importers. Raises UserError where the packages that it needs are not installed."""
    try:
        return importlib.import_module(f"nets.importers.{name}")
    except ModuleNotFoundError as error:
        raise UserError(f"models of TFLite and ONNX need packages that are not installed ({error}): run `make import`") from error


def _onnx(path):
    files = importer("onnx_file")
    model = files.read_onnx(path)
    if files.is_quantised(model):
        return importer("qdq").import_qdq(path, model)
    return importer("onnx_float").import_with_notes(path, model)


_READERS = {".npz": load_network, ".tflite": lambda path: importer("tflite").import_tflite(path), ".onnx": _onnx}


def _quantised(found, source, calibration, method):
    """Return the Model of a Model, a Network, a FloatNetwork or (FloatNetwork, notes)."""
    found, notes = found if isinstance(found, tuple) else (found, ())
    if not isinstance(found, FloatNetwork):
        return found if isinstance(found, Model) else Model(found, source)
    if calibration is None:
        raise UserError(f"{source} is a float network, which is quantised from the ranges of its values: give --calibrate SET, some images as it "
                        "will see")
    images = calibration(found.tensors[found.input].shape)
    return Model(quantise_network(found, images, method), source, found, notes)


def predictions(outputs):
    """Return the class of each row of outputs [N, ...]: the largest of its numbers."""
    return np.asarray(outputs).reshape(len(outputs), -1).argmax(axis=1)


def accuracy(network, samples=None):
    """Return the share of labelled samples (default: the held-back digits) that the reference classifies rightly."""
    samples = samples or digits_samples(network)
    return float((predictions(execute(network, samples.images)[network.output]) == samples.labels).mean())
