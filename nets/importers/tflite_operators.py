# SPDX-License-Identifier: BSD-2-Clause
"""How each TFLite operator becomes layers: one function an operator, called with the Translation and the Operator."""

import numpy as np

from compiler.ir import Add, Concat, Conv2D, FullyConnected, Lookup, Padding, Rescale, Softmax
from compiler.numbers import Rounding, quantize_multiplier, requantise
from nets.importers import tflite_numbers as numbers
from nets.importers import tflite_pools as pools
from nets.importers.tflite_weights import bias_of, weights_of


def _columns(pairs):
    """Return {multipliers, shifts} of [(multiplier, shift)]."""
    multipliers, shifts = zip(*pairs, strict=True)
    return {"multipliers": multipliers, "shifts": shifts}


def _convolution(translation, operator, weights, scales, groups):
    """Append the Conv2D of `weights` [O, kh, kw, I / groups], whose filters have float32 `scales` [O]."""
    for axis in "hw":
        if operator.options.get(f"dilation_{axis}_factor", 1) != 1:
            translation.refuse(operator, "is dilated", "set its dilation to 1: a larger kernel with zeros computes the same")
    name = translation.map_name(operator, padded=True)
    source, target = translation.tensor(operator.inputs[0]), translation.tensor(operator.outputs[0])
    product = numbers.half_short_product_scale if source.dtype == "uint8" else numbers.product_scale
    pairs = [quantize_multiplier(product(source.scale, scale, target.scale)) for scale in scales]
    stride, padding = translation.window(operator, weights.shape[1:3])
    translation.put(operator, Conv2D, name, weights=weights, bias=bias_of(translation, operator, len(weights)), **_columns(pairs), stride=stride,
                    padding=padding, groups=groups, **translation.clamp(operator))


