# SPDX-License-Identifier: BSD-2-Clause
"""Random networks whose tensors never lie below their zero points, some of their feature maps wholly at it, and random prunings of them."""

from dataclasses import replace

import numpy as np

from compiler.ir import Concat, Conv2D, MaxPool2D, Network, Padding, TensorInfo
from compiler.pruning import Pruning, prunable
from tests.support.random_graphs import random_graph

# The share of a convolution's filters whose bias is so low that few windows, or none, give more than the zero point.
_LOW = 0.4


def rectified(network, seed):
    """Return the Network with a ReLU at the end of every layer that clamps, and filters of which many give maps that are empty or nearly so."""
    rng, layers = np.random.default_rng(seed), []
    for layer in network.layers:
        if isinstance(layer, Concat):
            layers.append(layer)
            continue
        zero_point = network.tensors[layer.output].zero_point
        values = {"clamp_min": zero_point, "clamp_max": max(zero_point, layer.clamp_max)}
        if isinstance(layer, Conv2D):
            spread = np.sqrt(np.maximum(1, np.count_nonzero(layer.weights, axis=(1, 2, 3)))) * 75 * 75
            low = rng.random(len(layer.bias)) < _LOW
            values["bias"] = np.where(low, -rng.uniform(0.5, 4, len(low)) * spread, layer.bias).astype(np.int32)
        layers.append(replace(layer, **values))
    return replace(network, layers=tuple(layers))


def rectified_graph(seed, columns, **limits):
    """Return a rectified random_graph, the first from `seed` on in steps of 1000 of which something can be pruned."""
    while True:
        network = rectified(random_graph(seed, columns, **limits), seed)
        if prunable(network):
            return network
        seed += 1000


def deep(size=(8, 8), widths=(40, 72, 40), kernel=(3, 3), pool=(), seed=1):
    """Return a rectified chain of convolutions with so many output channels; a 2 x 2 max pool stands behind those whose numbers are in `pool`."""
    rng, tensors, layers = np.random.default_rng(seed), {"image": TensorInfo("image", *size, 8, zero_point=-128)}, []
    source = tensors["image"]
    for number, width in enumerate(widths):
        shape = (width, *kernel, source.channels)
        spread = np.sqrt(np.prod(shape[1:])) * 75 * 75
        layers.append(Conv2D(f"conv{number}", source.name, f"t{number}", rng.integers(-127, 128, shape), rng.integers(-1000, 1000, width),
                             rng.integers(1 << 30, 1 << 31, width), np.full(width, round(np.log2(60 / spread))), padding=Padding(1, 1, 1, 1)))
        source = tensors[f"t{number}"] = TensorInfo(f"t{number}", *layers[-1].output_shape(source.shape), zero_point=-128)
        if number in pool:
            layers.append(MaxPool2D(f"pool{number}", source.name, f"p{number}", (2, 2), (2, 2)))
            source = tensors[f"p{number}"] = TensorInfo(f"p{number}", *layers[-1].output_shape(source.shape), zero_point=-128)
    return rectified(Network("deep", "image", source.name, tensors, tuple(layers)), seed)


def random_pruning(network, seed, highest=60):
    """Return a Pruning of all tensors of `network` that can be pruned, with thresholds of 0 to `highest`, 0 often."""
    rng, names = np.random.default_rng(seed), prunable(network)
    thresholds = {name: int(rng.integers(0, highest + 1)) if rng.random() < 0.7 else 0 for name in names}
    return Pruning(thresholds, {name: rng.random(network.tensors[name].channels) for name in names})
