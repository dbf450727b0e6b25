# SPDX-License-Identifier: BSD-2-Clause
"""Layers for the operators of a quantised ONNX graph, made when the integers of their output are known.

Each function takes the Graph, the node's name, the Views that it reads and what else it needs, and returns a Pending.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from accel.errors import UserError
from compiler.ir import AveragePool2D, Concat, Conv2D, FullyConnected, Lookup, MaxPool2D, Padding, Softmax
from compiler.numbers import Rounding, quantize_multiplier
from nets.float_network import FloatAdd
from nets.importers.qdq_graph import NO_LIMITS, Pending, View
from nets.importers.qdq_numbers import bias_numbers
from nets.quantise import clamp
from nets.quantise_layers import add as int8_add
from nets.scales import SOFTMAX_SCALE, SOFTMAX_ZERO_POINT


def _scaling(where, ratios):
    """Return (multipliers, shifts) of positive `ratios`. Raises UserError where one is beyond them."""
    try:
        return zip(*(quantize_multiplier(float(ratio)) for ratio in ratios), strict=True)
    except ValueError as error:
        raise UserError(f"{where}: {error}; its scales do not fit each other") from error


def _numbers(info):
    return info.scale, info.zero_point


def _padded(one, other):
    return Padding(one.top + other.top, one.left + other.left, one.bottom + other.bottom, one.right + other.right)


def convolution(graph, name, view, weights, scales, bias, stride, padding, groups):
    """A convolution: int8 weights [O, kernel height, kernel width, I / groups] with `scales` [O] and a bias as bias_numbers takes it."""
    source, before = graph.plain(view, name, padding=True)
    where = f"Conv {name!r}"
    bias = bias_numbers(where, bias, source.scale * scales)
    padding = _padded(padding, before)

    def emit(tensor, limits):
        graph.put(Conv2D(name, source.name, tensor.name, weights, bias, *_scaling(where, source.scale * scales / tensor.scale), stride, padding, groups,
                         **clamp(tensor, limits), rounding=Rounding.HALF_AWAY))

    spans = source.height + padding.top + padding.bottom, source.width + padding.left + padding.right
    size = ((span - kernel) // step + 1 for span, kernel, step in zip(spans, weights.shape[1:3], stride, strict=True))
    return Pending((*size, len(weights)), emit)


def dense(graph, name, view, weights, scales, bias):
    """A matrix product: int8 weights [O, C * H * W] in ONNX's order."""
    source, _ = graph.plain(view, name)
    where = f"matrix product {name!r}"
    height, width, channels = source.shape
    if weights.shape[1] != height * width * channels:
        raise UserError(f"{where} has weights for {weights.shape[1]} inputs, but reads {height * width * channels} numbers")
    weights = weights.reshape(-1, channels, height, width).transpose(0, 2, 3, 1)
    bias = bias_numbers(where, bias, source.scale * scales)

    def emit(tensor, limits):
        graph.put(FullyConnected(name, source.name, tensor.name, weights, bias, *_scaling(where, source.scale * scales / tensor.scale),
                                 **clamp(tensor, limits), rounding=Rounding.HALF_AWAY))

    return Pending((1, 1, len(weights)), emit, flat=True)


def affine(graph, name, view, factors, offsets):
    """Each channel times its factor plus its offset, float64 [C] each: a depthwise 1x1 convolution with weights of 127, the finest for the bias."""
    source, _ = graph.plain(view, name)
    where = f"node {name!r}"
    # A channel with the factor 0 is its offset alone: any scale will do that holds it.
    sizes = np.where(factors != 0, np.abs(factors), np.abs(offsets).max() / source.scale + 1) / 127
    bias = bias_numbers(where, offsets, source.scale * sizes)

    def emit(tensor, limits):
        weights = 127 * np.sign(factors).reshape(-1, 1, 1, 1)
        graph.put(Conv2D(name, source.name, tensor.name, weights, bias, *_scaling(where, source.scale * sizes / tensor.scale), groups=source.channels,
                         **clamp(tensor, limits), rounding=Rounding.HALF_AWAY))

    return Pending(source.shape, emit, flat=view.flat)


def addition(graph, name, view, other):
    """The sum of two views of one shape."""
    one, two = graph.plain(view, name)[0], graph.plain(other, name)[0]
    if one.shape != two.shape or (view.flat != other.flat and max(one.shape[:2]) > 1):
        raise UserError(f"Add {name!r} adds maps of {one.shape} and {two.shape}, but they must have the same shape")

    def emit(tensor, limits):
        graph.put(int8_add(FloatAdd(name, one.name, two.name, tensor.name, limits), one, two, tensor))

    return Pending(one.shape, emit, flat=view.flat)