def conv_2d(translation, operator):
    """Convolution; filters with fewer channels than the input make groups."""
    weights, scales = weights_of(translation, operator, 0)
    channels = translation.tensor(operator.inputs[0]).map_shape[2]
    if channels % weights.shape[3]:
        translation.refuse(operator, f"has filters of {weights.shape[3]} channels for an input of {channels}", "export the model anew")
    _convolution(translation, operator, weights, scales, channels // weights.shape[3])


def depthwise_conv_2d(translation, operator):
    """Depthwise convolution; a channel multiplier makes groups of one input channel."""
    weights, scales = weights_of(translation, operator, 3)
    _convolution(translation, operator, weights.transpose(3, 1, 2, 0), scales, translation.tensor(operator.inputs[0]).map_shape[2])


def fully_connected(translation, operator):
    """A matrix product over the whole map, its sums rounded once; over the channels of each pixel where it keeps the dimensions."""
    if operator.options.get("weights_format", 0):
        translation.refuse(operator, "has shuffled weights", "export the model anew without shuffling")
    name, (matrix, scales) = translation.name(operator), weights_of(translation, operator, 0, dimensions=2)
    shape, (outputs, length) = translation.info(name).shape, matrix.shape
    by_pixel = bool(operator.options.get("keep_num_dims")) and length == shape[2]
    if not by_pixel and length != np.prod(shape):
        translation.refuse(operator, f"multiplies {length} numbers, but the map has {np.prod(shape)}", "flatten the whole map before it")
    source, target = translation.tensor(operator.inputs[0]), translation.tensor(operator.outputs[0])
    bias = bias_of(translation, operator, outputs)
    largest = np.abs(matrix.astype(np.int64)).sum(axis=1) * 255 + np.abs(bias.astype(np.int64))
    reals = [numbers.product_scale(source.scale, scale, target.scale) for scale in scales]
    pairs = [numbers.rounded_scaling(real, int(most)) for real, most in zip(reals, largest, strict=True)]
    weights = matrix.reshape(outputs, *((1, 1, length) if by_pixel else shape))
    translation.put(operator, Conv2D if by_pixel else FullyConnected, name, weights=weights, bias=bias, **_columns(pairs),
                    **translation.clamp(operator), rounding=Rounding.HALF_AWAY)


def add(translation, operator):
    """The sum of two maps of one shape."""
    names = [_operand(translation, operator, place) for place in (0, 1)]
    tensors = [translation.tensor(number) for number in (*operator.inputs, operator.outputs[0])]
    first, second, _ = (list(tensor.shape) for tensor in tensors)
    if first != second:
        translation.refuse(operator, f"adds maps of {first} and {second}", "there is no broadcasting: let both have the same shape")
    scalings = numbers.addition_scaling(*(tensor.scale for tensor in tensors))
    values = [number for pair in scalings for number in pair]
    keys = [f"{which}_{what}" for which in ("input", "other", "output") for what in ("multiplier", "shift")]
    translation.put(operator, Add, *names, **dict(zip(keys, values, strict=True)), **translation.clamp(operator))


def _operand(translation, operator, place):
    if translation.tensor(operator.inputs[place]).data is not None:
        translation.refuse(operator, "adds a constant", "put it into the bias of the convolution before")
    return translation.name(operator, place)


def mul(translation, operator):
    """Multiplication by a constant: a depthwise convolution of one weight a channel."""
    places = [place for place in (0, 1) if translation.tensor(operator.inputs[place]).data is not None]
    if len(places) != 1:
        translation.refuse(operator, "multiplies two maps", "only a factor that is constant can be imported")
    factor, name = translation.tensor(operator.inputs[places[0]]), translation.map_name(operator, 1 - places[0])
    first, second, target = (translation.tensor(number) for number in (*operator.inputs, operator.outputs[0]))
    if factor.dtype != translation.tensor(operator.inputs[1 - places[0]]).dtype or factor.scales is None or len(factor.scales) != 1:
        translation.refuse(operator, f"has a factor of {factor.dtype} with {0 if factor.scales is None else len(factor.scales)} scales",
                           "quantise the factor as the map is, with one scale")
    channels = translation.info(name).channels
    factors = factor.data.astype(np.int64).reshape(-1) - int(factor.zero_points[0])
    if factors.size not in (1, channels) or (factors.size > 1 and factor.shape[-1] != channels):
        translation.refuse(operator, f"has a factor of {list(factor.shape)}", f"let it be one number, or one for each of the {channels} channels")
    if factors.min() < -128 or factors.max() > 127:
        translation.refuse(operator, f"has factors from {factors.min()} to {factors.max()}, their zero point subtracted, that exceed int8",
                           "quantise the factor with zero point 0")
    multiplier, shift = quantize_multiplier(numbers.short_product_scale(first.scale, second.scale, target.scale))
    weights = np.broadcast_to(factors, channels).reshape(channels, 1, 1, 1)
    translation.note(operator, "by a constant is a depthwise 1x1 convolution")
    translation.put(operator, Conv2D, name, weights=weights, bias=np.zeros(channels), multipliers=np.full(channels, multiplier),
                    shifts=np.full(channels, shift), groups=channels, **translation.clamp(operator))


def activation(translation, operator):
    """RELU, RELU6 and RELU_N1_TO_1 that stand alone."""
    source, target = translation.tensor(operator.inputs[0]), translation.tensor(operator.outputs[0])
    multiplier, shift = quantize_multiplier(numbers.short_quotient(source.scale, target.scale))
    translation.put(operator, Rescale, translation.name(operator), multiplier=multiplier, shift=shift,
                    **translation.clamp(operator, operator.kind))


def logistic(translation, operator):
    """The sigmoid, by the table of 256 numbers that TFLite computes."""
    source, target = translation.tensor(operator.inputs[0]), translation.tensor(operator.outputs[0])
    table = numbers.logistic_table(source.scale, source.zero_point, target.scale, target.zero_point)
    translation.put(operator, Lookup, translation.name(operator), table=table)


def softmax(translation, operator):
    """Softmax over the channels of each pixel, or of a map of one pixel."""
    translation.put(operator, Softmax, translation.map_name(operator), beta=float(operator.options.get("beta", 1.0)))


def concatenation(translation, operator):
    """The channels of several maps; inputs of another scale (uint8) are brought to the output's first."""
    rank, axis = len(translation.tensor(operator.outputs[0]).shape), operator.options.get("axis", 0)
    if axis % rank != rank - 1:
        translation.refuse(operator, f"joins along axis {axis}", "only channels, the last axis, can be joined")
    if operator.options.get("fused_activation_function", 0):
        translation.refuse(operator, "has a fused activation", "let the activation come before it")
    names = tuple(_at_scale_of_output(translation, operator, place) for place in range(len(operator.inputs)))
    translation.put(operator, Concat, names)


def _at_scale_of_output(translation, operator, place):
    name = translation.map_name(operator, place)
    source, target = translation.tensor(operator.inputs[place]), translation.tensor(operator.outputs[0])
    both = (source.scale, source.zero_point, target.scale, target.zero_point)
    if both[:2] == both[2:]:
        return name
    if source.dtype == "int8":
        translation.refuse(operator, f"joins int8 maps of the scales {source.scale} and {target.scale}, or of other zero points",
                           "quantise it anew: input and output of an int8 CONCATENATION have the same")
    table, (multiplier, shift) = numbers.concatenation_table(*both), quantize_multiplier(numbers.quotient(source.scale, target.scale))
    every = np.arange(-128, 128) - source.zero_point
    if (requantise(every, multiplier, shift, target.zero_point, -128, 127) == table).all():
        return translation.put(operator, Rescale, name, suffix=f"_input{place}", multiplier=multiplier, shift=shift).output
    return translation.put(operator, Lookup, name, suffix=f"_input{place}", table=table).output


def quantize(translation, operator):
    """At the network's input, from real numbers: nothing. Elsewhere another scale, or uint8 for int8."""
    source, target = translation.tensor(operator.inputs[0]), translation.tensor(operator.outputs[0])
    if source.dtype == "float32":
        translation.declare_input(target.number)
        translation.note(operator, "is left out: the network takes the int8 numbers that it gives")
    elif (source.scale, source.zero_point) == (target.scale, target.zero_point):
        translation.rename(operator)
    else:
        multiplier, shift = quantize_multiplier(numbers.quotient(source.scale, target.scale))
        translation.put(operator, Rescale, translation.name(operator), multiplier=multiplier, shift=shift)


def dequantize(translation, operator):
    """At the network's output, to real numbers: nothing."""
    translation.rename(operator)
    translation.note(operator, "is left out: the network gives the int8 numbers that it reads")


def reshape(translation, operator):
    """RESHAPE and SQUEEZE: other names for the same numbers in the same order."""
    source, target = translation.tensor(operator.inputs[0]), translation.tensor(operator.outputs[0])
    if np.prod(source.shape) != np.prod(target.shape):
        translation.refuse(operator, f"makes {list(target.shape)} of {list(source.shape)}", "export the model anew with fixed shapes")
    translation.require_same_numbers(operator)
    translation.name(operator)
    translation.reshape_input(operator)
    translation.rename(operator)
    translation.note(operator, "is left out: the numbers and their order stay the same")


def pad(translation, operator):
    """A border of zero points, which the convolution or pool that reads it takes in."""
    amounts = translation.tensor(operator.inputs[1])
    if amounts.data is None or amounts.shape != (4, 2):
        translation.refuse(operator, "has no constant amounts of four dimensions", "pad rows and columns of a map by constants")
    (_, _), (top, bottom), (left, right), (_, _) = amounts.data.tolist()
    if amounts.data.min() < 0 or amounts.data[[0, 3]].any():
        translation.refuse(operator, f"pads by {amounts.data.tolist()}", "pad rows and columns only, by no negative amount")
    translation.require_same_numbers(operator)
    translation.map_name(operator, padded=True)
    translation.rename(operator, Padding(top, left, bottom, right))
    translation.note(operator, "is part of the padding of what reads it")


OPERATORS = {
    "ADD": add, "AVERAGE_POOL_2D": pools.average_pool_2d, "CONCATENATION": concatenation, "CONV_2D": conv_2d, "DEPTHWISE_CONV_2D": depthwise_conv_2d,
    "DEQUANTIZE": dequantize, "FULLY_CONNECTED": fully_connected, "LOGISTIC": logistic, "MAX_POOL_2D": pools.max_pool_2d, "MEAN": pools.mean,
    "MUL": mul, "PAD": pad, "QUANTIZE": quantize, "RELU": activation, "RELU6": activation, "RELU_N1_TO_1": activation, "RESHAPE": reshape,
    "SOFTMAX": softmax, "SQUEEZE": reshape,
}
