# SPDX-License-Identifier: BSD-2-Clause
"""Operators that have their scales as inputs (QLinearConv and the like, ONNX's and onnxruntime's) as what they mean: DequantizeLinear of each input,
the operator on reals, QuantizeLinear."""

import numpy as np
from onnx import helper, numpy_helper

from nets.importers.onnx_node import Node, initialisers

_MICROSOFT = "com.microsoft"
# {(domain, operator): (operator on reals, places of (integers, scale, zero point) among the inputs, place of the output's scale)}.
_OPERATORS = {
    ("", "QLinearConv"): ("Conv", (0, 3), 6),
    ("", "QLinearMatMul"): ("MatMul", (0, 3), 6),
    (_MICROSOFT, "QGemm"): ("Gemm", (0, 3), 7),
    (_MICROSOFT, "QLinearAdd"): ("Add", (0, 3), 6),
    (_MICROSOFT, "QLinearMul"): ("Mul", (0, 3), 6),
    (_MICROSOFT, "QLinearAveragePool"): ("AveragePool", (0,), 3),
    (_MICROSOFT, "QLinearGlobalAveragePool"): ("GlobalAveragePool", (0,), 3),
    (_MICROSOFT, "QLinearSoftmax"): ("Softmax", (0,), 3),
}
_CONCAT = (_MICROSOFT, "QLinearConcat")
# Place of the bias, int32 with the scale of the sums.
_BIAS = {"QLinearConv": 8, "QGemm": 6}


def without_qoperators(model):
    """Return the onnx.ModelProto of the same meaning without such operators; the shapes of what replaces them must be inferred anew.

    Raises UserError for one that cannot be done.
    """
    constants, nodes = initialisers(model), []
    for node in model.graph.node:
        key = ("" if node.domain == "ai.onnx" else node.domain, node.op_type)
        if key in _OPERATORS or key == _CONCAT:
            nodes += _rewritten(model.graph, node, constants, *_OPERATORS.get(key) or ("Concat", range(2, len(node.input), 3), 0))
        else:
            nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def _rewritten(graph, node, constants, operator, triples, output):
    known = Node.of(node)
    if known.attributes.get("channels_last", 0):
        raise known.refuse("channels_last is not supported: the channels must come first")
    axis = 0 if operator == "Conv" or known.attributes.get("transB", 0) else 1
    nodes = [_dequantise(known, node.input[place:place + 3], f"input {index}", axis) for index, place in enumerate(triples)]
    bias = _BIAS.get(node.op_type)
    if bias is not None and known.has(bias):
        nodes.append(_dequantise_bias(graph, known, bias, constants))
    quantised = known.has(output)
    reals = f"{known.outputs[0]} (reals)" if quantised else known.outputs[0]
    attributes = {name: value for name, value in known.attributes.items() if name != "channels_last"}
    if operator == "Softmax":
        attributes.setdefault("axis", -1)  # That of QLinearSoftmax, whichever operator set it names.
    nodes.append(helper.make_node(operator, [one.output[0] for one in nodes], [reals], known.name, **attributes))
    if quantised:
        zero_point = known.inputs[output + 1] if known.has(output + 1) else _zero(graph, known, triples[0] + 2, constants)
        nodes.append(helper.make_node("QuantizeLinear", [reals, known.inputs[output], zero_point], list(known.outputs), known.name))
    return nodes


def _dequantise(node, triple, name, axis):
    return helper.make_node("DequantizeLinear", list(triple), [f"{node.outputs[0]} {name}"], node.name, axis=axis)


def _zero(graph, node, place, constants):
    """Return the name of a new constant 0 of the type of the zero point at `place`: input and output of such an operator have one type."""
    if not node.has(place) or node.inputs[place] not in constants:
        raise node.refuse("neither its input nor its output has a constant zero point, which tells their type: give both one, if only 0")
    name = f"{node.outputs[0]} zero point"
    graph.initializer.append(numpy_helper.from_array(np.zeros((), constants[node.inputs[place]].dtype), name))
    return name


def _dequantise_bias(graph, node, place, constants):
    if not all(node.inputs[index] in constants for index in (1, 4)):
        raise node.refuse("its scales must be constants: quantise the model statically (onnxruntime's quantize_static)")
    if constants[node.inputs[1]].size != 1:
        raise node.refuse(f"it has {constants[node.inputs[1]].size} scales for an activation: quantise activations per tensor")
    scale = (constants[node.inputs[1]].reshape(()) * constants[node.inputs[4]]).reshape(-1)
    name = f"{node.outputs[0]} bias scale"
    graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(scale), name))
    return helper.make_node("DequantizeLinear", [node.inputs[place], name], [f"{node.outputs[0]} bias"], node.name, axis=0)
