# SPDX-License-Identifier: BSD-2-Clause
"""Strips QuantizeLinear and DequantizeLinear off an ONNX graph: a float network remains, and what its tensors and weights are as integers."""

import math
from dataclasses import dataclass, field, replace

import numpy as np
import onnx

from accel.errors import UserError
from nets.float_network import FloatActivation, FloatConv, FloatDense, FloatSoftmax
from nets.free_name import free_name
from nets.importers.onnx_file import graph_input, opset_of
from nets.importers.onnx_float import OPERATORS, check_dims, declare_input, needed_nodes
from nets.importers.onnx_graph import FloatGraph
from nets.importers.onnx_node import FLOATS, initialisers, shapes_of
from nets.importers.qdq_numbers import activation_numbers, dequantised, given_dtype, quantise_constant
from nets.scales import SOFTMAX_SCALE, SOFTMAX_ZERO_POINT

_DYNAMIC = ("DynamicQuantizeLinear", "ConvInteger", "MatMulInteger", "com.microsoft.DynamicQuantizeMatMul", "com.microsoft.MatMulIntegerToFloat")
_WEIGHTED = ("Conv", "Gemm", "MatMul")
_INPUTS = FLOATS | {onnx.TensorProto.INT8, onnx.TensorProto.UINT8}
# These give some of the numbers that they read: what they give needs no quantisation of its own, and they may work on the integers themselves.
_CHOOSING = ("Dropout", "Flatten", "GlobalMaxPool", "Identity", "MaxPool", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze")
# These give such numbers or 0. They and the activations may stand between an operator and the QuantizeLinear behind it.
_MOVING = (*_CHOOSING, "Pad")
_BEFORE_QUANTISATION = (*_MOVING, "Relu", "Clip", "Concat")


@dataclass
class Stripped:
    """`graph`: the FloatGraph. `source` and `output`: the network's input and output. `numbers`: {tensor: (scale, zero point of int8)}, for those
    that the model quantises. `scales`: {layer: float64 [O]}, what a step of each output channel's weights is worth.
    """

    graph: FloatGraph
    source: str
    output: str = ""
    numbers: dict = field(default_factory=dict)
    scales: dict = field(default_factory=dict)


def strip(path, model):
    """Return the Stripped of an onnx.ModelProto. Raises UserError for what cannot be done, and where an operator reads what is not quantised."""
    graph = FloatGraph(initialisers(model), shapes_of(model))
    source = declare_input(path, graph, model, _INPUTS, "it must be float, int8 or uint8")
    walk = _Walk(Stripped(graph, source), model)
    output = model.graph.output[0].name
    for node in needed_nodes(model, output):
        walk.step(node)
    walk.finish(path, output)
    return walk.found


class _Walk:
    """Goes through the nodes in order. Of ONNX's tensors, `integers` {tensor: dtype} are quantised, `reals` are not but cannot be told from what is;
    `constants` are quantised constants. `quantised`: {tensor of the network: ONNX tensor whose QuantizeLinear gave it its numbers}; `read`: {ONNX
    tensor that is read before it is quantised: the Node that does}.
    """

    def __init__(self, found, model):
        self.found, self.graph = found, found.graph
        self.integers, self.reals, self.constants, self.quantised, self.read = {}, set(), {}, {}, {}
        self.opset, kind = opset_of(model), graph_input(model).type.tensor_type.elem_type
        if kind not in FLOATS:
            self.integers[found.source] = onnx.helper.tensor_dtype_to_np_dtype(kind)

    def step(self, node):
        """Take in one Node."""
        if node.op in _DYNAMIC:
            raise node.refuse("it is quantised dynamically, by each image's own range: quantise the model statically (onnxruntime's quantize_static)")
        if node.op in ("QuantizeLinear", "DequantizeLinear"):
            self._check_scale(node)
            (self._quantise if node.op == "QuantizeLinear" else self._dequantise)(node)
            return
        if node.op not in OPERATORS:
            raise node.unknown()
        if node.op == "Transpose" and node.inputs[0] in self.constants:
            constant = self.constants[node.inputs[0]]
            self._keep(node, constant.transposed(node.attributes.get("perm", list(range(constant.numbers.ndim))[::-1])))
            return
        self._check_inputs(node)
        before = len(self.graph.layers)
        value = OPERATORS[node.op](self.graph, node, self.opset) if node.op == "Softmax" else OPERATORS[node.op](self.graph, node)
        check_dims(self.graph, node, value)
        self.graph.values[node.outputs[0]] = value
        if node.op in _WEIGHTED:
            self._weights(node, self.graph.layers[before:])
        self._follow(node, value)

    def finish(self, path, output):
        """Note the network's output, which must be quantised or a softmax."""
        if output not in self.graph.values:
            raise UserError(f"{path}: the output {output!r} does not depend on the image")
        value = self.graph.computed(self.graph.values[output])
        writer = next((layer for layer in self.graph.layers if layer.output == value.tensor), None)
        if isinstance(writer, FloatSoftmax) and value.tensor not in self.found.numbers:
            self.found.numbers[value.tensor] = SOFTMAX_SCALE, SOFTMAX_ZERO_POINT
            self.graph.notes.append(f"the output {output!r} is not quantised in the file: it becomes int8 with the scale 1/256")
        elif not self._is_quantised(output):
            raise UserError(f"{path}: the output {output!r} is not quantised: put QuantizeLinear and DequantizeLinear behind it")
        for name, node in self.read.items():
            if name in self.quantised.values():
                raise node.refuse(f"it reads {name!r} as it is before its quantisation, which others read: let all read it quantised")
        self.found.output = value.tensor

    def _check_scale(self, node):
        if not all(name in self.graph.constants for name in node.inputs[1:] if name):
            raise node.refuse("its scale and zero point must be constants: quantise the model statically (onnxruntime's quantize_static)")
        if node.attributes.get("block_size", 0):
            raise node.refuse("a scale for each block is not supported: quantise per tensor or per output channel")

    def _is_quantised(self, name):
        return name in self.integers or name in self.reals

    def _parameters(self, node, dtype):
        """Return the arrays (scale, zero point) of a node; a zero point that is left out is 0 of `dtype`."""
        return self.graph.constants[node.inputs[1]], self.graph.constants[node.inputs[2]] if node.has(2) else np.zeros((), dtype)

    def _keep(self, node, constant):
        """Note that a node gives a Constant."""
        self.constants[node.outputs[0]], self.graph.constants[node.outputs[0]] = constant, constant.real()

    def _quantise(self, node):
        scale, zero_point = self._parameters(node, given_dtype(node))
        name, result = node.inputs[0], node.outputs[0]
        if name in self.graph.constants:
            self.graph.constants[result] = quantise_constant(node, self.graph.constants[name], scale, zero_point)
            return
        if name in self.integers:
            raise node.refuse("it quantises what is quantised already")
        numbers = activation_numbers(node, scale, zero_point)
        value = self.graph.values[name]
        # What is only moved about and keeps its numbers may wait for what reads it.
        if self.found.numbers.get(value.tensor) != numbers:
            value = self._requantised(node, self.graph.computed(value), numbers)
        self.graph.values[result] = value
        self.integers[result] = zero_point.dtype

    def _requantised(self, node, value, numbers):
        """Return the Value of a tensor that becomes integers of `numbers`: itself, or another where it has integers already."""
        if value.tensor in self.found.numbers and self.found.numbers[value.tensor] != numbers:
            if self.quantised.get(value.tensor) == node.inputs[0]:
                raise node.refuse(f"{node.inputs[0]!r} is quantised twice, with different scales or zero points: quantise it once")
            name, target = self.graph.layer_name(node.name), free_name(node.outputs[0], self.graph.tensors)
            again = self.graph.put(FloatActivation(name, value.tensor, target, -math.inf, math.inf))
            value = replace(again, dims=value.dims, order=value.order)
        self.found.numbers[value.tensor] = numbers
        self.quantised.setdefault(value.tensor, node.inputs[0])
        return value

    def _dequantise(self, node):
        name, result = node.inputs[0], node.outputs[0]
        if name in self.graph.constants:
            integers = self.graph.constants[name]
            self._keep(node, dequantised(node, integers, *self._parameters(node, integers.dtype)))
            return
        if name not in self.integers:
            raise node.refuse("it dequantises what is not quantised")
        numbers, value = activation_numbers(node, *self._parameters(node, self.integers[name])), self.graph.values[name]
        if self.found.numbers.setdefault(value.tensor, numbers) != numbers:
            known = self.found.numbers[value.tensor]
            raise node.refuse(f"it takes numbers of scale {known[0]:.6g} and zero point {known[1]} for some of {numbers[0]:.6g} and {numbers[1]}: "
                              "both operators of a pair must have the same")
        self.graph.values[result] = value
        self.reals.add(result)

    def _check_inputs(self, node):
        """Raise UserError where a node reads integers that it cannot, or reals that are not quantised."""
        for name in node.inputs:
            if name in self.integers and node.op not in _CHOOSING:
                raise node.refuse(f"it reads the integers {name!r}: put a DequantizeLinear before it and a QuantizeLinear behind")
            if name in self.graph.values and not self._is_quantised(name):
                if node.op not in _BEFORE_QUANTISATION:
                    raise node.refuse(f"it reads {name!r}, which is not quantised: put QuantizeLinear and DequantizeLinear between the two")
                self.read[name] = node

    def _follow(self, node, value):
        """Note what kind of tensor a node's output is."""
        name, source = node.outputs[0], node.inputs[0]
        if source in self.integers and node.op in _CHOOSING:
            self.integers[name] = self.integers[source]
        elif source in self.reals and node.op in _MOVING:
            self.reals.add(name)
        if self._is_quantised(name):
            self.found.numbers.setdefault(value.tensor, self._numbers_of(node, source))

    def _numbers_of(self, node, source):
        tensor = self.graph.values[source].tensor
        if tensor not in self.found.numbers:
            raise node.refuse(f"it reads the integers {source!r} before it is known what they stand for: put a DequantizeLinear before it")
        return self.found.numbers[tensor]

    def _weights(self, node, layers):
        """Note the scales of the weights of the layer that a node has become."""
        layer = next(layer for layer in layers if isinstance(layer, (FloatConv, FloatDense)) and layer.output == node.outputs[0])
        constant = self.constants.get(node.inputs[1])
        if constant is None:
            raise node.refuse("its weights are not quantised: put QuantizeLinear and DequantizeLinear behind them")
        constant.check_symmetric()
        factor = node.attributes.get("alpha", 1.0)
        if factor <= 0:
            raise node.refuse("alpha must be positive")
        axis = 0 if node.op == "Conv" or node.attributes.get("transB", 0) else 1
        self.found.scales[layer.name] = factor * constant.scales(len(layer.weights), axis)
