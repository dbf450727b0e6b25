# SPDX-License-Identifier: BSD-2-Clause
"""The options that say which model is meant and what its images are, the same for every verb."""

import math
from dataclasses import replace

import numpy as np

from accel.errors import UserError
from nets.images import KINDS, digits_samples, open_images
from nets.preprocessing import Preprocessing
from nets.quantise_network import METHODS
from nets.zoo import FILES, PREPROCESSING, load_model

# Images that are run where no number is given.
MOST_IMAGES = 8
CALIBRATE_COUNT, METHOD = 64, "percentile"
# The share of an image set's numbers beyond what the network's input can hold from which on a note says so.
_MANY_OUTSIDE = 0.1
_VALUES, _SIZES = ("pixel_scale", "mean", "std", "bgr"), ("resize", "crop")


def number(text):
    """Return the float of a decimal number or a fraction like 1/255. Raises ValueError, also where it is not finite."""
    above, _, below = text.partition("/")
    value = float(above) / (float(below) or math.nan) if below else float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def numbers(text):
    """Return the floats of a list like .485,.456,.406. Raises ValueError."""
    return tuple(number(part) for part in text.split(","))


def add_model_options(parser):
    """Add to an argparse parser which model, and how a float one is quantised; returns the group."""
    group = parser.add_argument_group("model")
    group.add_argument("--model", metavar="MODEL", help=f"a model by name, or {FILES}")
    group.add_argument("--weights", metavar="FILE", help="the numbers of a model that is only described (nets/networks/)")
    group.add_argument("--calibrate", metavar="SET", help="images from which a float model's ranges are taken when it is quantised")
    group.add_argument("--calibrate-count", type=int, metavar="N", help=f"how many of them, evenly spread (default: {CALIBRATE_COUNT})")
    group.add_argument("--method", choices=METHODS,
                       help=f"ranges by the smallest and largest value, by percentiles, or by the least squared error (default: {METHOD})")
    return group


def add_image_options(parser):
    """Add to an argparse parser where images come from, and what add_preprocessing_options adds."""
    group = parser.add_argument_group("images")
    group.add_argument("--images", metavar="SET", help=f"{KINDS}; arrays are `images` or `x`, N x H x W x C, and perhaps `labels` or `y`")
    group.add_argument("--labels", metavar="FILE", help="the classes: a number a line, or a .npy (default: those of the set)")
    add_preprocessing_options(group)


def add_preprocessing_options(group):
    """Add to a group of an argparse parser what becomes of images before the network sees them."""
    group.add_argument("--pixel-scale", type=number, metavar="X", help="what a pixel of 0 to 255 is multiplied by, like 1/255 (default: 1)")
    group.add_argument("--mean", type=numbers, metavar="X,X,X", help="what is subtracted then, one number or one a channel (default: 0)")
    group.add_argument("--std", type=numbers, metavar="X,X,X", help="what is divided by then (default: 1)")
    group.add_argument("--bgr", action="store_true", help="the network takes blue first")
    group.add_argument("--resize", type=int, metavar="PIXELS", help="scale the shorter side to so many pixels")
    group.add_argument("--crop", action="store_true", help="cut out the centre in the network's size")


def _given(arguments, *names):
    """Return those options of `names` that are on the command line."""
    return [f"--{name.replace('_', '-')}" for name in names if getattr(arguments, name) not in (None, False)]


def given_preprocessing(arguments):
    """Return the options of add_preprocessing_options that are on the command line."""
    return _given(arguments, *_VALUES, *_SIZES)


def preprocessing_of(arguments):
    """Return the Preprocessing that the options ask for; what they do not say is that of a model by name, or pixels as they are."""
    base = PREPROCESSING.get(arguments.model, Preprocessing())
    given = {"scale": arguments.pixel_scale, "mean": arguments.mean, "std": arguments.std, "bgr": arguments.bgr or None}
    return replace(base, **{name: value for name, value in given.items() if value is not None})


def image_set(arguments, path, shape, labels=None):
    """Return the ImageSet at `path` for a network that takes images of `shape`.

    Raises UserError where an option does not fit the network, or the images have no use for it.
    """
    preprocessing = preprocessing_of(arguments)
    for name, values in (("mean", preprocessing.mean), ("std", preprocessing.std)):
        if len(values) not in (1, shape[2]):
            raise UserError(f"--{name} has {len(values)} numbers, but the network's images have {shape[2]} channels: give one number or {shape[2]}")
    if arguments.bgr and shape[2] != 3:
        raise UserError(f"--bgr is for images of 3 channels, but the network's have {shape[2]}: leave it out")
    if 0 in preprocessing.std:
        raise UserError("--std must not be 0")
    if arguments.resize is not None and arguments.resize < 1:
        raise UserError(f"--resize must be at least 1 pixel, not {arguments.resize}")
    crop = arguments.crop or preprocessing.size is not None
    images = open_images(path, shape, replace(preprocessing, size=None), labels, arguments.resize, crop)
    kind = images.source.dtype
    for options, useless, why in ((_VALUES, kind == np.int8, "int8, the network's own numbers"), (_SIZES, kind != np.uint8, f"{kind}, not pixels")):
        if useless and _given(arguments, *options):
            raise UserError(f"{_given(arguments, *options)[0]} has no effect on the images in {path}, which are {why}: leave it out")
    return images


def model_of(arguments, calibration=None):
    """Return the Model that the options name. Raises UserError where they do not fit each other.

    calibration: function of a shape that gives the images to quantise a float model with where --calibrate is not given.
    """
    if arguments.model is None:
        raise UserError(f"there is no --model: give a model by name, or {FILES}")
    count = CALIBRATE_COUNT if arguments.calibrate_count is None else arguments.calibrate_count
    if count < 1:
        raise UserError(f"--calibrate-count must be at least 1, not {count}")

    def calibrate(shape):
        return image_set(arguments, arguments.calibrate, shape).spread(count)

    model = load_model(arguments.model, arguments.weights, calibrate if arguments.calibrate else calibration, arguments.method or METHOD)
    given = _given(arguments, "calibrate", "calibrate_count", "method")
    if given and model.real is None:
        raise UserError(f"model {arguments.model!r} is quantised already: leave out {given[0]}")
    if arguments.calibrate_count is not None and not arguments.calibrate:
        raise UserError("--calibrate-count is for the images of --calibrate SET: give one, or leave it out")
    return model


def note_of_range(images, count, network):
    """Return the note that many numbers of the first `count` images of an ImageSet are beyond what a Network's input can hold, or None."""
    share, low, high = images.outside(count, network.tensors[network.input])
    if share < _MANY_OUTSIDE:
        return None
    return (f"{share:.0%} of the images' numbers are beyond {low:.4g} to {high:.4g}, all that the network's input can hold, and are cut off: "
            "--pixel-scale, --mean and --std must be those that the network was trained with")


def samples_of(arguments, network, count):
    """Return the Samples of the first `count` images (None: MOST_IMAGES, or all where there are fewer) that the options name.

    Where they name none it is the held-back digits, if the model takes such.
    """
    if arguments.images is None:
        given = [*_given(arguments, "labels"), *given_preprocessing(arguments)]
        if given:
            raise UserError(f"{given[0]} is for the images of --images SET: give one, or leave it out")
        return digits_samples(network, MOST_IMAGES if count is None else count)
    images = image_set(arguments, arguments.images, network.tensors[network.input].shape, arguments.labels)
    count = min(MOST_IMAGES, len(images)) if count is None else count
    samples, note = images.samples(network, count), note_of_range(images, count, network)
    if note:
        print(f"note: {note}")
    return samples
