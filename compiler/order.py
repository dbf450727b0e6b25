# SPDX-License-Identifier: BSD-2-Clause
"""Orders output channels so that the filters of a tile read the same inputs, whose complement the tile's channel mask then skips.

What reads a tensor takes its channels in their new order, so that the network computes the same; only where each channel lies has changed.
Channels that meet in an addition, or that go through a layer which works on each by itself, have one order. The network's input and output
keep theirs.
"""

from dataclasses import replace

import numpy as np

from compiler.eliminate import eliminate
from compiler.ir import Add, AveragePool2D, Concat, Conv2D, Lookup, MaxPool2D, Rescale, Sums
from compiler.layout import tensor_places
from compiler.mask_use import Reads, has_masks
from compiler.tile_order import tile_order


def reduce_network(network, config):
    """Return the Reduced network that the compiler runs on `config`: without constant channels, those that are left ordered for its tiles."""
    return order_channels(eliminate(network), config)


def order_channels(reduced, config):
    """Return the Reduced network with channels ordered for tiles of `config.columns` filters: exactly equivalent, its masks never leave more steps.

    It is `reduced` itself where no order leaves fewer.
    """
    network, search = reduced.network, _Search(reduced.network, config)
    for strand in search.strands.free():
        search.improve(strand)
    orders = {name: order for name in network.tensors if name in search.strands.parts and not _given(order := search.order(name))}
    if not orders:
        return reduced
    kept, constants = dict(reduced.kept), dict(reduced.constants)
    for name, order in orders.items():
        constants.setdefault(name, np.zeros(len(order), int))
        kept[name] = kept.get(name, np.arange(len(order)))[order]
    layers = tuple(_ordered(layer, search.order(layer.output), search.order(layer.input)) for layer in network.layers)
    return replace(reduced, network=replace(network, layers=layers), kept=kept, constants=constants)


def _given(order):
    return np.array_equal(order, np.arange(len(order)))


def _ordered(layer, outputs, inputs):
    """Return the layer that computes the same, output and input channels being in the orders given."""
    if isinstance(layer, Sums):
        return replace(layer, weights=layer.weights[..., inputs])
    if not isinstance(layer, Conv2D) or _given(outputs) and _given(inputs):
        return layer
    weights = layer.weights[outputs]
    if not layer.depthwise:
        # A channel stays in its group, so that each group of filters has an order of its own group of channels.
        own = (inputs.reshape(layer.groups, -1) % weights.shape[3]).repeat(len(outputs) // layer.groups, axis=0)
        weights = np.take_along_axis(weights, own[:, np.newaxis, np.newaxis, :], axis=3)
    return replace(layer, weights=weights, bias=layer.bias[outputs], multipliers=layer.multipliers[outputs], shifts=layer.shifts[outputs],
                   dynamic_mask=None if layer.dynamic_mask is None else layer.dynamic_mask[inputs])


class _Strands:
    """Runs of channels, each with one order wherever it occurs, by numbers: `parts` {tensor: the strands of its channels}, `sizes` of each."""

    def __init__(self, network):
        self.parts, self.sizes, self.same, self.fixed = {}, [], [], set()
        self.parts[network.input] = self._new(network.tensors[network.input].channels)
        self._fix(self.parts[network.input])
        for layer in network.layers:
            self.parts[layer.output] = self._outputs(network, layer)
        self._fix(self.parts[network.output])

    def of(self, name):
        """Return the strands of tensor `name`, of those that are one the same number."""
        return tuple(self._root(strand) for strand in self.parts[name])

    def free(self):
        """Return the strands that can have another order, the first layers' first."""
        fixed = {self._root(strand) for strand in self.fixed}
        return [strand for strand in range(len(self.sizes)) if self._root(strand) == strand and strand not in fixed]

    def _new(self, size):
        self.same.append(len(self.sizes))
        self.sizes.append(size)
        return (len(self.sizes) - 1,)

    def _fix(self, parts):
        self.fixed.update(parts)

    def _root(self, strand):
        while self.same[strand] != strand:
            strand = self.same[strand]
        return strand

    def _outputs(self, network, layer):
        """Return the strands that the layer writes, having tied those that it reads."""
        sources = [self.parts[name] for name in layer.inputs]
        if isinstance(layer, Concat):
            return sum(sources, ())
        if isinstance(layer, Add):
            return self._tied(*sources)
        if isinstance(layer, Conv2D) and not layer.depthwise:
            return self._new(len(layer.weights))
        if isinstance(layer, (Conv2D, MaxPool2D, AveragePool2D, Rescale, Lookup)):
            return sources[0]
        written = self._new(network.tensors[layer.output].channels)
        self._fix(written if isinstance(layer, Sums) else written + sources[0])
        return written

    def _tied(self, one, other):
        if [self.sizes[strand] for strand in one] != [self.sizes[strand] for strand in other]:
            self._fix(one + other)
            return one
        for pair in zip(one, other, strict=True):
            first, second = sorted(map(self._root, pair))
            self.same[second] = first
        return one


class _Search:
    """Finds an order for each strand. `orders` {strand: int [its channels]} are those found so far."""

    def __init__(self, network, config):
        self.network, self.config, self.strands, self.orders = network, config, _Strands(network), {}
        self.places = tensor_places(network, config.columns)
        self.reads = {layer.name: Reads(network, layer) for layer in network.layers if has_masks(layer)}

    def order(self, name):
        """Return int [channels] of tensor `name`: which of its channels lies in each position."""
        parts, first = [], 0
        for strand in self.strands.of(name):
            size = self.strands.sizes[strand]
            parts.append(first + self.orders.get(strand, np.arange(size)))
            first += size
        return np.concatenate(parts)

    def improve(self, strand):
        """Give `strand` the order that makes its writers' tiles share inputs, if writers and readers together then take fewer steps."""
        masked = [layer for layer in self.network.layers if layer.name in self.reads]
        writers = [layer for layer in masked if self.strands.of(layer.output) == (strand,) and not layer.depthwise]
        around = writers + [layer for layer in masked if layer not in writers and strand in self.strands.of(layer.input)]
        if not writers:
            return
        reads = [self.reads[layer.name] for layer in writers]
        inputs = [one.inputs.reshape(len(one.inputs), -1) for one in reads]
        weights = np.concatenate([np.full(found.shape[1], one.taps * one.pixels) for one, found in zip(reads, inputs, strict=True)])
        found = tile_order(np.concatenate(inputs, axis=1), weights, self.config.columns, self._labels(strand))
        if not _given(found):
            before = self._steps(around)
            self.orders[strand] = found
            if self._steps(around) >= before:
                del self.orders[strand]

    def _steps(self, layers):
        return sum(self.reads[layer.name].steps(
            self.config, self.reads[layer.name].masks(self.config.columns, self.order(layer.output), self.order(layer.input)),
            self.places[layer.input]) for layer in layers)

    def _labels(self, strand):
        """Return int [channels], equal for channels of the strand that are in the same group of each layer that writes or reads it."""
        size, labels = self.strands.sizes[strand], []
        for layer in self.network.layers:
            if not isinstance(layer, Conv2D) or layer.depthwise:
                continue
            for name in (layer.input, layer.output):
                first = 0
                for part in self.strands.of(name):
                    if part == strand:
                        labels.append((first + np.arange(size)) * layer.groups // self.network.tensors[name].channels)
                    first += self.strands.sizes[part]
        return np.unique(np.array(labels), axis=1, return_inverse=True)[1].reshape(-1)
