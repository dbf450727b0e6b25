# SPDX-License-Identifier: BSD-2-Clause
"""TFLite's pools and means as layers, each with the rounding that TFLite's kernel has."""

import numpy as np

from compiler.ir import AveragePool2D, Conv2D, MaxPool2D, Padding
from compiler.numbers import Rounding, quantize_multiplier
from nets.importers.tflite_numbers import mean_scaling, quotient

_VALID = 1  # tflite.Padding.VALID
# Up to this difference TFLite's pools take the scales of input and output for the same.
_SAME_SCALE = 1e-6


def max_pool_2d(translation, operator):
    """The largest number of each window. A PAD before it pads with zero points, which must be the smallest number."""
    name = translation.map_name(operator, padded=True)
    if translation.border(operator.inputs[0]) != Padding() and translation.info(name).zero_point != -128:
        translation.refuse(operator, "follows a PAD, whose zeros can be the largest numbers of a window",
                           "use the pool's own padding SAME, or put the PAD behind a RELU")
    _pool(translation, operator, MaxPool2D, name)


def average_pool_2d(translation, operator):
    """The mean of each window. int8 halves are rounded away from zero; uint8 halves up, as a convolution can where all windows have one size."""
    name = translation.map_name(operator, padded=True)
    padded = translation.border(operator.inputs[0]) != Padding()
    if padded and operator.options["padding"] != _VALID:
        translation.refuse(operator, "has padding SAME behind a PAD", "let the pool have padding VALID")
    window = operator.options["filter_height"], operator.options["filter_width"]
    if translation.tensor(operator.inputs[0]).dtype == "uint8" and window[0] * window[1] % 2 == 0:
        _mean_of_halves_up(translation, operator, name, window)
    else:
        pool = _pool(translation, operator, AveragePool2D, name, include_padding=padded)
        counts = pool.counts(translation.info(name).shape)
        if translation.tensor(operator.inputs[0]).dtype == "uint8" and any((side % 2 == 0).any() for side in counts):
            _refuse_mixed(translation, operator)


def _pool(translation, operator, kind, name, **values):
    window = operator.options["filter_height"], operator.options["filter_width"]
    stride, padding = translation.window(operator, window)
    translation.require_same_numbers(operator, _SAME_SCALE)
    layer = translation.put(operator, kind, name, window=window, stride=stride, padding=padding, **values, **translation.clamp(operator))
    translation.take_scale(layer.output, name)
    return layer


def _refuse_mixed(translation, operator):
    translation.refuse(operator, "averages windows of even and odd sizes, cut by the border, in uint8", "use padding VALID, or quantise to int8")


def _mean_of_halves_up(translation, operator, name, window):
    """Append a depthwise convolution of twice the numbers, plus 1, over twice the count, which has no halves: those of the mean are above them."""
    stride, padding = translation.window(operator, window)
    if operator.options["padding"] != _VALID and padding != Padding():
        _refuse_mixed(translation, operator)
    translation.note(operator, "is a depthwise convolution, whose sums are rounded as the mean of uint8 numbers is")
    channels, (multiplier, shift) = translation.info(name).channels, quantize_multiplier(1 / (2 * window[0] * window[1]))
    translation.require_same_numbers(operator, _SAME_SCALE)
    translation.put(operator, Conv2D, name, weights=np.full((channels, *window, 1), 2), bias=np.ones(channels),
                    multipliers=np.full(channels, multiplier), shifts=np.full(channels, shift), stride=stride, padding=padding, groups=channels,
                    **translation.clamp(operator), rounding=Rounding.HALF_AWAY)


def mean(translation, operator):
    """The mean over rows, columns or both: a depthwise convolution of ones, for TFLite divides the multiplier by the count."""
    axes, name = translation.tensor(operator.inputs[1]), translation.map_name(operator)
    rank, shape = len(translation.tensor(operator.inputs[0]).shape), translation.info(name).shape
    places = None if axes.data is None else {int(axis) % rank - rank + 3 for axis in axes.data.reshape(-1)}
    if not places or not places <= {0, 1}:
        given = None if axes.data is None else axes.data.tolist()
        translation.refuse(operator, f"is over the axes {given}", "take the mean over rows and columns only")
    window = tuple(shape[axis] if axis in places else 1 for axis in (0, 1))
    source, target = (translation.tensor(number) for number in (operator.inputs[0], operator.outputs[0]))
    multiplier, shift = mean_scaling(quotient(source.scale, target.scale), window[0] * window[1])
    channels = shape[2]
    translation.note(operator, "is a depthwise convolution of ones")
    translation.put(operator, Conv2D, name, weights=np.ones((channels, *window, 1)), bias=np.zeros(channels),
                    multipliers=np.full(channels, multiplier), shifts=np.full(channels, shift), groups=channels)
