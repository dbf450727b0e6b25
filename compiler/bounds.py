# SPDX-License-Identifier: BSD-2-Clause
"""Between which numbers a layer's outputs lie, channel by channel, whatever the image: interval arithmetic that is exact for constants."""

import numpy as np

from compiler.cpu_layers import on_cpu
from compiler.ir import Add, AveragePool2D, Concat, Conv2D, Lookup, MaxPool2D, Padding
from compiler.numbers import INT32_MAX, INT32_MIN, requantise
from compiler.reference import add, rescale

# Left shifts up to which a byte minus a zero point, and a sum of an addition, keep within 32 bits.
_BYTE_SHIFT, _SUM_SHIFT = 22, 2


def output_bounds(layer, bounds, zero_points, output_zero_point):
    """Return (least, largest) int64 [output channels] of a layer whose inputs lie within `bounds`, a list of such pairs."""
    if isinstance(layer, Concat):
        return tuple(np.concatenate(ends) for ends in zip(*bounds, strict=True))
    if isinstance(layer, Add):
        ends = [add(layer, ends, zero_points, output_zero_point) for ends in zip(*bounds, strict=True)]
        return _monotone(layer, ends, bounds, layer.output_shift <= _SUM_SHIFT)
    low, high = bounds[0]
    if isinstance(layer, Lookup):
        ranges = [layer.table[first + 128:last + 129] for first, last in zip(low, high, strict=True)]
        return tuple(np.array([end(part) for part in ranges], np.int64) for end in (min, max))
    if on_cpu(layer):
        # Any numbers of int8; nothing reads the sums of a Sums.
        channels = layer.output_shape((1, 1, len(low)))[2]
        return np.full(channels, -128), np.full(channels, 127)
    if isinstance(layer, Conv2D):
        return _convolution(layer, low, high, zero_points[0], output_zero_point)
    if isinstance(layer, AveragePool2D) and layer.include_padding and padded(layer):
        low, high = np.minimum(low, zero_points[0]), np.maximum(high, zero_points[0])
    if isinstance(layer, (AveragePool2D, MaxPool2D)):
        return tuple(np.clip(end, layer.clamp_min, layer.clamp_max) for end in (low, high))
    return _monotone(layer, [rescale(end, layer, zero_points[0], output_zero_point) for end in (low, high)], bounds, layer.shift <= _BYTE_SHIFT)


def padded(layer):
    """Whether some window of a layer reaches beyond its map."""
    return layer.padding != Padding()


def _monotone(layer, ends, bounds, holds):
    """Return the outputs `ends` of both ends as bounds, or the clamp's limits where a function wraps (`holds` is False) and its input varies."""
    varies = np.any([low != high for low, high in bounds], axis=0) & (not holds)
    return np.where(varies, layer.clamp_min, ends[0]).astype(np.int64), np.where(varies, layer.clamp_max, ends[1]).astype(np.int64)


def _convolution(layer, low, high, zero_point, output_zero_point):
    low, high = low - zero_point, high - zero_point
    if padded(layer):
        low, high = np.minimum(low, 0), np.maximum(high, 0)
    ends = _sums(layer, low, high), _sums(layer, high, low)
    left = np.maximum(layer.shifts.astype(np.int64), 0)
    wraps = (ends[0] < INT32_MIN >> left) | (ends[1] > INT32_MAX >> left)
    outputs = [requantise(np.clip(end, INT32_MIN, INT32_MAX), layer.multipliers.astype(np.int64), layer.shifts, output_zero_point, layer.clamp_min,
                          layer.clamp_max, layer.rounding) for end in ends]
    varies = wraps & (layer.multipliers > 0)
    return np.where(varies, layer.clamp_min, outputs[0]).astype(np.int64), np.where(varies, layer.clamp_max, outputs[1]).astype(np.int64)


def _sums(layer, positive, negative):
    """Return int64 [outputs]: the sums with `positive` [inputs] under the weights above 0 and `negative` under those below, and the bias."""
    weights = layer.kept_weights
    return weighted(layer, np.maximum(weights, 0), positive) + weighted(layer, np.minimum(weights, 0), negative) + layer.bias


def weighted(layer, weights, inputs):
    """Return int64 [outputs]: the sums of `weights` (the Conv2D's, or part of them) over windows whose input channels have the values `inputs`."""
    taps = weights.sum(axis=(1, 2), dtype=np.int64).reshape(layer.groups, -1, weights.shape[3])
    return (taps @ inputs.reshape(layer.groups, -1, 1)).reshape(-1)
