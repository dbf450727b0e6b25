# SPDX-License-Identifier: BSD-2-Clause
"""Models by name or file, and the images they are tried on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from accel.errors import UserError
from compiler.reference import execute
from nets.digits_data import digits
from nets.file import load_network
from nets.quantise import quantise_activations

MODELS = Path(__file__).parent / "models"


@dataclass(frozen=True)
class Samples:
    """int8 `images` [N, H, W, C], `labels` [N] or None, and `pictures` [N, H, W], grey values 0..1 to show or None."""

    images: np.ndarray
    labels: np.ndarray | None = None
    pictures: np.ndarray | None = None

    def first(self, count):
        """Return the first `count` samples. Raises UserError where there are fewer."""
        if not 1 <= count <= len(self.images):
            raise UserError(f"there are {len(self.images)} images, so --count must be 1 to {len(self.images)}, not {count}")
        return Samples(self.images[:count], *(None if part is None else part[:count] for part in (self.labels, self.pictures)))


def names():
    """Return the names of the zoo's models."""
    return sorted(path.stem for path in MODELS.glob("*.npz"))


def load_model(name_or_path):
    """Return the Network of a zoo name or of a network file. Raises UserError where there is none."""
    if name_or_path in names():
        return load_network(MODELS / f"{name_or_path}.npz")
    path = Path(name_or_path)
    if path.suffix != ".npz":
        raise UserError(f"unknown model {name_or_path!r}: choose {', '.join(names())} or give a network file (.npz)")
    if not path.exists():
        raise UserError(f"there is no model file {path}")
    return load_network(path)


def load_samples(network, path=None):
    """Return the Samples for a network: those of an .npz with `images` (int8 NHWC) and perhaps `labels`, else the held-back digits.

    Raises UserError where the file is not that, or where the network takes other images than the digits and no file is given.
    """
    shape = network.tensors[network.input].shape
    if path is not None:
        samples = _read_samples(path)
    elif shape == (8, 8, 1):
        images, labels = digits(held_back=True)
        tensor = network.tensors[network.input]
        samples = Samples(quantise_activations(images, tensor.scale, tensor.zero_point), labels, images[..., 0])
    else:
        raise UserError(f"model {network.name!r} takes images of {shape}, for which the project has none: give --images FILE.npz")
    if samples.images.dtype != np.int8 or samples.images.shape[1:] != shape:
        raise UserError(f"model {network.name!r} takes int8 images of {shape}, but {path} holds {samples.images.dtype} of {samples.images.shape[1:]}")
    return samples


def _read_samples(path):
    try:
        with np.load(path, allow_pickle=False) as stored:
            return Samples(stored["images"], stored["labels"] if "labels" in stored else None)
    except (OSError, EOFError, KeyError, ValueError) as error:
        raise UserError(f"{path} is no file of images (an .npz with `images`, int8 N x H x W x C, and perhaps `labels`): {error}") from error


def predictions(outputs):
    """Return the class of each row of outputs [N, ...]: the largest of its numbers."""
    return np.asarray(outputs).reshape(len(outputs), -1).argmax(axis=1)


def accuracy(network, samples=None):
    """Return the share of labelled samples (default: the network's own) that the reference classifies rightly."""
    samples = samples or load_samples(network)
    return float((predictions(execute(network, samples.images)[network.output]) == samples.labels).mean())
