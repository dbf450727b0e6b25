# SPDX-License-Identifier: BSD-2-Clause
"""The reference: executes a network on a batch of images, vectorised, as TFLite's reference kernels do."""

import numpy as np

from accel.errors import UserError
from compiler.ir import Conv2D
from compiler.numbers import requantise


def _windows(maps, layer, fill):
    """Return a view [N, output height, output width, C, kernel height, kernel width] of int `maps` [N, H, W, C], padded with `fill`."""
    pad = layer.padding
    padded = np.pad(maps, ((0, 0), (pad.top, pad.bottom), (pad.left, pad.right), (0, 0)), constant_values=fill)
    windows = np.lib.stride_tricks.sliding_window_view(padded, layer.kernel, axis=(1, 2))
    return windows[:, ::layer.stride[0], ::layer.stride[1]]


def convolve(maps, layer, input_zero_point, output_zero_point):
    """Return int8 [N, H', W', O] of int8 maps [N, H, W, C].

    The sums are exact: float64 holds integers to 2**53 and a product of int8 numbers is at most 2**15.
    """
    windows = _windows(maps.astype(np.float64) - input_zero_point, layer, 0.0)
    group_inputs, group_outputs = layer.weights.shape[3], layer.weights.shape[0] // layer.groups
    sums = []
    for group in range(layer.groups):
        part = windows[:, :, :, group * group_inputs:(group + 1) * group_inputs]
        weights = layer.kept_weights[group * group_outputs:(group + 1) * group_outputs].astype(np.float64)
        sums.append(np.tensordot(part, weights, axes=([3, 4, 5], [3, 1, 2])))
    accumulator = np.concatenate(sums, axis=-1).astype(np.int64) + layer.bias
    return requantise(accumulator, layer.multipliers.astype(np.int64), layer.shifts, output_zero_point,
                      layer.clamp_min, layer.clamp_max)


def max_pool(maps, layer):
    """Return int8 [N, H', W', C]: the largest number of each window, -128 where it holds padding only."""
    return np.clip(_windows(maps, layer, -128).max(axis=(4, 5)), layer.clamp_min, layer.clamp_max)


def execute(network, images, off=None):
    """Return {tensor name: int8 [N, H, W, C]} for int8 `images` [N, H, W, C]. Raises UserError where they have another shape.

    off: {name of a convolution: bool [output channels]}, filters that a run-time mask turns off; they give their zero point, clamped.
    """
    expected = network.tensors[network.input].shape
    images = np.asarray(images)
    if images.dtype != np.int8 or images.shape[1:] != expected:
        raise UserError(f"network {network.name!r} takes int8 images of {expected}, not {images.dtype} of {images.shape[1:]}")
    values = {network.input: images}
    for layer in network.layers:
        maps = values[layer.input]
        if isinstance(layer, Conv2D):
            zero_point = network.tensors[layer.output].zero_point
            outputs = convolve(maps, layer, network.tensors[layer.input].zero_point, zero_point)
            if off and layer.name in off:
                outputs[..., off[layer.name]] = np.clip(zero_point, layer.clamp_min, layer.clamp_max)
            values[layer.output] = outputs
        else:
            values[layer.output] = max_pool(maps, layer)
    return values
