# SPDX-License-Identifier: BSD-2-Clause
"""Sets of images, whatever they are kept in, read a piece at a time; and the int8 numbers that a network takes for them."""

import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from accel.errors import UserError
from nets.pictures import Pictures, fitted
from nets.preprocessing import Preprocessing
from nets.quantise import dequantise, quantise_activations

KINDS = ".npz or .npy of arrays, a PNG or JPEG, a folder or .tar of them"


@dataclass(frozen=True)
class Samples:
    """int8 `images` [N, H, W, C], `labels` [N] or None, and `pictures` [N, H, W], grey values 0..1 to show or None."""

    images: np.ndarray
    labels: np.ndarray | None = None
    pictures: np.ndarray | None = None


class Arrays:
    """Images [N, H, W, C] that are in memory: uint8 or float32 values, or int8 numbers as a network takes them. labels: [N], or None."""

    def __init__(self, images, labels=None):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.images)

    def read(self, first, last):
        """Return the images from number `first` up to `last`."""
        return self.images[first:last]


@dataclass(frozen=True)
class ImageSet:
    """What `open_images` found: `source` has `labels` and read(first, last); `preprocessing` makes real values of what is not int8."""

    source: object
    preprocessing: Preprocessing = field(default_factory=Preprocessing)

    def __len__(self):
        return len(self.source)

    @property
    def labels(self):
        """int64 [N], or None."""
        return self.source.labels

    def check_count(self, count, option="--count"):
        """Raise UserError where there are not `count` images."""
        if not 1 <= count <= len(self):
            raise UserError(f"there are {len(self)} images, so {option} must be 1 to {len(self)}, not {count}")

    def real(self, first, last, tensor=None):
        """Return float32 [N, H, W, C] of the images from `first` up to `last`: what a float network takes.

        tensor: the TensorInfo by which int8 numbers become real again; UserError where they are int8 and there is none.
        """
        return self._real(self.source.read(first, last), tensor)

    def int8(self, first, last, tensor):
        """Return int8 [N, H, W, C] of the images from `first` up to `last`, quantised as the TensorInfo `tensor` says."""
        numbers = self.source.read(first, last)
        return numbers if numbers.dtype == np.int8 else quantise_activations(self._real(numbers, tensor), tensor.scale, tensor.zero_point)

    def spread(self, count, tensor=None):
        """Return float32 [count, H, W, C] of images evenly spread over the set, or of all of them where there are fewer; tensor: see real()."""
        places = np.unique(np.linspace(0, len(self) - 1, min(count, len(self))).astype(int))
        return np.concatenate([self.real(place, place + 1, tensor) for place in places])

    def samples(self, network, count):
        """Return the first `count` images as the Samples of a Network. Raises UserError where there are fewer."""
        self.check_count(count)
        return Samples(self.int8(0, count, network.tensors[network.input]), None if self.labels is None else self.labels[:count])

    def _real(self, numbers, tensor):
        if numbers.dtype != np.int8:
            return self.preprocessing.apply(numbers)
        if tensor is None:
            raise UserError("the images are int8, quantised already, but real values are wanted to calibrate with: give uint8 or float images")
        return dequantise(numbers, tensor.scale, tensor.zero_point).astype(np.float32)


def open_images(path, shape, preprocessing=None, labels=None, resize=None, crop=False):
    """Return the ImageSet at `path` for a network that takes images of `shape` (height, width, channels).

    An .npz has `images` or `x`, and perhaps `labels` or `y`; a .npy only images: int8 as the network takes them, or uint8 or float values. For pictures,
    resize and crop see nets.pictures. labels: a text file of a class number a line, or a .npy. Raises UserError where something does not fit.
    """
    path = Path(path)
    if path.suffix in (".npz", ".npy"):
        images, own = _stored(path)
        source = Arrays(_fitted_arrays(images, shape, resize, crop, path), own)
    else:
        source = Pictures(path, shape, resize, crop)
    if labels is not None:
        source.labels = _read_labels(labels)
    if source.labels is not None and len(source.labels) != len(source):
        raise UserError(f"there are {len(source)} images in {path}, but {len(source.labels)} labels")
    return ImageSet(source, preprocessing or Preprocessing())


def digits_samples(network, count=None):
    """Return the Samples of the first `count` held-back digits, all by default, for a network of 8 x 8 x 1 images. Raises UserError for others."""
    tensor = network.tensors[network.input]
    if tensor.shape != (8, 8, 1):
        raise UserError(f"model {network.name!r} takes images of {' x '.join(map(str, tensor.shape))}, for which the project has none: "
                        f"give --images SET ({KINDS})")
    # scikit-learn takes a second: only where it is wanted.
    from nets.digits_data import digits
    images, labels = digits(held_back=True)
    digit_set = ImageSet(Arrays(images, labels))
    samples = digit_set.samples(network, len(images) if count is None else count)
    return Samples(samples.images, samples.labels, images[:len(samples.images), ..., 0])


def _stored(path):
    """Return (images, labels or None) of an .npz or .npy."""
    try:
        stored = np.load(path, allow_pickle=False)
        if isinstance(stored, np.ndarray):
            return stored, None
        with stored:
            arrays = [next((stored[name] for name in names if name in stored), None) for names in (("images", "x"), ("labels", "y"))]
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is no file of images: {error}") from error
    if arrays[0] is None:
        raise UserError(f"{path} is no file of images: it has neither `images` nor `x`, N x H x W x C")
    return arrays[0], arrays[1]


def _fitted_arrays(images, shape, resize, crop, path):
    if images.dtype not in (np.int8, np.uint8, np.float32, np.float64) or images.ndim < 2:
        raise UserError(f"{path} is no file of images: it holds {images.dtype} of {images.shape}, not uint8, float or int8 of N x H x W x C")
    if images.shape[1:] in ((shape[0] * shape[1] * shape[2],), shape[:2] if shape[2] == 1 else None):
        images = images.reshape(-1, *shape)
    if (resize or crop) and images.ndim == 4 and images.shape[3] == shape[2] and images.dtype == np.uint8:
        picture = (lambda pixels: Image.fromarray(pixels[..., 0] if shape[2] == 1 else pixels))
        return np.stack([fitted(picture(pixels), shape, resize, crop, f"image {i} of {path}") for i, pixels in enumerate(images)])
    if images.shape[1:] != tuple(shape):
        wanted, found = (" x ".join(map(str, size)) for size in (shape, images.shape[1:]))
        if images.shape[1:] == (shape[2], *shape[:2]):
            remedy = "put the channels last, images.transpose(0, 2, 3, 1)"
        else:
            remedy = "uint8 images can be fitted by --resize PIXELS and --crop"
        raise UserError(f"the network takes images of {wanted}, but {path} holds images of {found}: {remedy}")
    return images


def _read_labels(path):
    try:
        values = np.load(path, allow_pickle=False) if Path(path).suffix == ".npy" else np.loadtxt(path, dtype=np.int64, ndmin=1)
    except (OSError, EOFError, ValueError) as error:
        raise UserError(f"{path} is no file of labels (a class number a line, or a .npy): {error}") from error
    return values.reshape(-1)
