# SPDX-License-Identifier: BSD-2-Clause
"""Operators that have their scales as inputs (QLinearConv and the like, ONNX's and onnxruntime's) as what they mean: DequantizeLinear of each input,
the operator on reals, QuantizeLinear."""

from dataclasses import replace

import numpy as np

from nets.importers.onnx_node import Node

_MICROSOFT = "com.microsoft."
# {operator: (operator on reals, places of the triples (integers, scale, zero point) among the inputs, place of the output's scale)}.
_OPERATORS = {
    "QLinearConv": ("Conv", (0, 3), 6),
    "QLinearMatMul": ("MatMul", (0, 3), 6),
    f"{_MICROSOFT}QGemm": ("Gemm", (0, 3), 7),
    f"{_MICROSOFT}QLinearAdd": ("Add", (0, 3), 6),
    f"{_MICROSOFT}QLinearMul": ("Mul", (0, 3), 6),
    f"{_MICROSOFT}QLinearAveragePool": ("AveragePool", (0,), 3),
    f"{_MICROSOFT}QLinearGlobalAveragePool": ("GlobalAveragePool", (0,), 3),
    f"{_MICROSOFT}QLinearSigmoid": ("Sigmoid", (0,), 3),
    f"{_MICROSOFT}QLinearLeakyRelu": ("LeakyRelu", (0,), 3),
    f"{_MICROSOFT}QLinearSoftmax": ("Softmax", (0,), 3),
}
# Place of the bias, int32 with the scale of the sums.
_BIAS = {"QLinearConv": 8, f"{_MICROSOFT}QGemm": 6}


def rewrite(node, values):
    """Return the Nodes that mean the same as `node`: itself where it has no scales among its inputs.

    values: {name: array} of the constants, to which scale and zero point of a bias are added.
    """
    if node.op == f"{_MICROSOFT}QLinearConcat":
        triples, output = range(2, len(node.inputs), 3), 0
        operator = "Concat"
    elif node.op in _OPERATORS:
        operator, triples, output = _OPERATORS[node.op]
    else:
        return [node]
    if node.attributes.get("channels_last", 0):
        raise node.refuse("channels_last is not supported: the channels must come first")
    weights_axis = 0 if operator == "Conv" or node.attributes.get("transB", 0) else 1
    nodes = [_dequantise(node, node.inputs[place:place + 3], f"{node.name} input {index}", weights_axis) for index, place in enumerate(triples)]
    bias = _BIAS.get(node.op)
    if bias is not None and node.has(bias):
        scale, zero_point = f"{node.name} bias scale", f"{node.name} bias zero point"
        scales = [values.get(node.inputs[place]) for place in (1, 4)]
        if not all(isinstance(value, np.ndarray) for value in scales):
            raise node.refuse("its scales must be constants: quantise the model statically (onnxruntime's quantize_static)")
        values[scale] = (scales[0].astype(np.float64) * scales[1]).reshape(-1)
        values[zero_point] = np.zeros((), np.int32)
        nodes.append(_dequantise(node, (node.inputs[bias], scale, zero_point), f"{node.name} bias", 0))
    attributes = {name: value for name, value in node.attributes.items() if name != "channels_last"}
    nodes.append(replace(node, op=operator, inputs=tuple(one.outputs[0] for one in nodes), attributes=attributes))
    # Reals and integers have one name: nothing but the QuantizeLinear reads the reals. A QGemm without an output scale gives reals.
    quantised = node.has(output)
    return [*nodes, Node("QuantizeLinear", node.name, (node.outputs[0], *node.inputs[output:output + 2]), node.outputs, {})] if quantised else nodes


def _dequantise(node, triple, name, axis):
    return Node("DequantizeLinear", node.name, tuple(triple), (name,), {"axis": axis})
