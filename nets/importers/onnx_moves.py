# SPDX-License-Identifier: BSD-2-Clause
"""ONNX operators that only move numbers. Every function takes a FloatGraph and a Node and returns the output's Value."""

import math
from dataclasses import replace

import numpy as np
from onnx import TensorProto

from compiler.layers import Padding
from nets.float_network import FloatConcat
from nets.importers.onnx_graph import NONE
from nets.importers.onnx_node import FLOATS


def same(graph, node):
    """Identity, and Dropout of a trained model."""
    if any(output for output in node.outputs[1:]) or (node.op == "Dropout" and node.has(2) and bool(graph.constant(node, 2))):
        raise node.refuse("it drops values at random; export the model in evaluation mode")
    return graph.value(node)


def cast(graph, node):
    """Cast between kinds of floats, all of which become float32 here."""
    if node.attributes["to"] not in FLOATS:
        kind = TensorProto.DataType.Name(node.attributes["to"])
        raise node.refuse(f"it makes {kind} of what is computed from the image, which nothing here does; only casts between floats can be left out")
    return graph.value(node)


def reshape(graph, node):
    """Flatten, Reshape, Squeeze and Unsqueeze: other axes for the same numbers in the same order."""
    value, shape = graph.value(node), graph.shapes.get(node.outputs[0])
    if shape is None:
        raise node.refuse("its output's shape is not known before it runs; export the model with fixed sizes")
    if shape[:1] != (1,):
        raise node.refuse(f"it gives a shape of {list(shape)}, but the first axis must stay the batch")
    dims = tuple(shape[1:])
    if dims == value.dims:
        return value
    value = graph.computed(value)
    sizes = dict(zip("HWC", graph.tensors[value.tensor].shape, strict=True))
    wanted = tuple(size for size in dims if size > 1)
    if len(dims) != 1 and wanted != tuple(sizes[axis] for axis in value.order if sizes[axis] > 1):
        raise node.refuse(f"it cuts a map of {[sizes[axis] for axis in value.order]} into {list(dims)}; only flattening it whole can be done")
    if len(dims) == 3:
        return replace(value, dims=dims, order=_order(sizes, dims, value.order))
    return replace(value, dims=dims)


def _order(sizes, dims, order):
    """Return the order of axes in which the map has the sizes `dims`, whose axes longer than 1 are in `order`; CHW where that is one."""
    for candidate in ("CHW", "HWC", order):
        long = [axis for axis in candidate if sizes[axis] > 1]
        if tuple(sizes[axis] for axis in candidate) == dims and long == [axis for axis in order if sizes[axis] > 1]:
            return candidate
    return order


def transpose(graph, node):
    """Transpose between the orders channel, row, column and row, column, channel, or where it moves only axes of length 1."""
    value = graph.computed(graph.value(node))
    rank = len(value.dims) + 1
    permutation = tuple(node.attributes.get("perm", range(rank)[::-1]))
    dims = tuple((1, *value.dims)[axis] for axis in permutation)[1:]
    if permutation[0] == 0 and rank == 4:
        order = "".join(value.order[axis - 1] for axis in permutation[1:])
        if order in ("CHW", "HWC"):
            return replace(value, dims=dims, order=order)
    long = [axis for axis in permutation if (1, *value.dims)[axis] > 1]
    if long != sorted(long):
        raise node.refuse(f"permuting a tensor of {[1, *value.dims]} cannot be done; only between NCHW and NHWC")
    sizes = dict(zip("HWC", graph.tensors[value.tensor].shape, strict=True))
    return replace(value, dims=dims, order=_order(sizes, dims, value.order))


def pad(graph, node):
    """Pad with zeros: rows and columns wait for the next convolution, channels become a convolution."""
    value, pads = graph.value(node), [int(one) for one in np.asarray(graph.option(node, "pads", 1)).reshape(-1)]
    if node.attributes.get("mode", "constant") != "constant" or float(np.asarray(graph.option(node, "value", 2, 0.0)).reshape(())) != 0:
        raise node.refuse("only padding with zeros can be done")
    rank = len(value.dims) + 1
    axes = [int(axis) % rank for axis in np.asarray(graph.constant(node, 3, range(rank))).reshape(-1)]
    before, after = np.zeros(rank, int), np.zeros(rank, int)
    before[axes], after[axes] = pads[:len(axes)], pads[len(axes):]
    if not before.any() and not after.any():
        return value
    if not value.is_map or before[0] or after[0] or min(pads) < 0:
        raise node.refuse("only channels, rows and columns of a map can be padded, none of them by a negative number")
    dims = tuple(int(one) for one in value.dims + before[1:] + after[1:])
    if before[1] or after[1]:
        if value.pad != NONE:
            value = graph.computed(value)
        channels, rows, columns = _pick(graph, value)
        value = replace(value, pick=((None,) * before[1] + channels + (None,) * after[1], rows, columns))
    return replace(value, dims=dims, pad=value.pad + Padding(*before[2:].tolist(), *after[2:].tolist()))


def cut(graph, node):
    """Slice of channels, rows and columns with positive steps."""
    value = graph.value(node)
    if not value.is_map:
        raise node.refuse("only maps can be sliced")
    if value.pad != NONE:
        value = graph.computed(value)
    starts, ends = (np.asarray(graph.option(node, name, index)).reshape(-1) for name, index in (("starts", 1), ("ends", 2)))
    axes = np.asarray(graph.option(node, "axes", 3, range(len(starts)))).reshape(-1)
    steps = np.asarray(graph.constant(node, 4, np.ones(len(starts), int))).reshape(-1)
    parts = list(_pick(graph, value))
    for start, end, axis, step in zip(starts.tolist(), ends.tolist(), axes.tolist(), steps.tolist(), strict=True):
        places, axis = slice(start, end, step), axis % 4
        if step < 1:
            raise node.refuse("it runs backwards, which cannot be done")
        if axis > 0:
            parts[axis - 1] = parts[axis - 1][places]
        elif range(1)[places] != range(1):
            raise node.refuse("it cuts the batch")
    if not all(len(part) for part in parts):
        raise node.refuse("it leaves nothing")
    return replace(value, dims=tuple(len(part) for part in parts), pick=tuple(parts))


def _pick(graph, value):
    if value.pick is not None:
        return value.pick
    info = graph.tensors[value.tensor]
    return tuple(range(info.channels)), range(info.height), range(info.width)


def concat(graph, node):
    """Concat of channels."""
    values = [graph.computed(graph.value(node, index)) for index in range(len(node.inputs))]
    first = values[0]
    axis = node.attributes.get("axis", 1) % (len(first.dims) + 1)
    flat = len(first.dims) == 1
    infos = [graph.tensors[value.tensor] for value in values]
    if any((len(value.dims), value.order) != (len(first.dims), first.order) for value in values):
        raise node.refuse("its inputs have different axes")
    together = first.order == "CHW" and len({info.shape[:2] for info in infos}) == 1 or all(info.shape[:2] == (1, 1) for info in infos)
    if axis == 0 or (flat and not together) or (not flat and (len(first.dims) != 3 or first.order[axis - 1] != "C")):
        raise node.refuse("only channels can be concatenated; rows, columns and flattened maps of different sizes cannot")
    joined = graph.put(FloatConcat(graph.layer_name(node.name), tuple(value.tensor for value in values), node.outputs[0]))
    if flat:
        return replace(joined, dims=(math.prod(joined.dims),), order=first.order)
    sizes = dict(zip("CHW", joined.dims, strict=True))
    return replace(joined, dims=tuple(sizes[letter] for letter in first.order), order=first.order)
