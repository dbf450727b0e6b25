# SPDX-License-Identifier: BSD-2-Clause
"""The maximum of each byte over the positions of a window."""

from myhdl import always, always_comb, block, ConcatSignal

from accel.hdl.compare import greater
from accel.hdl.interfaces import flag, signed, unsigned

LATENCY = 2


@block
def byte_maximum(clk, valid, first, plane, outside, word, best, number, config):
    """best (out, unsigned 8: signed bits), LATENCY cycles later: the largest byte `number` of the plane since `first`.

    valid, first (in, flags) are a cycle late.
    """
    low, high = 8 * number, 8 * number + 8
    other_low = low + 8 * config.columns * (config.beats_per_word - 1)
    other_high = other_low + 8
    value, largest, more = signed(8), signed(8), flag()

    @always(clk.posedge)
    def look():
        value.next = word[high:low].signed()
        if plane:
            value.next = word[other_high:other_low].signed()
        if outside:
            value.next = -128

    @always(clk.posedge)
    def keep():
        if valid and (first or more):
            largest.next = value

    @always_comb
    def route():
        best.next = largest[8:]

    return look, greater(value, largest, more), keep, route


@block
def pool(clk, valid, first, last, outside, plane, word, result_valid, result, config):
    """result (out, unsigned 8 * columns) in the cycle of result_valid (out, flag), LATENCY cycles after the position with `last`.

    valid, first, last (in, flags): a position of a window; outside (in, flag): it counts as -128. word (in, unsigned 8 * block_channels),
    plane (in, flag): which beat of it counts. Never stalls.
    """
    results = [unsigned(8) for _ in range(config.columns)]
    valid_1, first_1, last_1 = flag(), flag(), flag()
    maxima = [byte_maximum(clk, valid_1, first_1, plane, outside, word, results[k], k, config) for k in range(config.columns)]
    joined = ConcatSignal(*reversed(results))

    @always(clk.posedge)
    def follow():
        valid_1.next = valid
        first_1.next = first
        last_1.next = last
        result_valid.next = valid_1 and last_1

    @always_comb
    def route():
        result.next = joined

    return maxima, follow, route
