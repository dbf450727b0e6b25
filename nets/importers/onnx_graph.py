# SPDX-License-Identifier: BSD-2-Clause
"""A float network while it is read from an ONNX graph: what each ONNX tensor is of it."""

from dataclasses import dataclass, replace

import numpy as np

from compiler.layers import Padding
from nets.float_affine import affine
from nets.float_network import FloatConv, FloatTensor
from nets.free_name import free_name

NONE = Padding()


@dataclass(frozen=True)
class Value:
    """An ONNX tensor as a map of the float network: `dims` (without batch) in row-major order run through the map's axes as `order` names them.

    What selects or pads costs a layer only where the next operator cannot take it in, so both wait: pick (channels, rows, columns) says from where in
    the map each place comes, channels a tuple with None for zeros, rows and columns ranges; pad is the border of zeros around that.
    """

    tensor: str
    dims: tuple
    order: str = "CHW"
    pick: tuple | None = None
    pad: Padding = NONE

    @property
    def is_map(self):
        """Whether the tensor has the axes channel, row, column."""
        return len(self.dims) == 3 and self.order == "CHW"


class FloatGraph:
    """Collects layers. `values` {ONNX tensor: Value}, `constants` {ONNX tensor: array}, `shapes` {ONNX tensor: shape}, `notes` for the user."""

    def __init__(self, constants, shapes):
        self.constants, self.shapes = constants, shapes
        self.values, self.tensors, self.layers, self.notes, self._names = {}, {}, [], [], set()

    def declare(self, name, height, width, channels):
        """Add a tensor."""
        self.tensors[name] = FloatTensor(name, height, width, channels)

    def layer_name(self, wanted):
        """Return `wanted`, or that with a number where a layer has it already."""
        name = free_name(wanted, self._names)
        self._names.add(name)
        return name

    def put(self, layer):
        """Append a layer; returns the Value of its output, a map."""
        height, width, channels = layer.output_shape(*(self.tensors[name].shape for name in layer.inputs))
        self.declare(layer.output, height, width, channels)
        self.layers.append(layer)
        return Value(layer.output, (channels, height, width))

    def value(self, node, index=0):
        """Return the Value of input `index` of a Node; UserError where it is left out or a constant."""
        if not node.has(index) or node.inputs[index] in self.constants:
            raise node.refuse(f"input {index} must be computed from the image, but is a constant; compute the operator when exporting")
        return self.values[node.inputs[index]]

    def constant(self, node, index, default=None):
        """Return the array of input `index` of a Node, `default` where it is left out; UserError where it depends on the image."""
        if not node.has(index):
            return default
        if node.inputs[index] not in self.constants:
            raise node.refuse(f"input {index} ({node.inputs[index]!r}) depends on the image, but must be a constant")
        return self.constants[node.inputs[index]]

    def option(self, node, name, index, default=None):
        """Return what older operator sets say by the attribute `name` and newer by the constant input `index`."""
        return node.attributes.get(name, self.constant(node, index, default))

    def is_constant(self, node, index):
        """Whether input `index` is given and a constant."""
        return node.has(index) and node.inputs[index] in self.constants

    def map(self, node, index=0):
        """Return the Value of input `index`, computed and with the axes channel, row, column; UserError where it has others."""
        return self.computed(self._as_map(node, self.value(node, index)))

    def map_to_pad(self, node, index=0):
        """Return the same, but with its border of zeros still to be added."""
        return self._picked(self._as_map(node, self.value(node, index)))

    def computed(self, value):
        """Return the Value of a tensor that has all of `value`'s places, selected and padded."""
        value = self._picked(value)
        if value.pad == NONE:
            return value
        channels = self.tensors[value.tensor].channels
        name = free_name(f"{value.tensor}/padded", self.tensors, mark="")
        identity = affine(self.layer_name(name), value.tensor, name, np.ones(channels), np.zeros(channels))
        self.notes.append(f"the padding of {value.tensor!r} is a layer of its own, since what follows cannot take it in")
        return replace(self.put(replace(identity, padding=value.pad)), dims=value.dims, order=value.order)

    def _as_map(self, node, value):
        if not value.is_map:
            raise node.refuse(f"it reads {list(value.dims)} values of each image, but must read [channels, rows, columns]")
        return value

    def _picked(self, value):
        if value.pick is None:
            return value
        channels, rows, columns = value.pick
        info = self.tensors[value.tensor]
        sizes = [_kernel(places, size) for places, size in ((rows, info.height), (columns, info.width))]
        straight = channels == tuple(range(info.channels))
        weights = np.zeros((len(channels), *sizes, 1 if straight else info.channels))
        for k, source in enumerate(channels):
            if source is not None:
                weights[k, rows.start, columns.start, 0 if straight else source] = 1
        name = free_name(f"{value.tensor}/selected", self.tensors, mark="")
        self.notes.append(f"the selection of channels and pixels of {value.tensor!r} is a convolution with weights of 0 and 1")
        layer = FloatConv(self.layer_name(name), value.tensor, name, weights, np.zeros(len(channels)), (rows.step, columns.step),
                          groups=info.channels if straight else 1)
        return replace(value, tensor=self.put(layer).tensor, pick=None)


def _kernel(places, size):
    """Return the least window that begins at 0 and steps so that it meets as many times as there are `places` (a range), the first one inside."""
    return max(places.start + 1, size - len(places) * places.step + 1)
