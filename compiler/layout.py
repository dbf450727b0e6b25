# SPDX-License-Identifier: BSD-2-Clause
"""Where tensors lie in memory, and how their bytes are ordered there."""

from dataclasses import dataclass

import numpy as np

ALIGNMENT = 64


@dataclass(frozen=True)
class Placement:
    """A tensor at byte `address`. Planar: planes of `columns` channels, one after the other; else dense NHWC."""

    address: int
    shape: tuple
    planar: bool
    columns: int

    @property
    def planes(self):
        """Planes of `columns` channels, the last one possibly padded."""
        return -(-self.shape[2] // self.columns)

    @property
    def bytes(self):
        """Size in memory."""
        height, width, channels = self.shape
        return height * width * (self.planes * self.columns if self.planar else channels)

    def unpack(self, data):
        """Return int8 [H, W, C] of the tensor's bytes."""
        height, width, channels = self.shape
        flat = np.frombuffer(data, np.int8)[:self.bytes]
        if not self.planar:
            return flat.reshape(self.shape)
        return flat.reshape(self.planes, height, width, self.columns).transpose(1, 2, 0, 3).reshape(height, width, -1)[..., :channels]

    def pack(self, tensor):
        """Return the bytes of int8 `tensor` [H, W, C]; channels that only fill a plane are 0."""
        height, width, channels = self.shape
        if not self.planar:
            return tensor.astype(np.int8).tobytes()
        padded = np.pad(tensor.astype(np.int8), ((0, 0), (0, 0), (0, self.planes * self.columns - channels)))
        return padded.reshape(height, width, self.planes, self.columns).transpose(2, 0, 1, 3).tobytes()


def align(address):
    """Return the next address that is a multiple of ALIGNMENT."""
    return -(-address // ALIGNMENT) * ALIGNMENT


def place_tensors(network, columns, base, batch=1):
    """Return {name: Placement}: every tensor at its own address from `base` upwards, the network's input dense, the others planar.

    The maps of a batch are one map, each image's rows below those of the image before.
    """
    placements, address = {}, base
    for name in [network.input, *(layer.output for layer in network.layers)]:
        height, width, channels = network.tensors[name].shape
        placement = Placement(address, (batch * height, width, channels), name != network.input, columns)
        placements[name] = placement
        address = align(address + placement.bytes)
    return placements
