# SPDX-License-Identifier: BSD-2-Clause
"""The convolutions of AlexNet (as CaffeNet) that SkimCaffe's authors trained sparse, from the real data, quantised for the accelerator."""

import numpy as np

from accel.errors import UserError
from nets.data import data_path
from nets.float_builder import FloatBuilder
from nets.quantise import quantise_activations
from nets.quantise_network import quantise_network
from nets.unreadable import UNREADABLE, reason

# The two trainings that there are: b is the sparser one.
TRAININGS = ("b", "d")
# Layer: stride, padding, groups; whether a 3 x 3 max pool of stride 2 follows.
_LAYERS = {"conv1": (4, 0, 1, True), "conv2": (1, 2, 2, True), "conv3": (1, 1, 1, False), "conv4": (1, 1, 2, False), "conv5": (1, 1, 2, True)}
_LAST_OUTPUTS, _SEED = 16, 6


def sparse_caffenet(training):
    """Return (Network, int8 images [1, 227, 227, 3]) of one of TRAININGS: conv1 to conv5 with ReLU and the three max pools.

    The weights are the training's, the biases their dense parent's, and so is the image, by which the ranges are found. Local response
    normalisation is left out. Of fc6 the data have no weights: a small layer of random ones stands for it, so that conv5 has a reader and its channels need not be
    in the user's order. Raises UserError for another training, or where the real data are not there or damaged.
    """
    if training not in TRAININGS:
        raise UserError(f"there is no sparse training {training!r} of CaffeNet: choose {' or '.join(TRAININGS)}")
    weights = _arrays(f"alexnet/sparse_caffenet_skim_{training}.npz", _LAYERS)
    parent = _arrays("alexnet/dense_caffenet_activations_one_image.npz", ["input", *(f"{name}_bias" for name in _LAYERS)])
    image = parent["input"].transpose(1, 2, 0)[np.newaxis]
    build, last = FloatBuilder(f"sparse-caffenet-{training}", *image.shape[1:]), "input"
    for name, (stride, padding, groups, pooled) in _LAYERS.items():
        last = build.convolution(name, last, weights[name].transpose(0, 2, 3, 1), parent[f"{name}_bias"], (stride, stride), padding, groups)
        if pooled:
            last = build.max_pool(name.replace("conv", "pool"), last, (3, 3), (2, 2))
    shape = (_LAST_OUTPUTS, *build.tensors[last].shape)
    build.dense("last", last, np.random.default_rng(_SEED).normal(size=shape) / np.sqrt(np.prod(shape[1:])), np.zeros(_LAST_OUTPUTS))
    network = quantise_network(build.network(), image)
    info = network.tensors[network.input]
    return network, quantise_activations(image, info.scale, info.zero_point)


def _arrays(name, wanted):
    """Return {name: array} of those `wanted` of a file of the real data."""
    path = data_path(name)
    try:
        with np.load(path) as stored:
            return {array: stored[array] for array in wanted}
    except UNREADABLE as error:
        raise UserError(f"{path} cannot be read: {reason(error)}") from error
