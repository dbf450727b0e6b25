# SPDX-License-Identifier: BSD-2-Clause
"""Builds networks of given shapes with random weights, their numbers such that all outputs use their range."""

import numpy as np

from compiler.ir import Add, AveragePool2D, Concat, Conv2D, FullyConnected, MaxPool2D, Network, Padding, TensorInfo
from compiler.numbers import quantize_multiplier

# Of random weights, of an image's numbers, of outputs around their zero point, and of what ReLU leaves of these: root of the mean square.
_WEIGHT, _IMAGE, _LINEAR, _RECTIFIED = 30, 75, 60, 42
_SUM_SCALE = 1.4


def same_padding(size, kernel, stride):
    """Return TFLite's Padding "same" for a map and a window of (height, width): the smaller half comes first."""
    totals = [max(0, (-(-length // step) - 1) * step + window - length) for length, window, step in zip(size, kernel, stride, strict=True)]
    before = [total // 2 for total in totals]
    return Padding(*before, *(total - half for total, half in zip(totals, before, strict=True)))


class Builder:
    """Collects layers; each method appends one that reads the tensor `source` and returns the name of its output, which is the layer's."""

    def __init__(self, name, height, width, channels, seed=0):
        self.name, self.rng, self.layers = name, np.random.default_rng(seed), []
        self.tensors = {"input": TensorInfo("input", height, width, channels, zero_point=-5)}
        self.spread = {"input": _IMAGE}

    def _put(self, layer, zero_point, spread):
        shape = layer.output_shape(*(self.tensors[name].shape for name in layer.inputs))
        self.layers.append(layer)
        self.tensors[layer.output] = TensorInfo(layer.output, *shape, zero_point=zero_point)
        self.spread[layer.output] = spread
        return layer.output

    def _numbers(self, source, shape):
        """Return (weights, bias, multipliers, shifts) of `shape` [outputs, height, width, inputs of a group]."""
        weights = np.clip(np.round(self.rng.normal(0, _WEIGHT, shape)), -127, 127)
        deviation = np.sqrt(weights[0].size) * _WEIGHT * self.spread[source]
        scales = [quantize_multiplier(_LINEAR / deviation * factor) for factor in self.rng.uniform(0.7, 1.4, shape[0])]
        return weights, np.round(self.rng.normal(0, deviation / 8, shape[0])), *zip(*scales, strict=True)

    @staticmethod
    def _range(relu):
        return (-128, _RECTIFIED) if relu else (3, _LINEAR)

    def convolution(self, name, source, outputs, kernel=(3, 3), stride=(1, 1), relu=True, groups=1, padding=None):
        """A convolution; its Padding is "same" where none is given."""
        info = self.tensors[source]
        numbers = self._numbers(source, (outputs, *kernel, info.channels // groups))
        padding = same_padding(info.shape[:2], kernel, stride) if padding is None else padding
        return self._put(Conv2D(name, source, name, *numbers, stride, padding, groups), *self._range(relu))

    def depthwise(self, name, source, kernel=(3, 3), stride=(1, 1), relu=True):
        """A depthwise convolution with padding "same"."""
        info = self.tensors[source]
        numbers = self._numbers(source, (info.channels, *kernel, 1))
        padding = same_padding(info.shape[:2], kernel, stride)
        return self._put(Conv2D(name, source, name, *numbers, stride, padding, info.channels), *self._range(relu))

    def add(self, name, source, other, relu=True):
        """The sum of two tensors, taken to have the same scale."""
        half = quantize_multiplier(0.5)
        output = quantize_multiplier(2 / (_SUM_SCALE * (1 << Add.left_shift)))
        return self._put(Add(name, source, other, name, *half, *half, *output), *self._range(relu))

    def concatenation(self, name, *sources):
        """The channels of several tensors."""
        return self._put(Concat(name, sources, name), self.tensors[sources[0]].zero_point, self.spread[sources[0]])

    def global_average(self, name, source):
        """The mean of each channel."""
        info = self.tensors[source]
        return self._put(AveragePool2D(name, source, name, info.shape[:2], (1, 1)), info.zero_point, self.spread[source])

    def max_pool(self, name, source, window=(2, 2), stride=(2, 2), padding=Padding()):
        """The largest number of each window."""
        return self._put(MaxPool2D(name, source, name, window, stride, padding), self.tensors[source].zero_point, self.spread[source])

    def dense(self, name, source, outputs, relu=False):
        """A fully connected layer."""
        return self._put(FullyConnected(name, source, name, *self._numbers(source, (outputs, *self.tensors[source].shape))), *self._range(relu))

    def network(self):
        """Return the Network whose output is that of the last layer."""
        return Network(self.name, "input", self.layers[-1].output, self.tensors, tuple(self.layers))
