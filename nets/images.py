# SPDX-License-Identifier: BSD-2-Clause
"""Sets of images, whatever they are kept in, read a piece at a time; and the int8 numbers that a network takes for them."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from accel.errors import UserError
from nets.image_arrays import Arrays, read_arrays
from nets.labels import check_classes, read_labels
from nets.pictures import Pictures
from nets.preprocessing import Preprocessing
from nets.quantise import dequantise, quantise_activations

# Images of a set that are looked at to see whether its numbers suit a network.
_LOOKED_AT = 16
KINDS = ".npz or .npy of arrays, a PNG or JPEG, a folder or .tar of them"


@dataclass(frozen=True)
class Samples:
    """int8 `images` [N, H, W, C], `labels` [N] or None, `pictures` [N, H, W], grey values 0..1 to show or None, `names` of their files or None."""

    images: np.ndarray
    labels: np.ndarray | None = None
    pictures: np.ndarray | None = None
    names: tuple | None = None


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
        return np.concatenate([self.real(place, place + 1, tensor) for place in _spread(len(self), count)])

    def labels_for(self, network, count):
        """Return the labels of the first `count` images, int64 [count] or None. Raises UserError where there are fewer, or one is no class."""
        self.check_count(count)
        if self.labels is not None:
            check_classes(self.labels[:count], network)
        return None if self.labels is None else self.labels[:count]

    def samples(self, network, count):
        """Return the first `count` images as the Samples of a Network. Raises UserError where there are fewer, or a label is no class."""
        labels = self.labels_for(network, count)
        names = getattr(self.source, "names", None)
        return Samples(self.int8(0, count, network.tensors[network.input]), labels, names=names and tuple(names[:count]))

    def outside(self, count, tensor):
        """Return (share, low, high): of the numbers of a few of the first `count` images, those that the TensorInfo `tensor` cannot hold, being
        more than half a step beyond low to high."""
        low, high = ((limit - tensor.zero_point) * tensor.scale for limit in (-128, 127))
        if self.source.dtype == np.int8:
            return 0.0, low, high
        values = np.stack([self.real(place, place + 1) for place in _spread(count, _LOOKED_AT)])
        return float(((values < low - tensor.scale / 2) | (values > high + tensor.scale / 2)).mean()), low, high

    def _real(self, numbers, tensor):
        if numbers.dtype != np.int8:
            return self.preprocessing.apply(numbers)
        if tensor is None:
            raise UserError("the images are int8, quantised already, but real values are wanted to calibrate with: give uint8 or float images")
        return dequantise(numbers, tensor.scale, tensor.zero_point).astype(np.float32)


def _spread(size, count):
    """Return `count` numbers evenly spread over 0 to size - 1, or all where there are fewer."""
    return np.unique(np.linspace(0, size - 1, min(count, size)).astype(int))


def open_images(path, shape, preprocessing=None, labels=None, resize=None, crop=False):
    """Return the ImageSet at `path` for a network that takes images of `shape` (height, width, channels).

    An .npz has `images` or `x`, and perhaps `labels` or `y`; a .npy only images: int8 as the network takes them, or uint8 or float values.
    For pictures, resize and crop see nets.pictures. labels: a text file of a class number a line, or a .npy.
    Raises UserError where something does not fit, or there is no image.
    """
    path = Path(path)
    source = (read_arrays if path.suffix in (".npz", ".npy") else Pictures)(path, shape, resize, crop)
    if not len(source):
        raise UserError(f"there is no image in {path}")
    if labels is not None:
        source.labels = read_labels(labels)
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
