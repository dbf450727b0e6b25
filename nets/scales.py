# SPDX-License-Identifier: BSD-2-Clause
"""Which tensors of a float network must share a scale when it is quantised, and what each tensor's scale and zero point are."""

from dataclasses import dataclass

from compiler.cpu_layers import SOFTMAX_SCALE, SOFTMAX_ZERO_POINT
from compiler.ir import Padding, TensorInfo
from nets.float_network import FloatAveragePool, FloatConcat, FloatMaxPool, FloatSoftmax
from nets.quantise import activation_scale


# A tensor that others read too joins the scale of a concatenation where that costs it at most this factor of its steps.
_MOST_COARSER = 4


def averages_all(network, layer):
    """Whether a layer is the mean over a whole map, which can have a scale of its own."""
    whole = isinstance(layer, FloatAveragePool) and tuple(layer.window) == network.tensors[layer.input].shape[:2]
    return whole and layer.map_shape(network.tensors[layer.input].shape) == (1, 1) and layer.padding == Padding()


@dataclass(frozen=True)
class Scales:
    """`tensors`: {name: TensorInfo}. `copies`: {(concatenation, index of its input)} whose input keeps a scale of its own, so needs a Rescale."""

    tensors: dict
    copies: frozenset


def choose_scales(network, ranges):
    """Return the Scales of a FloatNetwork with `ranges` {tensor: (low, high)}.

    A pool's output has its input's scale, except that of a mean over the whole map: one coarse as its input's would make scores tie. What is
    concatenated has the scale of the whole.
    """
    groups = _Groups(ranges)
    for layer in network.layers:
        if isinstance(layer, FloatSoftmax):
            groups.fixed.add(layer.output)
    for layer in network.layers:
        if isinstance(layer, (FloatMaxPool, FloatAveragePool)) and not averages_all(network, layer):
            groups.follow(layer.output, layer.input)
    copies = set()
    for layer in network.layers:
        if isinstance(layer, FloatConcat):
            copies |= {(layer.name, index) for index in _strangers(network, groups, layer)}
    numbers = {name: groups.numbers(name) for name in ranges}
    return Scales({name: TensorInfo(name, *network.tensors[name].shape, *numbers[name]) for name in ranges}, frozenset(copies))


def _strangers(network, groups, layer):
    """Join the inputs of a concatenation to its output; return the indices of those that cannot or should not be."""
    found = []
    for index, name in enumerate(layer.inputs):
        shared = any(len(network.readers(member)) > 1 for member in groups.members(name)) or network.input in groups.members(name)
        if groups.is_fixed(name) or (shared and _span(groups.range(layer.output)) > _MOST_COARSER * _span(groups.range(name))):
            found.append(index)
        else:
            groups.join(name, layer.output)
    return found


def _span(limits):
    return limits[1] - limits[0]


class _Groups:
    """Sets of tensors of one scale; the range of a set is that of all its members that are measured."""

    def __init__(self, ranges):
        self.ranges, self.fixed = ranges, set()
        self.sets = {name: {name} for name in ranges}

    def members(self, name):
        return self.sets[name]

    def is_fixed(self, name):
        return bool(self.fixed & self.sets[name])

    def join(self, name, other):
        merged = self.sets[name] | self.sets[other]
        for member in merged:
            self.sets[member] = merged

    def follow(self, name, source):
        """Join tensor `name`, all values of which lie within those of `source`, to it."""
        self.ranges = self.ranges | {name: self.ranges[source]}
        self.join(name, source)

    def range(self, name):
        ends = [self.ranges[member] for member in self.sets[name]]
        return min(low for low, _ in ends), max(high for _, high in ends)

    def numbers(self, name):
        """Return (scale, zero point)."""
        return (SOFTMAX_SCALE, SOFTMAX_ZERO_POINT) if self.is_fixed(name) else activation_scale(*self.range(name))
