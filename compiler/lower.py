# SPDX-License-Identifier: BSD-2-Clause
"""Makes a network one that the accelerator can run layer by layer: puts in copies where a tensor does not lie as its readers need it."""

from dataclasses import dataclass, fields, replace

import numpy as np

from accel.errors import UserError
from compiler.flatten import flatten
from compiler.fuse import can_carry
from compiler.ir import Add, Concat, Conv2D, FullyConnected, Network, Rescale, Softmax, TensorInfo
from compiler.isa_limits import most
from compiler.layout import tensor_places
from compiler.depthwise import MOST_TAPS, runs_depthwise, spread_depthwise

_MOST_STRIDE = most("SHAPE", "stride_y")


@dataclass(frozen=True)
class Lowered:
    """`network` with copies; `copies` names for each tensor that is one the tensor of which it is."""

    network: Network
    copies: dict


def lower_network(network, columns):
    """Return the Lowered network for planes of `columns` channels.

    A Concat places its inputs, so each is a tensor of its own that no other Concat places, and not the network's dense input. An Add happens in the
    drain of a layer that it alone reads; a pixel of the other operand is a beat in each plane, and both lie without gaps, as does what a Softmax
    reads.
    """
    body = _Body(network, columns)
    for layer in network.layers:
        body.take(layer)
    return Lowered(replace(network, tensors=body.tensors, layers=tuple(body.layers)), body.copies)


class _Body:
    """Collects layers in order."""

    def __init__(self, network, columns):
        self.network, self.columns, self.places = network, columns, tensor_places(network, columns)
        self.tensors, self.layers, self.copies = dict(network.tensors), [], {}
        self.placed = set()

    def take(self, layer):
        """Append `layer`, with the copies that it needs before it."""
        if isinstance(layer, Concat):
            layer = replace(layer, inputs=tuple(self._placed_by(layer, index) for index in range(len(layer.inputs))))
        elif isinstance(layer, Add):
            layer = self._addition(layer)
        elif isinstance(layer, Softmax) and self.places[layer.input] is not None:
            layer = replace(layer, input=self._copy(layer, 0, close=True))
        self.layers.append(layer)

    def _placed_by(self, layer, index):
        name = layer.inputs[index]
        if name in self.placed or name == self.network.input:
            name = self._copy(layer, index)
        self.placed.add(name)
        return name

    def _addition(self, layer):
        carry = [can_carry(self.network, layer, name) for name in layer.inputs]
        names = list(layer.inputs)
        for index, name in enumerate(layer.inputs):
            if self.places[name] is not None:
                names[index], carry[index] = self._copy(layer, index, close=True), True
        if not any(carry):
            index = int(names[1] == self.network.input)
            names[index], carry[index] = self._copy(layer, index), True
        for index, name in enumerate(names):
            if name == self.network.input and self.network.tensors[name].channels > self.columns:
                names[index] = self._copy(layer, index)
        return replace(layer, input=names[0], other=names[1])

    def _copy(self, layer, index, close=False):
        """Append a layer that copies input `index` of `layer`, close: without gaps; returns its output's name."""
        source = self.network.tensors[layer.inputs[index]]
        name = f"{source.name} for {layer.name}:{index}"
        copy = _identity(name, source) if close else Rescale(name, source.name, name)
        self.layers.append(copy)
        self.tensors[name] = replace(source, name=name)
        self.copies[name] = source.name
        return name


def _identity(name, source):
    """Return the 1 x 1 convolution that copies TensorInfo `source`."""
    count = source.channels
    return Conv2D(name, source.name, name, np.eye(count).reshape(count, 1, 1, count), np.zeros(count), np.full(count, 1 << 30), np.ones(count))


def lower_layer(network, layer, placements, batch=1):
    """Return (layer, TensorInfo of one image's input, Placement of all) as accelerator and CPU compute it: channels are places, gaps weigh nothing.

    A fully connected layer is a convolution. Its input is one pixel of all its bytes; where those of several images do not lie together it is a map,
    under a window as large.
    """
    info, placement = network.tensors[layer.input], placements[layer.input]
    if isinstance(layer, FullyConnected):
        if batch == 1 or not placement.planar or info.height * info.width == 1:
            layer, info, placement = flatten(layer, info, placement)
            return layer, info, replace(placement, shape=(batch, 1, info.channels))
        layer = _over_map(layer)
    if isinstance(layer, Conv2D):
        layer = spread_depthwise(layer, placement) if runs_depthwise(layer) else spread_inputs(layer, placement)
    spread = placement.spread()
    return layer, TensorInfo(info.name, info.height, info.width, spread.shape[2], info.scale, info.zero_point), spread


def _over_map(layer):
    """Return the FullyConnected `layer` as a Conv2D whose window walks from one image's map to the next, as far as a stride can say it."""
    height, width = layer.kernel
    if max(height, width) > MOST_TAPS:
        raise UserError(f"layer {layer.name!r} reads a map of {height} x {width}: in a batch at most {MOST_TAPS} rows and columns are possible; "
                        "use --batch 1")
    values = {field.name: getattr(layer, field.name) for field in fields(layer)}
    return Conv2D(**values | {"stride": (height if height <= _MOST_STRIDE else 1, 1)})


def spread_inputs(layer, placement):
    """Return the Conv2D `layer` over the places of its input; where there are gaps as one group."""
    if placement.compact:
        return layer
    outputs, height, width, inputs = layer.weights.shape
    first = np.arange(outputs) // (outputs // layer.groups) * inputs
    weights = np.zeros((outputs, height, width, placement.extent), np.int8)
    for k in range(outputs):
        weights[k][..., list(placement.places[first[k]:first[k] + inputs])] = layer.weights[k]
    mask = None
    if layer.dynamic_mask is not None:
        mask = np.zeros(placement.extent, bool)
        mask[list(placement.places)] = layer.dynamic_mask
    return replace(layer, weights=weights, groups=1, dynamic_mask=mask)
