# SPDX-License-Identifier: BSD-2-Clause
"""ONNX operators that compute: each as layers of a float network. Every function takes a FloatGraph and a Node and returns the output's Value."""

import math
from dataclasses import replace

import numpy as np

from compiler.layers import Padding
from nets.float_affine import affine
from nets.float_network import FloatActivation, FloatAdd, FloatAveragePool, FloatConv, FloatDense, FloatMaxPool, FloatSoftmax
from nets.importers.onnx_graph import NONE
from nets.importers.onnx_window import window_of


def conv(graph, node):
    """Conv in two dimensions; dilation becomes zeros between the weights."""
    weights = np.asarray(graph.constant(node, 1), np.float64)
    if weights.ndim != 4:
        raise node.refuse(f"its weights have {weights.ndim} dimensions, but only convolutions over rows and columns can be done")
    weights = _dilated(weights.transpose(0, 2, 3, 1), node.attributes.get("dilations", (1, 1)))
    bias = graph.constant(node, 2, np.zeros(len(weights)))
    value = graph.map_to_pad(node)
    if value.pad != NONE and node.attributes.get("auto_pad", "NOTSET").startswith("SAME"):
        value = graph.map(node)
    window = window_of(node, value.dims[1:], weights.shape[1:3])
    return graph.put(FloatConv(graph.layer_name(node.name), value.tensor, node.outputs[0], weights, bias, window.stride,
                               value.pad + window.padding, node.attributes.get("group", 1)))


def _dilated(weights, dilations):
    spread = [(size - 1) * step + 1 for size, step in zip(weights.shape[1:3], dilations, strict=True)]
    wide = np.zeros((len(weights), *spread, weights.shape[3]))
    wide[:, ::dilations[0], ::dilations[1]] = weights
    return wide


def gemm(graph, node):
    """Gemm with a constant matrix."""
    if node.attributes.get("transA", 0):
        raise node.refuse("it transposes what is computed from the image; export it with transA = 0")
    matrix = np.asarray(graph.constant(node, 1), np.float64) * node.attributes.get("alpha", 1.0)
    matrix = matrix if node.attributes.get("transB", 0) else matrix.T
    bias = np.asarray(graph.constant(node, 2, np.zeros(1)), np.float64) * node.attributes.get("beta", 1.0)
    return _dense(graph, node, matrix, np.broadcast_to(bias.reshape(-1), (len(matrix),)))


def matmul(graph, node):
    """MatMul of a vector with a constant matrix."""
    matrix = np.asarray(graph.constant(node, 1), np.float64)
    if matrix.ndim != 2:
        raise node.refuse(f"its matrix has {matrix.ndim} dimensions, but must have two")
    return _dense(graph, node, matrix.T, np.zeros(matrix.shape[1]))


def _dense(graph, node, matrix, bias):
    """`matrix` [outputs, inputs], the inputs in the order in which ONNX flattened the map."""
    value = graph.computed(graph.value(node))
    if len(value.dims) != 1:
        raise node.refuse(f"it reads {list(value.dims)} values of each image, but only a flattened map can be multiplied by a matrix; "
                          "flatten before it")
    info = graph.tensors[value.tensor]
    sizes = dict(zip("HWC", info.shape, strict=True))
    weights = matrix.reshape(len(matrix), *(sizes[axis] for axis in value.order))
    weights = weights.transpose(0, *(1 + value.order.index(axis) for axis in "HWC"))
    return _flat(graph.put(FloatDense(graph.layer_name(node.name), value.tensor, node.outputs[0], weights, bias)))


def _flat(value):
    return replace(value, dims=(math.prod(value.dims),))


def batch_norm(graph, node):
    """BatchNormalization of a trained model: a factor and an offset for each channel."""
    if node.attributes.get("training_mode", 0):
        raise node.refuse("it is in training mode; export the model in evaluation mode")
    scale, offset, mean, variance = (np.asarray(graph.constant(node, index), np.float64) for index in range(1, 5))
    spread = variance + node.attributes.get("epsilon", 1e-5)
    if not (spread > 0).all():
        raise node.refuse("its variance and epsilon together must be above 0 for each channel; the file is damaged, or its training failed")
    factors = scale / np.sqrt(spread)
    shape = (-1, *(1,) * (len(graph.value(node).dims) - 1))
    return _affine(graph, node, 0, factors.reshape(shape), (offset - mean * factors).reshape(shape))


