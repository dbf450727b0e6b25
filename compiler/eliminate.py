# SPDX-License-Identifier: BSD-2-Clause
"""Removes channels that have one value for every image: the filter that computes them and, in each layer that reads them, their weights.

A removed channel's share of a later sum is the same everywhere, so it goes into that layer's bias; at a border with padding that holds only where the
value is the zero point. What the run-time filter mask can turn off is no constant unless it is removed: removed filters are not in the mask.
"""

from dataclasses import dataclass, replace

import numpy as np

from compiler.bounds import output_bounds, padded, weighted
from compiler.cpu_layers import on_cpu
from compiler.ir import Add, Concat, Conv2D, Network
from compiler.numbers import wrap32


@dataclass(frozen=True)
class Reduced:
    """`network` without the channels that are gone. `kept` {tensor: int [which original channel each of its channels is]}, `constants` {tensor: the
    value of each original channel}, where it is gone. A tensor that is as it was is in neither."""

    network: Network
    kept: dict
    constants: dict

    def complete(self, name, placement):
        """Return the Placement of the original tensor `name` from that of the reduced one: channels that are gone have no place but a value."""
        if name not in self.kept:
            return placement
        places = np.full(len(self.constants[name]), -1)
        places[self.kept[name]] = [placement.place(channel) for channel in range(placement.shape[2])]
        return replace(placement, shape=(*placement.shape[:2], len(places)), places=tuple(places.tolist()),
                       constants=tuple(self.constants[name].tolist()))


def eliminate(network):
    """Return the Reduced network: exactly equivalent, and the same where nothing can go."""
    search = _searched(network)
    kept = {name: np.flatnonzero(~gone) for name, gone in search.gone.items() if gone.any()}
    tensors = {name: replace(info, channels=len(kept[name])) if name in kept else info for name, info in network.tensors.items()}
    layers = tuple(_reduced(network, layer, search, kept) if isinstance(layer, Conv2D) else layer for layer in network.layers)
    return Reduced(replace(network, tensors=tensors, layers=layers), kept, {name: search.bounds[name][0] for name in kept})


def tensor_bounds(network):
    """Return {tensor: (least, largest)} int64 [channels]: between which numbers each channel lies, whatever the image and the filter mask."""
    return _searched(network).bounds


def _searched(network):
    search = _Search(network)
    for layer in network.layers:
        search.visit(layer)
    return search


class _Search:
    """Goes through the layers in order: `bounds` {tensor: (least, largest)}, `gone` {tensor: bool [channels]}."""

    def __init__(self, network):
        channels = network.tensors[network.input].channels
        self.network = network
        self.bounds = {network.input: (np.full(channels, -128), np.full(channels, 127))}
        self.gone = {network.input: np.zeros(channels, bool)}

    def visit(self, layer):
        """Find the bounds of a layer's outputs, and which of them go."""
        low, high = self._bounds_of(layer, [self.bounds[name] for name in layer.inputs])
        if isinstance(layer, Add) or on_cpu(layer):
            gone = np.zeros(len(low), bool)
        elif isinstance(layer, Conv2D) and not layer.depthwise:
            gone = np.array([low[c] == high[c] and layer.groups == 1 and self._can_go(layer.output, c, low[c]) for c in range(len(low))])
            gone[0] &= not gone.all()
        else:
            gone = np.concatenate([self.gone[name] for name in layer.inputs])
        if isinstance(layer, Conv2D):
            off = int(np.clip(self.network.tensors[layer.output].zero_point, layer.clamp_min, layer.clamp_max))
            low, high = np.where(gone, low, np.minimum(low, off)), np.where(gone, high, np.maximum(high, off))
        self.bounds[layer.output], self.gone[layer.output] = (low, high), gone

    def _bounds_of(self, layer, bounds):
        tensors = self.network.tensors
        return output_bounds(layer, bounds, [tensors[name].zero_point for name in layer.inputs], tensors[layer.output].zero_point)

    def _can_go(self, name, channel, value):
        """Whether each reader of tensor `name` can do without a channel that always has `value`."""
        if name == self.network.output:
            return False
        return all(self._spares(reader, index, channel, value) for reader in self.network.readers(name)
                   for index, source in enumerate(reader.inputs) if source == name)

    def _spares(self, layer, index, channel, value):
        """Whether `layer` can do without a channel of its input `index` that always has `value`."""
        if isinstance(layer, Add) or on_cpu(layer):
            return False
        if isinstance(layer, Conv2D) and not layer.depthwise:
            return layer.groups == 1 and self._folds(layer, value)
        if isinstance(layer, Concat):
            before = sum(self.network.tensors[name].channels for name in layer.inputs[:index])
            return self._can_go(layer.output, before + channel, value)
        constant = np.full(self.network.tensors[layer.input].channels, value)
        low, high = self._bounds_of(layer, [(constant, constant)])
        return low[channel] == high[channel] and self._can_go(layer.output, channel, low[channel])

    def _folds(self, layer, value):
        return not padded(layer) or value == self.network.tensors[layer.input].zero_point

    def folded(self, layer):
        """Return bool [input channels]: which have one value for every image that the bias of the Conv2D `layer` can take in."""
        low, high = self.bounds[layer.input]
        return np.array([first == last and self._folds(layer, first) for first, last in zip(low, high, strict=True)])


def _reduced(network, layer, search, kept):
    """Return the Conv2D without weights for constant inputs, and without the channels that are gone."""
    constant = search.folded(layer)
    if not constant.any() and layer.output not in kept:
        return layer
    share = np.where(constant, search.bounds[layer.input][0] - network.tensors[layer.input].zero_point, 0)
    bias = wrap32(layer.bias + weighted(layer, layer.kept_weights, share))
    cleared = np.repeat(constant.reshape(layer.groups, -1), len(bias) // layer.groups, axis=0)
    weights = np.where(cleared[:, np.newaxis, np.newaxis, :], 0, layer.weights)
    outputs, sources = kept.get(layer.output, np.arange(len(bias))), kept.get(layer.input, np.arange(len(constant)))
    weights = weights[outputs] if layer.groups > 1 else weights[outputs][..., sources]
    return replace(layer, weights=weights, bias=bias[outputs], multipliers=layer.multipliers[outputs], shifts=layer.shifts[outputs],
                   groups=len(outputs) if layer.depthwise else layer.groups,
                   dynamic_mask=None if layer.dynamic_mask is None else layer.dynamic_mask[sources])
