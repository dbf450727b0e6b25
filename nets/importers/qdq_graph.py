# SPDX-License-Identifier: BSD-2-Clause
"""The int8 network while it grows out of a quantised ONNX graph, and what its values are meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from accel.errors import UserError
from compiler.ir import Conv2D, Network, Padding, TensorInfo
from compiler.numbers import Rounding, quantize_multiplier
from nets.quantise import clamp
from nets.quantise_layers import rescale

NO_LIMITS = (-np.inf, np.inf)


@dataclass(frozen=True)
class View:
    """A tensor of the network as reals, perhaps moved about: every `step` rows and columns of it, then `padding` of zeros around that; of its
    `channels`, numbers or None for a channel of zeros, None for all as they are. flat: [N, C * H * W] in ONNX's order, of a map that is whole.
    """

    info: TensorInfo
    step: tuple = (1, 1)
    padding: Padding = Padding()
    channels: tuple | None = None
    flat: bool = False

    @property
    def shape(self):
        """(height, width, channels)."""
        pad = self.padding
        height, width = ((size - 1) // step + 1 for size, step in zip(self.info.shape[:2], self.step, strict=True))
        return height + pad.top + pad.bottom, width + pad.left + pad.right, self.info.channels if self.channels is None else len(self.channels)

    @property
    def numbers(self):
        """(scale, zero point)."""
        return self.info.scale, self.info.zero_point

    @property
    def moved(self):
        """Whether it is anything but the tensor itself."""
        return self.step != (1, 1) or self.padding != Padding() or self.channels is not None


@dataclass(frozen=True)
class Stored:
    """The integers of a tensor of the network, as QuantizeLinear and the integer operators give them."""

    view: View


@dataclass(frozen=True)
class Pending:
    """The reals that a node gives, before it is known to what integers they become.

    emit(tensor, limits) puts the layers into the graph that write TensorInfo `tensor` clipped to the real `limits`. fixed: (scale, zero point) that
    they have where the model does not quantise them, None where it must.
    """

    shape: tuple
    emit: Callable
    limits: tuple = NO_LIMITS
    flat: bool = False
    fixed: tuple | None = None

    def clipped(self, low, high):
        """Return it with what an activation leaves of it."""
        low, high = max(low, self.limits[0]), min(high, self.limits[1])
        return replace(self, limits=(low, max(low, high)))


class Graph:
    """Collects layers and tensors, whose names are made unique. opset: the version of ONNX's operators that the graph is of."""

    def __init__(self, name, opset):
        self.name, self.opset, self.layers, self.tensors, self._copies = name, opset, [], {}, {}

    def tensor(self, name, shape, numbers):
        """Return a new TensorInfo of `shape` with the (scale, zero point) `numbers`, of a name like `name`."""
        unique, count = name, 2
        while unique in self.tensors:
            unique, count = f"{name} ({count})", count + 1
        self.tensors[unique] = TensorInfo(unique, *shape, *numbers)
        return self.tensors[unique]

    def layer_name(self, name):
        """Return a name like `name` that no layer has."""
        taken, unique, count = {layer.name for layer in self.layers}, name, 2
        while unique in taken:
            unique, count = f"{name} ({count})", count + 1
        return unique

    def put(self, layer):
        """Append a layer, under a name that no other has."""
        self.layers.append(replace(layer, name=self.layer_name(layer.name)))

    def plain(self, view, name, padding=False):
        """Return (TensorInfo, Padding) that hold what a view shows, with its own numbers; the Padding is not none only where `padding` allows it."""
        left = view.padding if padding and view.step == (1, 1) and view.channels is None else Padding()
        view = replace(view, padding=Padding() if left == view.padding else view.padding)
        if not view.moved:
            return view.info, left
        key = view.info.name, view.step, view.padding, view.channels
        if key not in self._copies:
            self._copies[key] = self.tensor(f"{view.info.name} for {name}", view.shape, view.numbers)
            self.copy(view, self._copies[key])
        return self._copies[key], left

    def copy(self, view, target, limits=NO_LIMITS):
        """Put the layer that writes what a view shows into TensorInfo `target`, clipped to real `limits`."""
        if not view.moved:
            self.put(rescale(target.name, view.info, target, limits))
            return
        channels = view.info.channels
        weights = np.ones((channels, 1, 1, 1)) if view.channels is None else _selection(view.channels, channels)
        top, left, bottom, right = _times(view.padding, view.step)
        multiplier, shift = quantize_multiplier(view.info.scale / target.scale)
        self.put(Conv2D(target.name, view.info.name, target.name, weights, np.zeros(len(weights)), np.full(len(weights), multiplier),
                        np.full(len(weights), shift), view.step, Padding(top, left, bottom, right), channels if view.channels is None else 1,
                        **clamp(target, limits), rounding=Rounding.HALF_AWAY))

    def network(self, source, output, labels=()):
        """Return the Network from tensor `source` to tensor `output`."""
        return Network(self.name, source, output, self.tensors, tuple(self.layers), labels)


def _selection(channels, inputs):
    """Return weights [len(channels), 1, 1, inputs] that take each of `channels`, numbers or None for zeros."""
    weights = np.zeros((len(channels), 1, 1, inputs), np.int8)
    for output, channel in enumerate(channels):
        if channel is not None:
            weights[output, 0, 0, channel] = 1
    return weights


def _times(padding, step):
    """Return the sides of a Padding in rows and columns of a map of which every `step` are taken."""
    return padding.top * step[0], padding.left * step[1], padding.bottom * step[0], padding.right * step[1]


def unquantised(where):
    """Return the UserError of a value that is used before it is quantised."""
    return UserError(f"{where} reads a value that is not quantised: put QuantizeLinear and DequantizeLinear between the two (a full quantize_static does)")
