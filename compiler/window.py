# SPDX-License-Identifier: BSD-2-Clause
"""How a layer's windows lie in the activation buffer: pixel by pixel, or packed, a window's row being one run of bytes."""

from dataclasses import dataclass

# What SHAPE and TILE can say of a packed row.
_LARGEST_STRIDE, _LARGEST_ROW, _LARGEST_CHANNELS = 255, 8191, 16


@dataclass(frozen=True)
class Window:
    """`kernel` (height, width) as SHAPE has it; `channels` mask bits of one kernel position; `word` and `beat` the bytes of a buffer word and a beat.

    `unit`: how many of SHAPE's columns one column of the map is; 1, or where packed the bytes of a pixel.
    """

    kernel: tuple
    channels: int
    word: int
    beat: int
    unit: int = 1
    packed: bool = False

    @property
    def blocks(self):
        """Buffer words of one kernel position."""
        return -(-self.channels // self.word)

    def planes(self, blocks):
        """Return the beats of a pixel with the blocks of the range `blocks` there. The last block of an odd number reads on into the next pixel's
        first beat, of which no mask bit selects a channel."""
        beats = self.word // self.beat
        return min(blocks.stop * beats, -(-self.channels // self.beat)) - blocks.start * beats

    def pixel_bytes(self, blocks):
        """Return the buffer's bytes from one pixel to the next with the blocks of the range `blocks` there."""
        return self.unit if self.packed else self.planes(blocks) * self.beat

    def row_beats(self, columns, blocks):
        """Return the buffer beats of a row of `columns` pixels; packed rows begin with a word."""
        return -(-columns * self.unit // self.word) * (self.word // self.beat) if self.packed else columns * self.planes(blocks)

    def reshape(self, weights):
        """Return weights [kernel height, kernel width, input channels, ...] as this window multiplies them."""
        return weights.reshape(weights.shape[0], 1, -1, weights.shape[3]) if self.packed else weights


def plain_window(config, kernel, channels):
    """Return the Window of a map whose pixels are whole planes, one beat each."""
    return Window(tuple(kernel), channels, config.block_channels, config.beat_bytes)


def packed_window(config, layer, shape, dense):
    """Return the packed Window of a convolution with input `shape`, or None where it cannot be packed.

    Only tensors that lie dense in memory can be packed; a dynamic mask is one of channels, not of bytes.
    """
    _, width, channels = shape
    possible = (dense and config.beats_per_word == 2 and layer.dynamic_mask is None and channels <= _LARGEST_CHANNELS
                and layer.stride[1] * channels <= _LARGEST_STRIDE
                and (width + layer.padding.left + layer.padding.right) * channels <= _LARGEST_ROW)
    if not possible:
        return None
    height, columns = layer.kernel
    return Window((height, 1), columns * channels, config.block_channels, config.beat_bytes, channels, True)


def fill_gaps(config, active):
    """Set bits in the mask `active` (bool [blocks * word]) until the set bits of each packed step lie within one beat of its first.

    What is beyond would wrap to the beginning of the word that the hardware reads for a step.
    """
    for first in range(0, len(active), config.block_channels):
        block = active[first:first + config.block_channels]
        place = 0
        while True:
            left = place + block[place:].nonzero()[0]
            step = left[:config.lanes]
            if len(step) < 2:
                break
            reach = step[0] + config.beat_bytes
            if step[-1] > reach:
                missing = config.lanes - int((step <= reach).sum())
                gaps = step[0] + (~block[step[0]:reach + 1]).nonzero()[0]
                block[gaps[:missing]] = True
                step = (place + block[place:].nonzero()[0])[:config.lanes]
            place = int(step[-1]) + 1
    return active
