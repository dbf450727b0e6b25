# SPDX-License-Identifier: BSD-2-Clause
"""The layers of a stripped ONNX graph as layers of int8 between tensors whose integers the model gives."""

import math
from dataclasses import replace

import numpy as np

from accel.errors import UserError
from compiler.ir import Concat, Conv2D, FullyConnected, Network, Padding, Softmax, TensorInfo
from compiler.numbers import Rounding, quantize_multiplier
from nets import quantise_layers as int8
from nets.float_network import FloatActivation, FloatAdd, FloatAveragePool, FloatConcat, FloatConv, FloatDense, FloatMaxPool, FloatSoftmax
from nets.quantise import clamp, quantise_layer
from nets.scales import SOFTMAX_SCALE, SOFTMAX_ZERO_POINT


def int8_network(network, numbers, scales):
    """Return the compiler.ir.Network of a FloatNetwork.

    numbers: {tensor: (scale, zero point)} of all its tensors; scales: {layer: float64 [O]} of the convolutions and dense layers whose weights are
    integers times these. Raises UserError where scales do not fit each other.
    """
    work = _Lowering(network, numbers, scales)
    for layer in network.layers:
        try:
            work.lower(layer)
        except ValueError as error:
            raise UserError(f"layer {layer.name!r} cannot be computed: {error}; the scales around it do not fit each other") from error
    return Network(network.name, network.input, network.output, work.tensors, tuple(work.layers), network.labels)


class _Lowering:
    """Collects layers and tensors."""

    def __init__(self, network, numbers, scales):
        self.tensors = {name: TensorInfo(name, *tensor.shape, *numbers[name]) for name, tensor in network.tensors.items()}
        self.scales, self.layers = scales, []
        self._kinds = {FloatConv: self._convolution, FloatDense: self._convolution, FloatAdd: self._add, FloatConcat: self._concat,
                       FloatMaxPool: self._max_pool, FloatAveragePool: self._average_pool, FloatActivation: self._activation,
                       FloatSoftmax: self._softmax}

    def lower(self, layer):
        """Append what computes one float layer."""
        self._kinds[type(layer)](layer, *(self.tensors[name] for name in layer.inputs), self.tensors[layer.output])

    def _convolution(self, layer, source, target):
        """The sums are scaled by 31 bits and rounded once: float32, which onnxruntime scales them by, has 24."""
        kind = FullyConnected if isinstance(layer, FloatDense) else Conv2D
        self.layers.append(kind(layer.name, source.name, target.name, **self._weights(layer, source, target), stride=tuple(layer.stride),
                                padding=layer.padding, groups=layer.groups, **clamp(target, layer.activation), rounding=Rounding.HALF_AWAY))

    def _weights(self, layer, source, target):
        """Return {weights, bias, multipliers, shifts}: the model's own integers, or what a constant factor and offset for each channel become."""
        if layer.name not in self.scales:
            return quantise_layer(layer.weights, layer.bias, source.scale, target.scale)
        scales = self.scales[layer.name]
        bias = np.rint(layer.bias / (source.scale * scales))
        if np.abs(bias).max() >= 1 << 31:
            raise ValueError("its bias exceeds int32 at the scale of its sums")
        multipliers, shifts = zip(*(quantize_multiplier(float(source.scale * scale / target.scale)) for scale in scales), strict=True)
        weights = np.rint(layer.weights / scales[:, np.newaxis, np.newaxis, np.newaxis])
        return {"weights": weights, "bias": bias, "multipliers": multipliers, "shifts": shifts}

    def _add(self, layer, source, other, target):
        self.layers.append(int8.add(layer, source, other, target))

    def _activation(self, layer, source, target):
        self._rescale(layer.name, source, target, (layer.low, layer.high))

    def _rescale(self, name, source, target, limits=(-math.inf, math.inf)):
        """As a convolution, which can round once: TFLite's two roundings of numbers of 8 bits come out 1 off now and then."""
        layer = int8.rescale(name, source, target, limits).convolution(source.channels)
        self.layers.append(replace(layer, rounding=Rounding.HALF_AWAY))

    def _concat(self, layer, *infos):
        *sources, target = infos
        parts = [source if _numbers(source) == _numbers(target) else self._rescaled(source, target, layer.name) for source in sources]
        self.layers.append(Concat(layer.name, tuple(part.name for part in parts), target.name))

    def _rescaled(self, source, target, reader):
        name = f"{source.name} for {reader}"
        if name not in self.tensors:
            self.tensors[name] = replace(source, name=name, scale=target.scale, zero_point=target.zero_point)
            self._rescale(name, source, self.tensors[name])
        return self.tensors[name]

    def _max_pool(self, layer, source, target):
        self.layers.append(int8.max_pool(layer, source, target))

    def _softmax(self, layer, source, target):
        self._in_own_numbers(target, (SOFTMAX_SCALE, SOFTMAX_ZERO_POINT), lambda output: Softmax(layer.name, source.name, output))

    def _average_pool(self, layer, source, target):
        """Where all windows count alike a mean is a depthwise convolution with weights of 1, rounded once, at the output's scale."""
        if layer.padding == Padding() or layer.include_padding:
            self.layers.append(_even_average(layer, source, target))
            return
        if source.scale > target.scale * (1 + 1e-6):
            raise UserError(f"AveragePool {layer.name!r} leaves padding out of its means, and its output has a finer scale ({target.scale:.6g}) than "
                            f"its input ({source.scale:.6g}), so that its means would be rounded twice: set count_include_pad=1, or give both "
                            "one scale")
        self._in_own_numbers(target, _numbers(source), lambda output: int8.average_pool(replace(layer, output=output), source, target))

    def _in_own_numbers(self, target, numbers, layer):
        """Append layer(name of its output), whose output has the (scale, zero point) `numbers`, and a Rescale where `target` has others."""
        if numbers == _numbers(target):
            self.layers.append(layer(target.name))
            return
        name = f"{target.name} before its scale"
        self.tensors[name] = replace(target, name=name, scale=numbers[0], zero_point=numbers[1])
        self.layers.append(layer(name))
        self._rescale(name, self.tensors[name], target)


def _numbers(info):
    return info.scale, info.zero_point


def _even_average(layer, source, target):
    channels = source.channels
    multiplier, shift = quantize_multiplier(source.scale / (math.prod(layer.window) * target.scale))
    return Conv2D(layer.name, source.name, target.name, np.ones((channels, *layer.window, 1)), np.zeros(channels), np.full(channels, multiplier),
                  np.full(channels, shift), tuple(layer.stride), layer.padding, channels, rounding=Rounding.HALF_AWAY)