def identity(graph, view):
    """A view's own reals, to be clipped or quantised anew."""
    return Pending(view.shape, partial(graph.copy, view), flat=view.flat)


def concatenation(graph, name, views):
    """The channels of several views, each brought to the output's scale first where it has another."""

    def emit(tensor, limits):
        parts = []
        for view in views:
            if view.moved or view.numbers != (tensor.scale, tensor.zero_point) or limits != NO_LIMITS:
                part = graph.tensor(f"{view.info.name} for {name}", view.shape, (tensor.scale, tensor.zero_point))
                graph.copy(view, part, limits)
            else:
                part = view.info
            parts.append(part.name)
        graph.put(Concat(name, tuple(parts), tensor.name))

    return Pending((*views[0].shape[:2], sum(view.shape[2] for view in views)), emit, flat=views[0].flat)


def _with_own_numbers(graph, shape, numbers, layer):
    """Return the emit of a layer whose output has the (scale, zero point) `numbers`, whatever is asked: where that is other, a Rescale follows.

    layer(name of its output) makes it.
    """

    def emit(tensor, limits):
        if numbers == (tensor.scale, tensor.zero_point) and limits == NO_LIMITS:
            graph.put(layer(tensor.name))
            return
        before = graph.tensor(f"{tensor.name} before its scale", shape, numbers)
        graph.put(layer(before.name))
        graph.copy(View(before), tensor, limits)

    return emit


def max_pool(graph, name, view, window, stride, padding):
    """The maximum over windows: of the numbers, since requantisation keeps their order."""
    source, _ = graph.plain(view, name)
    pool = MaxPool2D(name, source.name, name, window, stride, padding)
    shape = pool.output_shape(source.shape)
    return Pending(shape, _with_own_numbers(graph, shape, _numbers(source), lambda output: replace(pool, output=output)))


def average_pool(graph, name, view, window, stride, padding, include_padding):
    """The mean over windows. Where all windows count alike it is a depthwise convolution with weights of 1, rounded once at the output's scale."""
    source, _ = graph.plain(view, name)
    pool = AveragePool2D(name, source.name, name, window, stride, padding, include_padding=include_padding)
    shape = pool.output_shape(source.shape)
    if padding == Padding() or include_padding:
        return Pending(shape, partial(_even_average, graph, name, source, window, stride, padding))
    emit = _with_own_numbers(graph, shape, _numbers(source), lambda output: replace(pool, output=output))

    def checked(tensor, limits):
        if source.scale > tensor.scale * (1 + 1e-6):
            raise UserError(f"AveragePool {name!r} leaves its padding out of the mean and has a finer scale than its input: it would be rounded twice; "
                            "set count_include_pad=1, or give it its input's scale")
        emit(tensor, limits)

    return Pending(shape, checked)


def _even_average(graph, name, source, window, stride, padding, tensor, limits):
    channels = source.channels
    multiplier, shift = next(zip(*_scaling(f"average {name!r}", [source.scale / (window[0] * window[1] * tensor.scale)]), strict=True))
    graph.put(Conv2D(name, source.name, tensor.name, np.ones((channels, *window, 1)), np.zeros(channels), np.full(channels, multiplier),
                     np.full(channels, shift), stride, padding, channels, **clamp(tensor, limits), rounding=Rounding.HALF_AWAY))


def softmax(graph, name, view):
    """Softmax over the channels of each pixel, by TFLite's kernel with its scale 1/256; where the model wants another, a Rescale follows."""
    source, _ = graph.plain(view, name)
    numbers = SOFTMAX_SCALE, SOFTMAX_ZERO_POINT
    emit = _with_own_numbers(graph, source.shape, numbers, lambda output: Softmax(name, source.name, output))
    return Pending(source.shape, emit, flat=view.flat, fixed=numbers)


def lookup(graph, name, view, function):
    """A function of each number by itself, float64 in and out: a table of 256, halves to even as QuantizeLinear rounds."""
    source, _ = graph.plain(view, name)

    def emit(tensor, limits):
        reals = function((np.arange(-128, 128) - source.zero_point) * source.scale)
        table = np.clip(np.rint(np.clip(reals, *limits) / tensor.scale) + tensor.zero_point, -128, 127).astype(np.int8)
        graph.put(Lookup(name, source.name, tensor.name, table))

    return Pending(source.shape, emit, flat=view.flat)
