# SPDX-License-Identifier: BSD-2-Clause
"""Quantises ONNX models by onnxruntime, and holds each layer of what is imported against onnxruntime's own integers."""

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from compiler.cpu_layers import on_cpu
from compiler.reference import compute, compute_on_cpu
from nets.importers.qdq import import_qdq


class _Images(CalibrationDataReader):
    def __init__(self, name, images):
        self.feeds = iter([{name: image[np.newaxis]} for image in images])

    def get_next(self):
        return next(self.feeds, None)


def quantised(source, path, images, activations="int8", per_channel=True, operators=False, **extra):
    """Quantise the float ONNX file `source` into `path` by onnxruntime, calibrated with float32 `images` [N, C, H, W]; returns `path`.

    activations: "int8" or "uint8"; operators: as QLinearConv and the like instead of Q and DQ.
    """
    name = onnx.load(source).graph.input[0].name
    kind = {"int8": QuantType.QInt8, "uint8": QuantType.QUInt8, "int16": QuantType.QInt16}[activations]
    form = QuantFormat.QOperator if operators else QuantFormat.QDQ
    quantize_static(source, path, _Images(name, images), quant_format=form, per_channel=per_channel, activation_type=kind,
                    weight_type=QuantType.QInt8, extra_options=extra)
    return path


class Runtime:
    """onnxruntime's run of a model, its graph as it stands, with the integers between its operators as outputs."""

    def __init__(self, path):
        model = onnx.load(path)
        self.names = {}
        for node in model.graph.node:
            if node.op_type == "QuantizeLinear":
                self.names[node.output[0]] = (node.input[0], node.output[0])
            elif node.op_type.startswith("QLinear") or node.op_type == "QGemm":
                self.names[node.output[0]] = (f"{node.output[0]} (reals)",)
        constants = {tensor.name for tensor in model.graph.initializer}
        kept = [name for name, names in self.names.items() if names[0] not in constants]
        self.outputs = [output.name for output in model.graph.output]
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in kept)
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 3
        self.kept = kept
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def run(self, image):
        """Return ({name of a tensor as the importer gives it: int8 array of ONNX's shape}, the first output) for float32 `image` [C, H, W]."""
        results = self.session.run(None, {self.session.get_inputs()[0].name: image[np.newaxis]})
        integers = {}
        for name, values in zip(self.kept, results[len(self.outputs):], strict=True):
            numbers = values if values.dtype == np.int8 else (values.astype(np.int16) - 128).astype(np.int8)
            integers |= dict.fromkeys(self.names[name], numbers)
        return integers, results[0]


def as_map(numbers, shape):
    """Return int8 [1, H, W, C] of ONNX's [1, C, H, W] or [1, C * H * W]."""
    height, width, channels = shape
    return numbers.reshape(1, channels, height, width).transpose(0, 2, 3, 1)


def layer_differences(network, integers):
    """Return {tensor: largest difference} of each layer's output and onnxruntime's `integers`, each layer fed onnxruntime's own where it has them."""
    known = {name: as_map(integers[name], info.shape) for name, info in network.tensors.items() if name in integers}
    values, differences = dict(known), {}
    for layer in network.layers:
        infos, maps = [network.tensors[name] for name in layer.inputs], [values[name] for name in layer.inputs]
        if on_cpu(layer):
            output = compute_on_cpu(layer, maps[0], infos[0])
        else:
            output = compute(layer, maps, [info.zero_point for info in infos], network.tensors[layer.output].zero_point)
        values.setdefault(layer.output, output)
        if layer.output in known:
            differences[layer.output] = int(np.abs(output.astype(int) - known[layer.output]).max())
    return differences


def check_layers(path, images, compared=None):
    """Import `path` and assert that each layer is within 1 of onnxruntime's; returns the Model. compared: how many tensors must be, None for all."""
    model, runtime = import_qdq(path), Runtime(path)
    for image in images:
        differences = layer_differences(model.network, runtime.run(image)[0])
        assert max(differences.values()) <= 1, differences
        assert len(differences) == (len(model.network.layers) if compared is None else compared), differences
    return model
