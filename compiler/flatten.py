# SPDX-License-Identifier: BSD-2-Clause
"""A fully connected layer as a 1x1 convolution over its input's bytes in memory order, so that it loads linearly at any size."""

from dataclasses import replace

import numpy as np

from compiler.ir import Conv2D, TensorInfo


def flatten(layer, info, placement):
    """Return (layer, TensorInfo, Placement) of the same product over one pixel; channels that only fill a plane weigh nothing.

    `layer` is a FullyConnected with weights int8 [outputs, H, W, C], `info` and `placement` those of its input.
    """
    outputs, height, width, channels = layer.weights.shape
    if placement.planar:
        padded = np.pad(layer.weights, ((0, 0), (0, 0), (0, 0), (0, placement.planes * placement.columns - channels)))
        ordered = padded.reshape(outputs, height, width, placement.planes, placement.columns).transpose(0, 3, 1, 2, 4)
    else:
        ordered = layer.weights
    weights = ordered.reshape(outputs, 1, 1, -1)
    flat = Conv2D(layer.name, layer.input, layer.output, weights, layer.bias, layer.multipliers, layer.shifts,
                  clamp_min=layer.clamp_min, clamp_max=layer.clamp_max)
    shape = (1, 1, weights.shape[3])
    return flat, TensorInfo(info.name, *shape, info.scale, info.zero_point), replace(placement, shape=shape)
