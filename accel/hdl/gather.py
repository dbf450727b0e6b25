# SPDX-License-Identifier: BSD-2-Clause
"""Gathers the channels of a step from an activation word: where each lane's byte lies, then the byte, in three register stages."""

from myhdl import always, always_comb, block, ConcatSignal

from accel.hdl.interfaces import flag, unsigned


@block
def lane_place(clk, place, channel, packed, index, outside, config):
    """index (out): the lane's byte in the word; outside (out, flag): it is outside the map. A cycle after place (in, Place), channel (in).

    packed (in, flag): columns are bytes, so the channel counts in the map's column.
    """
    word = config.block_channels
    before, after, column = flag(), flag(), unsigned(len(channel))

    @always_comb
    def choose_column():
        column.next = 0
        if packed:
            column.next = channel

    @always_comb
    def compare():
        before.next = place.negative and (place.far or column + place.low < word)
        after.next = place.ended or (place.near and column >= place.room)

    @always(clk.posedge)
    def store():
        index.next = (channel + place.rotate) & (word - 1)
        outside.next = not place.row_inside or before or after

    return choose_column, compare, store


@block
def gather_lane(clk, word, index, valid, outside, zero_point, activation):
    """activation (out, unsigned 8) two cycles later: byte `index` of word, zero_point outside the map, 0 where not valid."""
    quarters = len(word) // 64
    parts = [unsigned(64) for _ in range(quarters)]
    cuts = [take_part(word, parts[i], i) for i in range(quarters)]
    part, low, use, fill = unsigned(64), unsigned(3), flag(), unsigned(8)

    @always(clk.posedge)
    def choose_part():
        part.next = 0
        for i in range(quarters):
            if index >> 3 == i:
                part.next = parts[i]
        low.next = index[3:]
        use.next = valid and not outside
        fill.next = 0
        if valid and outside:
            fill.next = zero_point[8:]

    @always(clk.posedge)
    def choose_byte():
        activation.next = fill
        if use:
            activation.next = (part >> (8 * low)) & 0xFF

    return cuts, choose_part, choose_byte


@block
def take_part(word, part, number):
    """part (out) is 8 bytes of word from byte 8 * number on. Combinational."""
    low, high = 64 * number, 64 * number + 64

    @always_comb
    def route():
        part.next = word[high:low]

    return route


@block
def gather(clk, word, place, channels_2, packed_2, valid, zero_point, activations, first_outside, config):
    """activations (out, unsigned 8 * lanes): byte j is the lane's byte of word where bit j of `valid` is set, else 0.

    place (in, Place), channels_2 (in, list), packed_2 (in, flag): a cycle before word (in, unsigned 8 * block_channels), valid (in) and
    zero_point (in, signed 8), which a lane outside the map gives. The activations come two cycles after word. Takes one a cycle.
    first_outside (out, flag), in the cycle of word: lane 0 is outside the map.
    """
    lanes = config.lanes
    bytes_ = [unsigned(8) for _ in range(lanes)]
    indices, outside = [unsigned(len(channels_2[0])) for _ in range(lanes)], [first_outside] + [flag() for _ in range(1, lanes)]
    places = [lane_place(clk, place, channels_2[j], packed_2, indices[j], outside[j], config) for j in range(lanes)]
    lane_blocks = [gather_lane(clk, word, indices[j], valid(j), outside[j], zero_point, bytes_[j]) for j in range(lanes)]
    joined = ConcatSignal(*reversed(bytes_))

    @always_comb
    def route():
        activations.next = joined

    return places, lane_blocks, route