def add(graph, node):
    """Add of two maps, or of a map and a constant for each channel."""
    for index in (0, 1):
        if graph.is_constant(node, index):
            return _affine(graph, node, 1 - index, 1.0, graph.constant(node, index))
    return _join(graph, node, [graph.computed(graph.value(node, index)) for index in (0, 1)])


def subtract(graph, node):
    """Sub of a constant for each channel, or from one, or of two maps."""
    if graph.is_constant(node, 1):
        return _affine(graph, node, 0, 1.0, -np.asarray(graph.constant(node, 1), np.float64))
    if graph.is_constant(node, 0):
        return _affine(graph, node, 1, -1.0, graph.constant(node, 0))
    negative = _affine(graph, node, 1, -1.0, 0.0, f"{node.outputs[0]}/negative")
    return _join(graph, node, [graph.computed(graph.value(node, 0)), negative])


def _join(graph, node, values):
    first, second = values
    if first.dims != second.dims or first.order != second.order:
        raise node.refuse(f"it adds {list(first.dims)} and {list(second.dims)} values of each image, but both must be the same; "
                          "there is no broadcasting")
    layer = FloatAdd(graph.layer_name(node.name), first.tensor, second.tensor, node.outputs[0])
    return replace(graph.put(layer), dims=first.dims, order=first.order)


def multiply(graph, node):
    """Mul by a constant for each channel."""
    for index in (0, 1):
        if graph.is_constant(node, index):
            return _affine(graph, node, 1 - index, graph.constant(node, index), 0.0)
    raise node.refuse("it multiplies two maps, which nothing here can do; only a constant for each channel folds into a convolution")


def divide(graph, node):
    """Div by a constant for each channel."""
    return _affine(graph, node, 0, 1 / np.asarray(graph.constant(node, 1), np.float64), 0.0)


def _affine(graph, node, index, factors, offsets, target=None):
    """Return the Value of input `index` times `factors` plus `offsets`, both broadcast as ONNX does; UserError where they are not one a channel."""
    value = graph.computed(graph.value(node, index))
    factors, offsets = (_by_channel(graph, node, value, one) for one in (factors, offsets))
    name = target or node.outputs[0]
    layer = affine(graph.layer_name(name if target else node.name), value.tensor, name, factors, offsets)
    return replace(graph.put(layer), dims=value.dims, order=value.order)


def _by_channel(graph, node, value, numbers):
    sizes = dict(zip("HWC", graph.tensors[value.tensor].shape, strict=True))
    numbers, full = np.asarray(numbers, np.float64), (1, *value.dims)
    try:
        spread = np.broadcast_to(numbers, full).reshape([sizes[axis] for axis in value.order])
    except ValueError:
        raise node.refuse(f"its constant of the shape {list(numbers.shape)} does not fit a tensor of {list(full)}") from None
    spread = spread.transpose([value.order.index(axis) for axis in "HWC"])
    if (spread != spread[:1, :1]).any():
        raise node.refuse("its constant must be one number for each channel; one for each pixel cannot be folded")
    return spread[0, 0]


def relu(graph, node):
    """Relu: values below 0 become 0."""
    return _clip(graph, node, 0.0, math.inf)


def clip(graph, node):
    """Clip, its limits attributes or constant inputs."""
    low, high = (graph.option(node, name, index, default) for name, index, default in (("min", 1, -math.inf), ("max", 2, math.inf)))
    low, high = float(np.asarray(low).reshape(())), float(np.asarray(high).reshape(()))
    if not low < high:
        raise node.refuse(f"it clips to {low} to {high}, which is no range")
    return _clip(graph, node, low, high)


