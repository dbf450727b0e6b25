# SPDX-License-Identifier: BSD-2-Clause
"""A fully connected layer as a 1x1 convolution over its input's bytes in memory order, so that it loads linearly at any size."""

from dataclasses import replace

import numpy as np

from compiler.ir import Conv2D, TensorInfo


def flatten(layer, info, placement):
    """Return (layer, TensorInfo, Placement) of the same product over one pixel; channels that only fill a plane weigh nothing.

    `layer` is a FullyConnected with weights int8 [outputs, H, W, C], `info` and `placement` those of its input.
    """
    weights = in_memory_order(layer.weights, placement)
    weights = weights.reshape(len(weights), 1, 1, -1)
    mask = None
    if layer.dynamic_mask is not None:
        mask = in_memory_order(np.broadcast_to(layer.dynamic_mask, (1, *layer.weights.shape[1:])), placement).reshape(-1)
    flat = Conv2D(layer.name, layer.input, layer.output, weights, layer.bias, layer.multipliers, layer.shifts,
                  clamp_min=layer.clamp_min, clamp_max=layer.clamp_max, dynamic_mask=mask, rounding=layer.rounding)
    shape = (1, 1, weights.shape[3])
    return flat, TensorInfo(info.name, *shape, info.scale, info.zero_point), replace(placement, shape=shape, places=None)


def in_memory_order(values, placement):
    """Return values [N, H, W, C] in the order of the input's bytes, with zeros where channels only fill a plane."""
    if not placement.planar:
        return values
    count, height, width, channels = values.shape
    places = np.arange(channels) if placement.places is None else np.array(placement.places)
    padded = np.zeros((count, height, width, placement.planes * placement.columns), values.dtype)
    padded[..., places] = values
    return padded.reshape(count, height, width, placement.planes, placement.columns).transpose(0, 3, 1, 2, 4)
