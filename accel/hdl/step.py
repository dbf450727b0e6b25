# SPDX-License-Identifier: BSD-2-Clause
"""A step of the grid as the loader prepares it: its bundles, where it reads, and its lanes' channels."""

from myhdl import always, always_comb, block, concat

from accel.hdl.interfaces import flag, signed, unsigned

OFFSET_BITS = 20
PLACE_BITS = 16


class Step:
    """A prepared step. `offset` bytes and (`ky`, `x`) name its kernel position; bit j of `lanes` says that lane j has a channel, the one
    `channels[j]` bytes from there; `products` multiplications a pixel count as work. `first`: it overwrites the
    partial sums; `opens`: it is its tile's first; `bank`: where it accumulates; `brief`: it takes one cycle whatever the tile's size. A
    step without lanes reads nothing and multiplies by 0."""

    def __init__(self, config):
        self.prepared = flag()
        self.offset = signed(OFFSET_BITS)
        self.ky = unsigned(6)
        self.x = unsigned(PLACE_BITS - 1)
        self.lanes = unsigned(config.lanes)
        self.channels = [unsigned((config.block_channels - 1).bit_length()) for _ in range(config.lanes)]
        self.products = unsigned(11)
        self.first = flag()
        self.opens = flag()
        self.bank = flag()
        self.brief = flag()


class WeightWrite:
    """What a beat of the weight stream is, in the cycle in which it is taken: `enable` and `lane`, `clusters` for the shadow weights;
    `parameter` with `bank`, `record`, `part` and `enabled` (the filter takes part) for the parameter RAM."""

    def __init__(self, config):
        self.enable = flag()
        self.lane = unsigned(max(1, (config.lanes - 1).bit_length()))
        self.clusters = unsigned(config.clusters)
        self.parameter = flag()
        self.bank = flag()
        self.record = unsigned((config.clusters * config.columns + config.requantise_lanes - 1).bit_length())
        self.part = unsigned(max(1, (config.parameter_beats - 1).bit_length()))
        self.enabled = flag(True)


@block
def lane_channel(clk, enable, lane, channel, target, number):
    """target (out) takes channel in each cycle with `enable` in which lane is `number`."""

    @always(clk.posedge)
    def store():
        if enable and lane == number:
            target.next = channel

    return store


@block
def step_place(packed, offset, kx, block_number, index, first, lane, place_offset, place_x, channel, config):
    """Where a step reads: in a packed layer from its own first channel on, so that its lanes' bytes lie together. Combinational.

    offset (in, signed), kx, block_number (in): the kernel position and block. index (in): the channel of this beat, first (in): of the
    step, lane (in): this beat's. place_offset, place_x, channel (out): Step's offset and x where this beat is the step's first, and the
    lane's channel.
    """
    bits = (config.block_channels - 1).bit_length()
    block_bits = min(10, PLACE_BITS - 1 - bits)

    @always_comb
    def choose():
        place_offset.next = offset
        place_x.next = kx
        channel.next = index
        if packed:
            place_offset.next[bits:] = index
            place_x.next = concat(block_number[block_bits:], index)
            channel.next = 0
            if lane != 0:
                channel.next = (index - first) & ((1 << bits) - 1)

    return choose
