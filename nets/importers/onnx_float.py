# SPDX-License-Identifier: BSD-2-Clause
"""Reads a float ONNX model, as PyTorch and others export it, as a float network."""

from pathlib import Path

import onnx

from accel.errors import UserError
from nets.float_network import FloatNetwork
from nets.float_simplify import simplify
from nets.importers import onnx_compute, onnx_moves
from nets.importers.onnx_file import graph_input, is_quantised, opset_of, read_onnx
from nets.importers.onnx_graph import FloatGraph, Value
from nets.importers.onnx_node import FLOATS, Node, initialisers, shapes_of

OPERATORS = {
    "Add": onnx_compute.add,
    "AveragePool": onnx_compute.average_pool,
    "BatchNormalization": onnx_compute.batch_norm,
    "Cast": onnx_moves.cast,
    "Clip": onnx_compute.clip,
    "Concat": onnx_moves.concat,
    "Conv": onnx_compute.conv,
    "Div": onnx_compute.divide,
    "Dropout": onnx_moves.same,
    "Flatten": onnx_moves.reshape,
    "Gemm": onnx_compute.gemm,
    "GlobalAveragePool": onnx_compute.global_average,
    "GlobalMaxPool": onnx_compute.global_maximum,
    "Identity": onnx_moves.same,
    "MatMul": onnx_compute.matmul,
    "MaxPool": onnx_compute.max_pool,
    "Mul": onnx_compute.multiply,
    "Pad": onnx_moves.pad,
    "ReduceMean": onnx_compute.reduce_mean,
    "Relu": onnx_compute.relu,
    "Reshape": onnx_moves.reshape,
    "Slice": onnx_moves.cut,
    "Softmax": onnx_compute.softmax,
    "Squeeze": onnx_moves.reshape,
    "Sub": onnx_compute.subtract,
    "Transpose": onnx_moves.transpose,
    "Unsqueeze": onnx_moves.reshape,
}


def import_onnx_float(path):
    """Return the FloatNetwork of a float ONNX file: batch norm folded, activations fused, maps NHWC; double and half precision become float32.

    Raises UserError for a file that cannot be read, a quantised model, and an operator that cannot be done, with its name and attributes.
    """
    return import_with_notes(path)[0]


def import_with_notes(path, model=None):
    """Return (FloatNetwork, notes): notes say, a sentence each, what became something else on the way in.

    model: what read_onnx gave of `path`, where it is at hand.
    """
    model = model or read_onnx(path)
    if is_quantised(model):
        raise UserError(f"{path} is quantised already, so our quantisation has nothing to do: it is read as it is, by nets.importers.qdq")
    graph = FloatGraph(initialisers(model), shapes_of(model))
    name = declare_input(path, graph, model, FLOATS, "a float model must take floats")
    opset, output = opset_of(model), model.graph.output[0].name
    for node in needed_nodes(model, output):
        compute = OPERATORS.get(node.op)
        if compute is None:
            raise node.unknown()
        value = compute(graph, node, opset) if node.op == "Softmax" else compute(graph, node)
        check_dims(graph, node, value)
        graph.values[node.outputs[0]] = value
    if output not in graph.values:
        raise UserError(f"{path}: the output {output!r} does not depend on the image")
    value = graph.computed(graph.values[output])
    network = FloatNetwork(Path(path).stem, name, value.tensor, graph.tensors, tuple(graph.layers))
    return simplify(network), tuple(graph.notes)


def declare_input(path, graph, model, kinds, why):
    """Add the input of an onnx.ModelProto to a FloatGraph; returns its name. UserError where its type is none of `kinds`, which says `why`, or its
    shape none of a map.
    """
    info = graph_input(model)
    kind = info.type.tensor_type.elem_type
    if kind not in kinds:
        raise UserError(f"{path}: the input {info.name!r} is {onnx.TensorProto.DataType.Name(kind).lower()}, but {why}")
    dims = tuple(graph.shapes[info.name][1:])
    if len(dims) == 3:
        order = "HWC" if all(_from_nhwc(node) for node in _readers(model, info.name)) else "CHW"
        sizes = dict(zip(order, dims, strict=True))
    elif len(dims) == 1:
        order, sizes = "CHW", {"C": dims[0], "H": 1, "W": 1}
    else:
        raise UserError(f"{path}: the input {info.name!r} is of the shape {[1, *dims]}, but must be [1, channels, rows, columns] or [1, numbers]")
    graph.declare(info.name, *(sizes[axis] for axis in "HWC"))
    graph.values[info.name] = Value(info.name, dims, order)
    return info.name


def _readers(model, name):
    """Return the nodes that read tensor `name`, past its quantisation where there is one."""
    readers = []
    for node in model.graph.node:
        if name in node.input:
            readers += _readers(model, node.output[0]) if node.op_type in ("QuantizeLinear", "DequantizeLinear") else [node]
    return readers


def _from_nhwc(node):
    return node.op_type == "Transpose" and list(Node.of(node).attributes.get("perm", ())) == [0, 3, 1, 2]


def needed_nodes(model, output):
    """Return the Nodes on which `output` depends, in order."""
    wanted, nodes = {output}, []
    for proto in reversed(model.graph.node):
        if wanted.intersection(proto.output):
            nodes.append(Node.of(proto))
            wanted.update(name for name in proto.input if name)
    return nodes[::-1]


def check_dims(graph, node, value):
    """Raise UserError where a shape is not the one that onnx infers."""
    shape = graph.shapes.get(node.outputs[0])
    if shape is None or tuple(shape) == (1, *value.dims):
        return
    if node.attributes.get("ceil_mode", 0):
        raise node.refuse("its last window lies wholly in padding, which onnx counts before operator set 22 and its runtimes never do; "
                          "export with operator set 22, or without ceil_mode")
    raise node.refuse(f"it gives {[1, *value.dims]} as read here, but {list(shape)} as onnx infers; its attributes do not fit its input")
