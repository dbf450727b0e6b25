# SPDX-License-Identifier: BSD-2-Clause
"""Networks of one layer with random weights, for measuring and testing: shape, groups and channel masks as asked."""

import numpy as np

from compiler.ir import Conv2D, FullyConnected, MaxPool2D, Network, Padding, TensorInfo


def _clear_channels(rng, weights, kept, probability, columns, block):
    """Clear input channels of each tile of `columns` filters, each tile its own: all but `kept` of each block, or each but with `probability`."""
    outputs, *_, inputs = weights.shape
    for first in range(0, outputs, columns):
        for low in range(0, inputs, block):
            count = min(block, inputs - low)
            gone = rng.permutation(count)[kept:] if kept is not None else np.flatnonzero(rng.random(count) >= probability)
            weights[first:first + columns, :, :, low + gone] = 0


def _parameters(rng, outputs, terms):
    """Return (bias, multipliers, shifts) for sums of about `terms` random products: so outputs use their range and few saturate."""
    shift = round(np.log2(60 / (np.sqrt(max(1, terms)) * 75 * 75)))
    return rng.integers(-1000, 1000, outputs), rng.integers(1 << 30, 1 << 31, outputs), np.full(outputs, shift)


def _same(kernel):
    before = kernel // 2
    return Padding(before, before, kernel - 1 - before, kernel - 1 - before)


def convolution_network(name, height, width, inputs, outputs, kernel=3, stride=1, padding=None, groups=1, kept=None, probability=None, columns=16,
                        block=32, zero_point=-5, pool=False, seed=0, **fields):
    """Return a Network of one convolution over an input of height x width x inputs.

    padding: rows and columns at each side; None: "same". kept: how many input channels of each block of `block` each tile of `columns` filters keeps;
    probability: that it keeps a channel (one of the two, and one group). pool: a 2x2 max pool with stride 2 follows. fields: of Conv2D.
    """
    if (kept is not None or probability is not None) and (groups > 1 or None not in (kept, probability)):
        raise ValueError("masks are given by kept or by probability, for one group")
    rng = np.random.default_rng(seed)
    weights = rng.integers(-127, 128, (outputs, kernel, kernel, inputs // groups)).astype(np.int8)
    density = 1
    if kept is not None or probability is not None:
        _clear_channels(rng, weights, kept, probability, columns, block)
        density = probability if kept is None else kept / block
    bias, multipliers, shifts = _parameters(rng, outputs, weights[0].size * density)
    layer = Conv2D("conv", "input", "conv", weights, bias, multipliers, shifts, (stride, stride),
                   _same(kernel) if padding is None else Padding(padding, padding, padding, padding), groups, **fields)
    tensors = {"input": TensorInfo("input", height, width, inputs, zero_point=zero_point)}
    layers = [layer, MaxPool2D("pool", "conv", "pool", (2, 2), (2, 2))] if pool else [layer]
    for item in layers:
        tensors[item.output] = TensorInfo(item.output, *item.output_shape(tensors[item.input].shape), zero_point=3)
    return Network(name, "input", layers[-1].output, tensors, tuple(layers))


def fully_connected_network(name, inputs, outputs, seed=0):
    """Return a Network of one fully connected layer."""
    rng = np.random.default_rng(seed)
    weights = rng.integers(-127, 128, (outputs, 1, 1, inputs)).astype(np.int8)
    tensors = {"input": TensorInfo("input", 1, 1, inputs, zero_point=-5), "dense": TensorInfo("dense", 1, 1, outputs, zero_point=3)}
    return Network(name, "input", "dense", tensors, (FullyConnected("dense", "input", "dense", weights, *_parameters(rng, outputs, inputs)),))


def random_images(network, count, seed=0):
    """Return int8 images [count, H, W, C] for a network."""
    return np.random.default_rng(seed).integers(-128, 128, (count, *network.tensors[network.input].shape)).astype(np.int8)
