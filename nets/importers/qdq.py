# SPDX-License-Identifier: BSD-2-Clause
"""Reads ONNX models that are quantised to int8 or uint8 already, statically: with QuantizeLinear and DequantizeLinear around their operators, or with
QLinearConv and the like, which mean the same.

An operator's reals are only known as its output's integers, so a layer is made when QuantizeLinear says what these are: what stands between, like
ReLU, only narrows them. The sums are scaled by 31 bits and rounded once, halves away from zero, so they differ from onnxruntime's floats by at most 1.
"""

from pathlib import Path

import numpy as np

from accel.errors import UserError
from nets.importers.onnx_file import graph_input, initialisers, opset_of, read_onnx, shapes_of
from nets.importers.onnx_node import Node
from nets.importers.qdq_graph import Graph, Pending, Stored, View, unquantised
from nets.importers.qdq_layers import identity
from nets.importers.qdq_numbers import Constant, activation_numbers, dequantised, quantise_constant
from nets.importers.qdq_operators import ON_INTEGERS, OPERATORS
from nets.importers.qoperator import rewrite
from nets.model import Model

_DYNAMIC = ("DynamicQuantizeLinear", "ConvInteger", "MatMulInteger", "com.microsoft.DynamicQuantizeMatMul", "com.microsoft.MatMulIntegerToFloat",
            "com.microsoft.DynamicQuantizeLSTM")


def import_qdq(path):
    """Return the Model of the quantised ONNX file `path`: its tensors are those of the file, int8, height x width x channels.

    Raises UserError where the file cannot be read, is quantised in another way (dynamically, to int16, with asymmetric weights or scales per channel of
    activations), leaves tensors between operators unquantised, or has an operator that there is no layer for.
    """
    path = Path(path)
    model = read_onnx(path)
    walk = _Walk(path.stem, model)
    for proto in model.graph.node:
        for node in rewrite(Node.of(proto), walk.values):
            walk.step(node)
    return Model(walk.network(model.graph.output[0].name), path, notes=tuple(walk.notes))


class _Input:
    """The model's input before it is known what integers it becomes."""

    def __init__(self, name, shape):
        self.name, self.shape = name, shape


