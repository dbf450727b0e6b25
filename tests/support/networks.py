# SPDX-License-Identifier: BSD-2-Clause
"""Directed networks for tests of the compiler: one convolution as asked, perhaps behind a copy of its input, perhaps with a pool behind it."""

import numpy as np

from compiler.ir import Conv2D, MaxPool2D, Network, Padding, TensorInfo


def convolution(size, channels, outputs, kernel=(3, 3), *, stride=(1, 1), padding=Padding(), groups=1, planar=False, pool=False, zero_point=-128,
                mask=None, density=1.0, largest=127, smallest=-127, kind=Conv2D, seed=7):
    """Return a Network of one convolution of an input of `size` (height, width).

    planar: its input is a tensor that the accelerator wrote. pool: a 2 x 2 max pool follows. mask: the share of input channels that a dynamic mask
    keeps. density: the share of input channels that each plane of 16 filters keeps. Weights lie between `smallest` and `largest`.
    """
    rng = np.random.default_rng(seed)
    weights = rng.integers(smallest, largest + 1, (outputs, *kernel, channels // groups)).astype(np.int8)
    for first in range(0, outputs, 16):
        weights[first:first + 16, :, :, rng.random(weights.shape[3]) >= density] = 0
    spread = np.sqrt(max(1, weights[0].size * density)) * 75 * 75
    kept = None if mask is None else rng.random(channels) < mask
    layer = kind("conv", "in", "out", weights, rng.integers(-5000, 5000, outputs), rng.integers(1 << 30, 1 << 31, outputs),
                 np.full(outputs, round(np.log2(60 / spread))), stride, padding, groups, dynamic_mask=kept)
    tensors = {"in": TensorInfo("in", *size, channels, zero_point=zero_point)}
    layers = [layer]
    if planar:
        tensors["image"] = TensorInfo("image", *size, channels, zero_point=zero_point)
        layers.insert(0, MaxPool2D("copy", "image", "in", (1, 1), (1, 1)))
    tensors["out"] = TensorInfo("out", *layer.output_shape((*size, channels)), zero_point=-3)
    if pool:
        layers.append(MaxPool2D("pool", "out", "small", (2, 2), (2, 2), clamp_min=-100, clamp_max=90))
        tensors["small"] = TensorInfo("small", *layers[-1].output_shape(tensors["out"].shape), zero_point=-3)
    return Network("one", "image" if planar else "in", layers[-1].output, tensors, tuple(layers))
