# SPDX-License-Identifier: BSD-2-Clause
"""Images that come as arrays, in an .npz or .npy or in memory."""

import math

import numpy as np
from PIL import Image

from accel.errors import UserError
from nets.labels import class_numbers
from nets.unreadable import UNREADABLE, reason
from nets.pictures import fitted


class Arrays:
    """Images [N, H, W, C] that are in memory: uint8 or float32 values, or int8 numbers as a network takes them. labels: [N], or None."""

    def __init__(self, images, labels=None):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.images)

    @property
    def dtype(self):
        """What the images are kept as."""
        return self.images.dtype

    def read(self, first, last):
        """Return the images from number `first` up to `last`."""
        return self.images[first:last]


def read_arrays(path, shape, resize=None, crop=False):
    """Return the Arrays of an .npz or .npy for a network that takes images of `shape` (height, width, channels).

    resize, crop: as for pictures, of uint8 images only. Raises UserError where something does not fit.
    """
    try:
        stored = np.load(path, allow_pickle=False)
        if isinstance(stored, np.ndarray):
            images, labels = stored, None
        else:
            with stored:
                images, labels = (next((stored[name] for name in names if name in stored), None) for names in (("images", "x"), ("labels", "y")))
    except UNREADABLE as error:
        raise UserError(f"{path} is no file of images: {reason(error)}") from error
    if images is None:
        raise UserError(f"{path} is no file of images: it has neither `images` nor `x`, N x H x W x C")
    labels = None if labels is None else class_numbers(labels, path)
    return Arrays(_fitted(_checked(images, path), shape, resize, crop, path), labels)


def _checked(images, path):
    if images.dtype not in (np.int8, np.uint8, np.float32, np.float64) or images.ndim < 2:
        raise UserError(f"{path} is no file of images: it holds {images.dtype} of {images.shape}, not uint8, float or int8 of N x H x W x C")
    if images.dtype.kind == "f":
        wrong = np.flatnonzero(~np.isfinite(images).all(axis=tuple(range(1, images.ndim))))
        if len(wrong):
            raise UserError(f"{path} holds values that are no finite numbers, first in image {wrong[0]}: they cannot be quantised")
    return images


def _fitted(images, shape, resize, crop, path):
    numbers = math.prod(shape)
    if images.shape[1:] == (numbers,) and shape[2] not in (1, numbers):
        raise UserError(f"{path} holds images of {numbers} numbers in a row, whose order it does not say: reshape and transpose them to "
                        f"N x {' x '.join(map(str, shape))}, the channels last")
    if images.shape[1:] in ((numbers,), shape[:2] if shape[2] == 1 else None):
        images = images.reshape(-1, *shape)
    if (resize or crop) and images.ndim == 4 and images.shape[3] == shape[2] and images.dtype == np.uint8 and len(images):
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
