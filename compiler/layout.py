# SPDX-License-Identifier: BSD-2-Clause
"""Where tensors lie in memory, and how their bytes are ordered there."""

from dataclasses import dataclass, replace

import numpy as np

from compiler.depthwise import runs_depthwise
from compiler.ir import Add, Concat, Conv2D, Softmax, Sums

# Where everything begins, so that long runs are whole bursts of memory.
ALIGNMENT = 256


@dataclass(frozen=True)
class Placement:
    """A tensor at byte `address`. Planar: planes of `columns` channels, one after the other; else dense NHWC.

    `places`: the place of each channel, plane * columns + column, or -1 for a channel that lies nowhere because it always has the value of
    `constants` (one a channel); None: channel c has place c. Places that no channel has are gaps, whose bytes mean nothing.
    dtype: that of the numbers, little endian; int32 only where dense.
    """

    address: int
    shape: tuple
    planar: bool
    columns: int
    places: tuple | None = None
    constants: tuple | None = None
    dtype: str = "int8"

    @property
    def extent(self):
        """Places of a pixel up to its last channel's."""
        return self.shape[2] if self.places is None else max(self.places) + 1

    @property
    def planes(self):
        """Planes of `columns` channels, the last one possibly padded."""
        return -(-self.extent // self.columns)

    @property
    def bytes(self):
        """Size in memory."""
        height, width, channels = self.shape
        return height * width * (self.planes * self.columns if self.planar else channels) * np.dtype(self.dtype).itemsize

    @property
    def compact(self):
        """Whether channel c has place c."""
        return self.places is None or self.places == tuple(range(self.shape[2]))

    def place(self, channel):
        """Return the place of a channel, -1 where it has none."""
        return channel if self.places is None else self.places[channel]

    def spread(self):
        """Return the Placement of the same bytes whose channels are the places, gaps and all."""
        return replace(self, shape=(*self.shape[:2], self.extent), places=None, constants=None)

    def unpack(self, data):
        """Return [H, W, C], of int8 or as dtype says, of the tensor's bytes."""
        height, width, channels = self.shape
        if not self.planar:
            return np.frombuffer(data[:self.bytes], np.dtype(self.dtype).newbyteorder("<")).reshape(self.shape)
        flat = np.frombuffer(data, np.int8)[:self.bytes]
        values = flat.reshape(self.planes, height, width, self.columns).transpose(1, 2, 0, 3).reshape(height, width, -1)
        if self.places is None:
            return values[..., :channels]
        places = np.array(self.places)
        return np.where(places >= 0, values[..., places], self.constants or 0).astype(np.int8)

    def pack(self, tensor):
        """Return the bytes of `tensor` [H, W, C], of int8 or as dtype says; what only fills a plane is 0."""
        height, width, channels = self.shape
        if not self.planar:
            return tensor.astype(np.dtype(self.dtype).newbyteorder("<")).tobytes()
        places = np.arange(channels) if self.places is None else np.array(self.places)
        padded = np.zeros((height, width, self.planes * self.columns), np.int8)
        padded[..., places[places >= 0]] = tensor[..., places >= 0]
        return padded.reshape(height, width, self.planes, self.columns).transpose(2, 0, 1, 3).tobytes()


def align(address):
    """Return the next address that is a multiple of ALIGNMENT."""
    return -(-address // ALIGNMENT) * ALIGNMENT


def tensor_places(network, columns):
    """Return {name: places} of a network's tensors as Placement has them.

    The outputs of a layer that reads all channels lie close together; a layer that works on each channel by itself leaves them where they are; in a
    concatenation each input begins with a plane.
    """
    places = {network.input: None}
    for layer in network.layers:
        if isinstance(layer, Concat):
            places[layer.output] = _joined([(places[name], network.tensors[name].channels) for name in layer.inputs], columns)
        elif isinstance(layer, (Add, Softmax, Sums)) or (isinstance(layer, Conv2D) and not runs_depthwise(layer)):
            places[layer.output] = None
        else:
            places[layer.output] = places[layer.input]
    return places


def _joined(parts, columns):
    """Return the places of the channels of `parts` (places, channels), each beginning with a plane."""
    joined, first = [], 0
    for places, channels in parts:
        own = range(channels) if places is None else places
        joined += [first + place for place in own]
        first += -(-(max(own) + 1) // columns) * columns
    return None if joined == list(range(len(joined))) else tuple(joined)


def place_tensors(network, columns, base, batch=1):
    """Return {name: Placement} from `base` upwards, the network's input first and dense, sums dense, the others planar.

    Inputs of a Concat lie in its output, everything else at an address of its own. No tensor may be an input of two Concats. The maps of a batch
    are one map, each image's rows below those of the image before.
    """
    places, placements, address = tensor_places(network, columns), {}, base

    def placement(name, address):
        info = network.tensors[name]
        planar = name != network.input and info.dtype == "int8"
        return Placement(address, (batch * info.height, info.width, info.channels), planar, columns, places[name], dtype=info.dtype)

    homes = {name: layer for layer in network.layers if isinstance(layer, Concat) for name in layer.inputs}
    names = [network.input, *(layer.output for layer in network.layers)]
    for name in names:
        if name not in homes:
            placements[name] = placement(name, address)
            address = align(address + placements[name].bytes)
    for layer in reversed([layer for layer in network.layers if isinstance(layer, Concat)]):
        address = placements[layer.output].address
        for name in layer.inputs:
            placements[name] = placement(name, address)
            address += placements[name].bytes
    return {name: placements[name] for name in names}