def _clip(graph, node, low, high):
    value = graph.computed(graph.value(node))
    layer = FloatActivation(graph.layer_name(node.name), value.tensor, node.outputs[0], low, high)
    return replace(graph.put(layer), dims=value.dims, order=value.order)


def max_pool(graph, node):
    """MaxPool without dilation."""
    if any(output for output in node.outputs[1:]):
        raise node.refuse("it gives the places of the maxima too, which nothing here computes")
    value, window = _pooled(graph, node)
    layer = FloatMaxPool(graph.layer_name(node.name), value.tensor, node.outputs[0], window.kernel, window.stride, window.whole)
    return graph.put(layer)


def average_pool(graph, node):
    """AveragePool without dilation. Where padding counts, what ceil mode adds still does not: the map is padded before."""
    value, window = _pooled(graph, node)
    counts = bool(node.attributes.get("count_include_pad", 0))
    padding = window.whole
    if counts and window.padding != NONE and window.beyond != (0, 0):
        value = graph.computed(replace(value, pad=window.padding))
        counts, padding = False, Padding(0, 0, *window.beyond)
    elif window.padding == NONE:
        counts = False
    layer = FloatAveragePool(graph.layer_name(node.name), value.tensor, node.outputs[0], window.kernel, window.stride, padding, counts)
    return graph.put(layer)


def _pooled(graph, node):
    if set(node.attributes.get("dilations", (1,))) != {1}:
        raise node.refuse("pools with dilation cannot be done; use one without")
    value = graph.map(node)
    return value, window_of(node, value.dims[1:], node.attributes["kernel_shape"])


def global_average(graph, node):
    """GlobalAveragePool: the mean of each channel."""
    value = graph.map(node)
    return graph.put(FloatAveragePool(graph.layer_name(node.name), value.tensor, node.outputs[0], value.dims[1:], (1, 1)))


def global_maximum(graph, node):
    """GlobalMaxPool: the maximum of each channel."""
    value = graph.map(node)
    return graph.put(FloatMaxPool(graph.layer_name(node.name), value.tensor, node.outputs[0], value.dims[1:], (1, 1)))


def reduce_mean(graph, node):
    """ReduceMean over rows, columns or both."""
    value = graph.computed(graph.value(node))
    rank = len(value.dims) + 1
    axes = sorted(int(axis) % rank for axis in np.asarray(graph.option(node, "axes", 1, range(rank))).reshape(-1))
    reduced = "".join(value.order[axis - 1] for axis in axes) if rank == 4 and 0 not in axes else ""
    if not reduced or "C" in reduced:
        raise node.refuse("only means over the rows and columns of a map can be done")
    info = graph.tensors[value.tensor]
    window = tuple(size if axis in reduced else 1 for axis, size in zip("HW", info.shape, strict=False))
    mean = graph.put(FloatAveragePool(graph.layer_name(node.name), value.tensor, node.outputs[0], window, (1, 1)))
    dims = [1 if axis in axes else size for axis, size in enumerate((1, *value.dims))]
    if not node.attributes.get("keepdims", 1):
        dims = [size for axis, size in enumerate(dims) if axis not in axes]
    return replace(mean, dims=tuple(dims[1:]), order=value.order)


def softmax(graph, node, opset=13):
    """Softmax over the channels. Before operator set 13 it runs over all axes from its own on; QLinearSoftmax says itself of which set it is."""
    opset = node.attributes.get("opset", opset)
    value = graph.computed(graph.value(node))
    rank = len(value.dims) + 1
    axis = node.attributes.get("axis", 1 if opset < 13 else -1) % rank
    info = graph.tensors[value.tensor]
    over = value.dims[axis - 1:] if opset < 13 else value.dims[axis - 1:axis]
    if axis < 1 or math.prod(over) != info.channels or (info.height * info.width > 1 and (rank != 4 or value.order[axis - 1] != "C")):
        raise node.refuse("only softmax over the channels can be done")
    layer = FloatSoftmax(graph.layer_name(node.name), value.tensor, node.outputs[0])
    return replace(graph.put(layer), dims=value.dims, order=value.order)
