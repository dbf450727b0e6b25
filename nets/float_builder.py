# SPDX-License-Identifier: BSD-2-Clause
"""Describes a float network in Python, layer after layer, from arrays."""

import math

from compiler.ir import Padding
from nets.float_network import FloatAdd, FloatAveragePool, FloatConcat, FloatConv, FloatDense, FloatMaxPool, FloatNetwork, FloatTensor

RELU = (0.0, math.inf)


def ceil_padding(size, window, stride):
    """Return the Padding below and right with which windows cover a map of (height, width) to its last pixel: Caffe's pools, and "ceil mode".

    No window begins beyond the map. The window must not be larger than the map.
    """
    missing = [(window_size - length) % step for length, window_size, step in zip(size, window, stride, strict=True)]
    bottom, right = (rows if rows < window_size else 0 for rows, window_size in zip(missing, window, strict=True))
    return Padding(0, 0, bottom, right)


class FloatBuilder:
    """Collects layers; each method appends one that reads the tensor `source` and returns the name of its output, which is the layer's.

    Weights are [outputs, kernel height, kernel width, input channels / groups], bias [outputs]; activation is None or a (low, high).
    """

    def __init__(self, name, height, width, channels):
        self.name, self.layers = name, []
        self.tensors = {"input": FloatTensor("input", height, width, channels)}

    def _put(self, layer):
        self.layers.append(layer)
        self.tensors[layer.output] = FloatTensor(layer.output, *layer.output_shape(*(self.tensors[name].shape for name in layer.inputs)))
        return layer.output

    def convolution(self, name, source, weights, bias, stride=(1, 1), padding=0, groups=1, activation=RELU):
        """A convolution with `padding` rows and columns at each side."""
        return self._put(FloatConv(name, source, name, weights, bias, stride, Padding(*4 * (padding,)), groups, activation))

    def dense(self, name, source, weights, bias, activation=None):
        """A fully connected layer; weights [outputs, height, width, channels] of the map."""
        return self._put(FloatDense(name, source, name, weights, bias, activation))

    def max_pool(self, name, source, window, stride):
        """The maximum over windows that cover the map to its last pixel (ceil mode)."""
        return self._put(FloatMaxPool(name, source, name, window, stride, ceil_padding(self.tensors[source].shape[:2], window, stride)))

    def global_average(self, name, source):
        """The mean of each channel."""
        return self._put(FloatAveragePool(name, source, name, self.tensors[source].shape[:2], (1, 1)))

    def add(self, name, source, other, activation=RELU):
        """The sum of two tensors."""
        return self._put(FloatAdd(name, source, other, name, activation))

    def concatenation(self, name, *sources):
        """The channels of several tensors."""
        return self._put(FloatConcat(name, sources, name))

    def network(self, labels=()):
        """Return the FloatNetwork whose output is that of the last layer."""
        return FloatNetwork(self.name, "input", self.layers[-1].output, self.tensors, tuple(self.layers), tuple(labels))
