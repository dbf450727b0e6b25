# SPDX-License-Identifier: BSD-2-Clause
"""Writes a defined network and its weights as an ONNX file, built from the definition. Needs onnx (`make import`)."""

import numpy as np

from accel.errors import UserError

OPSET = 17
_IR_VERSION = 8  # of that opset's time, so that older readers take the file


def find_onnx():
    """Return the package onnx. Raises UserError where it is not installed."""
    try:
        import onnx
    except ImportError as error:
        raise UserError(f"writing ONNX needs the package onnx ({error}): run `make import`") from error
    return onnx


def write_onnx(definition, weights, path):
    """Write the float network to `path`: input [1, C, H, W], output [1, outputs].

    weights: {layer: (weights [O, H, W, I of a group], bias [O])}, batch norm folded in. Raises UserError where onnx is not installed.
    """
    onnx = find_onnx()
    graph = _Graph(definition, weights, onnx.helper)
    shape = definition.shapes
    height, width, channels = shape[definition.input]
    value = onnx.helper.make_tensor_value_info
    made = onnx.helper.make_graph(
        graph.nodes, definition.name, [value(definition.input, onnx.TensorProto.FLOAT, [1, channels, height, width])],
        [value(definition.output, onnx.TensorProto.FLOAT, [1, int(np.prod(shape[definition.output]))])],
        [onnx.numpy_helper.from_array(array, name) for name, array in graph.arrays.items()])
    model = onnx.helper.make_model(made, producer_name="sparcnet-litex", opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=_IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


class _Graph:
    """Collects nodes and their arrays, each named as the tensor that it gives."""

    def __init__(self, definition, weights, helper):
        self.definition, self.helper, self.nodes, self.arrays = definition, helper, [], {}
        # A fully connected layer gives a vector, and so does the whole graph.
        for layer in definition.layers:
            if layer.op == "conv2d":
                self._convolution(layer, *weights[layer.name])
            elif layer.op == "fully_connected":
                self._dense(layer, *weights[layer.name])
            elif layer.op == "concat":
                self._node("Concat", layer.inputs, layer.output, axis=1)
            else:
                kind = {"max_pool2d": "MaxPool", "average_pool2d": "AveragePool"}[layer.op]
                self._node(kind, layer.inputs, layer.output, kernel_shape=layer.window, strides=layer.stride, pads=_edges(layer.padding))
        last = definition.layers[-1]
        if last.op != "fully_connected":
            self.nodes[-1].output[0] = self.nodes[-1].name = f"{last.output}_map"
            self._node("Flatten", [f"{last.output}_map"], last.output)

    def _node(self, kind, inputs, output, **attributes):
        self.nodes.append(self.helper.make_node(kind, list(inputs), [output], name=output, **attributes))

    def _array(self, name, values):
        self.arrays[name] = np.ascontiguousarray(values, np.float32)
        return name

    def _convolution(self, layer, weights, bias):
        inputs = [layer.input, self._array(f"{layer.name}_weight", weights.transpose(0, 3, 1, 2)), self._array(f"{layer.name}_bias", bias)]
        self._node("Conv", inputs, self._linear(layer), kernel_shape=layer.kernel, strides=layer.stride, pads=_edges(layer.padding),
                   group=layer.groups)
        self._rectify(layer)

    def _dense(self, layer, weights, bias):
        source = layer.input
        if not self._is_vector(source):
            self._node("Flatten", [source], f"{layer.name}_flat")
            source = f"{layer.name}_flat"
        # Flatten's order is channels, height, width.
        values = weights.transpose(0, 3, 1, 2).reshape(len(weights), -1)
        inputs = [source, self._array(f"{layer.name}_weight", values), self._array(f"{layer.name}_bias", bias)]
        self._node("Gemm", inputs, self._linear(layer), transB=1)
        self._rectify(layer)

    def _is_vector(self, tensor):
        return any(layer.output == tensor and layer.op == "fully_connected" for layer in self.definition.layers)

    def _linear(self, layer):
        return f"{layer.output}_linear" if layer.relu else layer.output

    def _rectify(self, layer):
        if layer.relu:
            self._node("Relu", [self._linear(layer)], layer.output)


def _edges(padding):
    """Return ONNX's pads of a Padding: the beginnings of both axes, then their ends."""
    return padding.top, padding.left, padding.bottom, padding.right
