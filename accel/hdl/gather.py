# SPDX-License-Identifier: BSD-2-Clause
"""Gathers the channels of a step from an activation word, in two register stages."""

from myhdl import always, always_comb, block, ConcatSignal

from accel.hdl.delay import delay
from accel.hdl.interfaces import flag, unsigned


@block
def gather_lane(clk, word, channel, valid, outside, zero_point, activation):
    """activation (out, unsigned 8) two cycles later: byte `channel` of word, zero_point outside the map, 0 where not valid."""
    quarters = len(word) // 64
    parts = [unsigned(64) for _ in range(quarters)]
    cuts = [take_part(word, parts[i], i) for i in range(quarters)]
    part, index, use, fill = unsigned(64), unsigned(3), flag(), unsigned(8)

    @always(clk.posedge)
    def choose_part():
        part.next = 0
        for i in range(quarters):
            if channel >> 3 == i:
                part.next = parts[i]
        index.next = channel[3:]
        use.next = valid and not outside
        fill.next = 0
        if valid and outside:
            fill.next = zero_point[8:]

    @always(clk.posedge)
    def choose_byte():
        activation.next = fill
        if use:
            activation.next = (part >> (8 * index)) & 0xFF

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
def gather(clk, word, channels, valid, outside, zero_point, activations, config):
    """activations (out, unsigned 8 * lanes), two cycles later: byte j is channel channels[j] of word where bit j of `valid` is set, else 0.

    word (in, unsigned 8 * block_channels). outside (in, flag): all valid lanes give zero_point (in, signed 8). Takes one a cycle.
    """
    lanes = config.lanes
    bytes_ = [unsigned(8) for _ in range(lanes)]
    lane_blocks = [gather_lane(clk, word, channels[j], valid(j), outside, zero_point, bytes_[j]) for j in range(lanes)]
    joined = ConcatSignal(*reversed(bytes_)) if lanes > 1 else bytes_[0]

    @always_comb
    def route():
        activations.next = joined

    return lane_blocks, route
