# SPDX-License-Identifier: BSD-2-Clause
"""Writes a float network as an ONNX model, as an exporter would, for tests."""

import math

import numpy as np

from nets.float_network import FloatActivation, FloatAdd, FloatAveragePool, FloatConcat, FloatConv, FloatDense, FloatMaxPool, FloatSoftmax
from tests.support.onnx_models import OnnxBuilder


def float_to_onnx(network, opset):
    """Return the OnnxBuilder of a FloatNetwork: activations are operators of their own, dense layers a Flatten and a Gemm."""
    height, width, channels = network.tensors[network.input].shape
    build, names = OnnxBuilder((channels, height, width), opset), {network.input: "input"}
    for layer in network.layers:
        output = _operator(build, layer, [names[name] for name in layer.inputs])
        limits = getattr(layer, "activation", None)
        names[layer.output] = _clipped(build, output, limits) if limits else output
    return build


def _window(layer):
    pad = layer.padding
    return {"kernel_shape": list(layer.kernel), "strides": list(layer.stride), "pads": [pad.top, pad.left, pad.bottom, pad.right]}


def _clipped(build, source, limits):
    if limits == (0.0, math.inf):
        return build.add("Relu", source)
    if build.opset < 11:
        return build.add("Clip", source, min=limits[0], max=limits[1])
    return build.add("Clip", source, *(build.constant(limit) for limit in limits))


def _operator(build, layer, sources):
    if isinstance(layer, FloatConv):
        numbers = build.constant(layer.weights.transpose(0, 3, 1, 2)), build.constant(layer.bias)
        return build.add("Conv", *sources, *numbers, group=layer.groups, **_window(layer))
    if isinstance(layer, FloatDense):
        matrix = layer.weights.transpose(0, 3, 1, 2).reshape(len(layer.weights), -1)
        return build.add("Gemm", build.add("Flatten", *sources), build.constant(matrix), build.constant(layer.bias), transB=1)
    if isinstance(layer, FloatAveragePool):
        return build.add("AveragePool", *sources, count_include_pad=int(layer.include_padding), **_window(layer))
    if isinstance(layer, FloatActivation):
        return _clipped(build, sources[0], (layer.low, layer.high))
    op, attributes = {FloatAdd: ("Add", {}), FloatConcat: ("Concat", {"axis": 1}), FloatSoftmax: ("Softmax", {"axis": 1}),
                      FloatMaxPool: ("MaxPool", _window(layer) if isinstance(layer, FloatMaxPool) else {})}[type(layer)]
    return build.add(op, *sources, **attributes)


def nchw(maps):
    """Return [N, C, H, W] of [N, H, W, C], contiguous."""
    return np.ascontiguousarray(maps.transpose(0, 3, 1, 2))
