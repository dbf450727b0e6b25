# SPDX-License-Identifier: BSD-2-Clause
"""A cluster's run of output pixels, and what its windows read of the activation buffer."""

import numpy as np

from accel.golden.fault import ProgramFault
from accel.registers import ERROR_CODES


class Run:
    """The pixels of a TILE: `len(run)` of them. `buffer` is int8 [words, block_channels]; tile, shape and walk are instruction fields."""

    def __init__(self, config, buffer, tile, shape, walk, position):
        self.bytes, self.beat, self.word = buffer.reshape(-1), config.beat_bytes, config.block_channels
        self.shape, self.walk, self.position = shape, walk, position
        places = tile["output_x"] + np.arange(tile["pixels"])
        wraps = places // shape["output_width"]
        # Within a row a pixel is one step from the one before; at a wrap the address moves by row_step and x begins anew.
        inner = np.arange(tile["pixels"]) - wraps
        self.addresses = tile["address"] + inner * walk["pixel_step"] + wraps * walk["row_step"]
        self.y = tile["y"] + wraps * shape["stride_y"]
        started = np.where(wraps > 0, shape["first_x"], tile["x"] - tile["output_x"] * shape["stride_x"])
        self.x = started + (places - wraps * shape["output_width"]) * shape["stride_x"]

    def __len__(self):
        return len(self.addresses)

    def activations(self, ky, kx, block, channels):
        """Return int64 [pixels, channels]: the bytes of a step's channels at one kernel position; the zero point outside the map.

        A window of one word begins at the beat that holds the step's address; a channel beyond it wraps to the window's beginning.
        Raises ProgramFault BUFFER where a word inside the map lies outside the buffer (packed steps wrap within it).
        """
        shape, first = self.shape, channels[0] if self.shape["packed"] else 0
        addresses = self._addresses(ky, kx, block) + first
        relative = np.array(channels) - first
        columns = kx + (self.word * block + first + relative if shape["packed"] else 0 * relative)
        inside = self._inside(ky, columns)
        if not shape["packed"]:
            self._check(addresses, inside)
        low = addresses // self.beat * self.beat
        places = low[:, None] + ((addresses - low)[:, None] + relative) % self.word
        return self._read(places, inside)

    def beats(self, ky, kx, block):
        """Return int64 [pixels, beat]: the beat that holds each pixel's address at one kernel position of a block, as activations() reads."""
        addresses, inside = self._addresses(ky, kx, block), self._inside(ky, np.array([kx]))
        if not self.shape["packed"]:
            self._check(addresses, inside)
        return self._read((addresses // self.beat * self.beat)[:, None] + np.arange(self.beat), inside)

    def _addresses(self, ky, kx, block):
        walk = self.walk
        offset = ky * (walk["tap_row_step"] + (self.shape["kernel_width"] - 1) * walk["tap_step"]) + kx * walk["tap_step"]
        return self.addresses + offset + self.word * block

    def _inside(self, ky, columns):
        """Return bool [pixels, columns]: whether row ky and the columns (int) of each pixel's window are in the map."""
        rows, places = self.y + ky, self.x[:, None] + columns
        return (0 <= rows)[:, None] & (rows < self.shape["height"])[:, None] & (0 <= places) & (places < self.shape["width"])

    def _check(self, addresses, inside):
        beyond = inside.any(axis=1) & ((addresses < 0) | (addresses >= len(self.bytes)))
        if beyond.any():
            raise ProgramFault(ERROR_CODES.BUFFER, self.position, int(addresses[beyond][0]))

    def _read(self, places, inside):
        return np.where(inside, self.bytes[places % len(self.bytes)].astype(np.int64), self.shape["zero_point"])
