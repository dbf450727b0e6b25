# SPDX-License-Identifier: BSD-2-Clause
"""Networks of one layer with random weights, for measuring and testing: shape and channel masks as asked."""

import numpy as np

from compiler.ir import Conv2D, Network, Padding, TensorInfo


def convolution_network(name, height, width, inputs, outputs, kernel=3, stride=1, kept=None, columns=16, block=32, seed=0):
    """Return a Network of one convolution with "same" padding. kept: input channels of each block that each tile of filters keeps."""
    rng = np.random.default_rng(seed)
    weights = rng.integers(-127, 128, (outputs, kernel, kernel, inputs)).astype(np.int8)
    if kept is not None:
        for first in range(0, outputs, columns):
            for low in range(0, inputs, block):
                count = min(block, inputs - low)
                gone = low + rng.permutation(count)[kept:]
                weights[first:first + columns, :, :, gone] = 0
    used = kernel * kernel * (inputs if kept is None else inputs * kept / block)
    # About the spread of the accumulators of random numbers: so outputs use their range and few saturate.
    shift = round(np.log2(60 / (np.sqrt(max(1, used)) * 75 * 75)))
    pad = kernel // 2
    tensors = {
        "input": TensorInfo("input", height, width, inputs, zero_point=-5),
        "output": TensorInfo("output", -(-height // stride), -(-width // stride), outputs, zero_point=3)}
    layer = Conv2D("conv", "input", "output", weights, rng.integers(-1000, 1000, outputs), rng.integers(1 << 30, 1 << 31, outputs),
                   np.full(outputs, shift), (stride, stride), Padding(pad, pad, kernel - 1 - pad, kernel - 1 - pad))
    return Network(name, "input", "output", tensors, (layer,))


def random_images(network, count, seed=0):
    """Return int8 images [count, H, W, C] for a network."""
    return np.random.default_rng(seed).integers(-128, 128, (count, *network.tensors[network.input].shape)).astype(np.int8)
