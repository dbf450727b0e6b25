# SPDX-License-Identifier: BSD-2-Clause
"""The maximum of each byte over the positions of a window."""

from myhdl import always, always_comb, block, ConcatSignal

from accel.hdl.interfaces import flag, signed, unsigned


@block
def byte_maximum(clk, valid, first, outside, data, clamp_min, clamp_max, result, number):
    """result (out, unsigned 8), two cycles later: the largest byte `number` since `first`, clamped."""
    low, high = 8 * number, 8 * number + 8
    best, value = signed(8), signed(8)

    @always_comb
    def look():
        value.next = -128
        if not outside:
            value.next = data[high:low].signed()

    @always(clk.posedge)
    def compare():
        if valid:
            if first or value > best:
                best.next = value

    @always(clk.posedge)
    def clamp():
        if best < clamp_min:
            result.next = clamp_min[8:]
        elif best > clamp_max:
            result.next = clamp_max[8:]
        else:
            result.next = best[8:]

    return look, compare, clamp


@block
def pool(clk, valid, first, last, outside, data, clamp_min, clamp_max, result_valid, result, config):
    """result (out, unsigned 8 * columns) with result_valid (out, flag) two cycles after the position with `last`.

    valid, first, last (in, flags): a position of a window; outside (in, flag): it counts as -128. data (in, unsigned 8 * columns).
    clamp_min, clamp_max (in, signed 8): hold from the first position until the result is out. Never stalls.
    """
    results = [unsigned(8) for _ in range(config.columns)]
    ended = flag()
    maxima = [byte_maximum(clk, valid, first, outside, data, clamp_min, clamp_max, results[k], k) for k in range(config.columns)]
    joined = ConcatSignal(*reversed(results))

    @always(clk.posedge)
    def follow():
        ended.next = valid and last
        result_valid.next = ended

    @always_comb
    def route():
        result.next = joined

    return maxima, follow, route