class _Walk:
    """Goes through the nodes in order; `values` has what each name stands for: array, Constant, Stored, View, Pending or the input."""

    def __init__(self, name, model):
        self.graph, self.notes, self.values = Graph(name, opset_of(model)), [], dict(initialisers(model))
        source = graph_input(model)
        self.source, self.values[source.name] = None, _Input(source.name, _map_shape(name, source.name, shapes_of(model)[source.name]))

    def step(self, node):
        """Take the value of a node's first output."""
        if node.op in _DYNAMIC:
            raise node.refuse("it is quantised dynamically, by each image's own range: quantise the model statically (onnxruntime's quantize_static)")
        values = [self._value(node, name) if name else None for name in node.inputs]
        if node.op == "QuantizeLinear":
            value = self._quantise(node, *values)
        elif node.op == "DequantizeLinear":
            value = self._dequantise(node, *values)
        elif node.op not in OPERATORS:
            raise node.unknown()
        elif isinstance(values[0], _Input):
            raise unquantised(f"operator {node.op} {node.name!r}")
        elif isinstance(values[0], Stored):
            value = self._on_integers(node, values)
        else:
            value = OPERATORS[node.op](self.graph, node, values)
        self.values[node.outputs[0]] = value

    def network(self, name):
        """Return the Network whose output is the graph's output `name`."""
        value = self.values.get(name)
        if isinstance(value, Pending) and value.fixed:
            self.notes.append(f"the output {name!r} is not quantised in the file: it becomes int8 with the scale {value.fixed[0]:.6g}")
            value = self._store(value, name, name, value.fixed)
        view = value.view if isinstance(value, Stored) else value
        if not isinstance(view, View):
            raise unquantised(f"the output {name!r}")
        info, _ = self.graph.plain(view, name)
        if view.flat and max(info.shape[:2]) > 1 and info.channels > 1:
            raise UserError(f"the output {name!r} is a flattened map, whose numbers would lie in another order: end the model before it is flattened")
        return self.graph.network(self.source.name, info.name)

    def _value(self, node, name):
        if name not in self.values:
            raise node.refuse(f"it reads {name!r}, which is not the first output of an operator")
        return self.values[name]

    def _where(self, node):
        return f"operator {node.op} {node.name!r}"

    def _quantise(self, node, value, scale, zero_point=None):
        where = self._where(node)
        self._check_scale(node, scale, zero_point)
        if isinstance(value, (np.ndarray, Constant)):
            axis = node.attributes.get("axis", 1)
            if zero_point is not None and zero_point.dtype not in (np.int8, np.uint8, np.int16, np.uint16, np.int32):
                raise node.refuse(f"constants of {zero_point.dtype} are not supported: quantise weights to int8")
            return quantise_constant(value.real() if isinstance(value, Constant) else value, scale, zero_point, axis)
        numbers = activation_numbers(where, scale, zero_point)
        if isinstance(value, _Input):
            return Stored(self._input(where, value, numbers))
        if isinstance(value, Pending):
            return self._store(value, node.inputs[0], node.outputs[0], numbers)
        if not isinstance(value, View):
            raise node.refuse("it quantises integers")
        if value.numbers == numbers:
            return Stored(value)
        return self._store(identity(self.graph, value), node.inputs[0], node.outputs[0], numbers)

    def _dequantise(self, node, value, scale, zero_point=None):
        where = self._where(node)
        self._check_scale(node, scale, zero_point)
        if isinstance(value, np.ndarray):
            return dequantised(where, value, scale, zero_point, node.attributes.get("axis", 1))
        numbers = activation_numbers(where, scale, zero_point)
        if isinstance(value, _Input):
            return self._input(where, value, numbers)
        if not isinstance(value, Stored):
            raise node.refuse("it dequantises what is no quantised value")
        if value.view.numbers != numbers:
            raise node.refuse(f"it reads numbers of scale {value.view.numbers[0]:.6g} and zero point {value.view.numbers[1]} as if they had {numbers[0]:.6g} and "
                              f"{numbers[1]}: both operators of a pair must have the same")
        return value.view

    def _check_scale(self, node, scale, zero_point):
        if not isinstance(scale, np.ndarray) or not (zero_point is None or isinstance(zero_point, np.ndarray)):
            raise node.refuse("its scale and zero point must be constants: quantise the model statically (onnxruntime's quantize_static)")
        if node.attributes.get("block_size", 0):
            raise node.refuse("a scale for each block is not supported: quantise per tensor or per output channel")

    def _input(self, where, value, numbers):
        if self.source is None:
            self.source = self.graph.tensor(value.name, value.shape, numbers)
        if (self.source.scale, self.source.zero_point) != numbers:
            raise UserError(f"{where} quantises the input {value.name!r} a second time, with other numbers: quantise it once")
        return View(self.source)

    def _store(self, pending, name, other_name, numbers):
        """Put the layers of a Pending; its tensor is called after the reals, or where these become integers twice after the integers."""
        tensor = self.graph.tensor(other_name if name in self.graph.tensors else name, pending.shape, numbers)
        pending.emit(tensor, pending.limits)
        return Stored(View(tensor, flat=pending.flat))

    def _on_integers(self, node, values):
        if node.op not in ON_INTEGERS:
            raise node.refuse("it works on integers: put DequantizeLinear before it and QuantizeLinear behind")
        values[0] = values[0].view
        value = OPERATORS[node.op](self.graph, node, values)
        if isinstance(value, Pending):
            return self._store(value, node.outputs[0], node.outputs[0], values[0].numbers)
        return Stored(value)


def _map_shape(model, name, shape):
    """Return (height, width, channels) of an ONNX shape [1, C, H, W] or [1, C]."""
    if len(shape) == 4:
        return shape[2], shape[3], shape[1]
    if len(shape) == 2:
        return 1, 1, shape[1]
    raise UserError(f"the input {name!r} of {model} has the shape {list(shape)}: it must be [N, C, H, W] or [N, numbers]")
