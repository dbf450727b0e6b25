# SPDX-License-Identifier: BSD-2-Clause
"""Each kind of float layer as a layer of int8: weights symmetric per output channel, sums and additions scaled as TFLite does it."""

import numpy as np

from compiler.ir import Add, AveragePool2D, Concat, Conv2D, FullyConnected, MaxPool2D, Rescale, Softmax
from compiler.numbers import Rounding, quantize_multiplier
from nets.quantise import clamp, quantise_layer


def convolution(layer, source, target):
    """Return the Conv2D of a FloatConv between two TensorInfos."""
    numbers = quantise_layer(layer.weights, layer.bias, source.scale, target.scale)
    return Conv2D(layer.name, layer.input, layer.output, **numbers, stride=tuple(layer.stride), padding=layer.padding, groups=layer.groups,
                  **clamp(target, layer.activation))


def dense(layer, source, target):
    """Return the FullyConnected of a FloatDense."""
    numbers = quantise_layer(layer.weights, layer.bias, source.scale, target.scale)
    return FullyConnected(layer.name, layer.input, layer.output, **numbers, **clamp(target, layer.activation))


def add(layer, source, other, target):
    """Return the Add of a FloatAdd, scaled as TFLite's: to twice the larger of the inputs' scales, with 20 bits more, and from there."""
    common = 2 * max(source.scale, other.scale)
    scaling = (*quantize_multiplier(source.scale / common), *quantize_multiplier(other.scale / common),
               *quantize_multiplier(common / ((1 << Add.left_shift) * target.scale)))
    return Add(layer.name, layer.input, layer.other, layer.output, *scaling, **clamp(target, layer.activation))


def rescale(name, source, target, limits=None):
    """Return the Rescale from one TensorInfo to another that clips to the real `limits`."""
    return Rescale(name, source.name, target.name, *quantize_multiplier(source.scale / target.scale), **clamp(target, limits))


def activation(layer, source, target):
    """Return the Rescale of a FloatActivation."""
    return rescale(layer.name, source, target, (layer.low, layer.high))


def max_pool(layer, source, target):
    """Return the MaxPool2D of a FloatMaxPool."""
    return MaxPool2D(layer.name, layer.input, layer.output, tuple(layer.window), tuple(layer.stride), layer.padding)


def average_pool(layer, source, target):
    """Return the AveragePool2D of a FloatAveragePool whose output has its input's scale."""
    return AveragePool2D(layer.name, layer.input, layer.output, tuple(layer.window), tuple(layer.stride), layer.padding,
                         include_padding=layer.include_padding)


def mean(layer, source, target):
    """Return the depthwise Conv2D of a mean over the whole map: weights of 1, the division in the multiplier, rounded once: so a scale of its own."""
    channels, places = source.channels, source.height * source.width
    multiplier, shift = quantize_multiplier(source.scale / (places * target.scale))
    return Conv2D(layer.name, layer.input, layer.output, np.ones((channels, *layer.window, 1)), np.zeros(channels), np.full(channels, multiplier),
                  np.full(channels, shift), groups=channels, rounding=Rounding.HALF_AWAY)


def concat(layer, *infos):
    """Return the Concat of a FloatConcat whose inputs have its output's scale."""
    return Concat(layer.name, tuple(info.name for info in infos[:-1]), layer.output)


def softmax(layer, source, target):
    """Return the Softmax of a FloatSoftmax."""
    return Softmax(layer.name, layer.input, layer.output)
