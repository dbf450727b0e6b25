# SPDX-License-Identifier: BSD-2-Clause
"""Cuts the next burst off a run of beats and holds it against a memory window; reads and writes share it."""

from myhdl import always, always_comb, block, concat, intbv

from accel.hdl.interfaces import flag, unsigned


class Burst:
    """`address` (byte) of a burst, `top`: its beats less 1; `outside`: not all of it lies in the window. `rest_beats` of the run remain, from
    `rest_address` on (they begin at a multiple of the longest burst)."""

    def __init__(self, config, left_bits):
        self.address, self.top = unsigned(32), unsigned((config.burst_beats - 1).bit_length())
        self.rest_beats, self.rest_address, self.outside = unsigned(left_bits), unsigned(32), flag()


@block
def next_burst(clk, address, left, window_base, window_limit, burst, config):
    """burst (out, Burst) is the first of the run of `left` (in) beats, at least 1, from byte `address` (in, a multiple of the beat) on.

    Of its parts, address and top come one cycle later, the others two. Bursts end at multiples of the longest one, so none crosses 4 KiB.
    """
    beat_shift, longest = (config.beat_bytes - 1).bit_length(), config.burst_beats
    low_bits, left_bits = (config.burst_beats - 1).bit_length(), len(left)
    line_low = beat_shift + low_bits
    line_bits = 32 - line_low
    line_mask, low_mask, left_mask = (1 << line_bits) - 1, longest - 1, (1 << left_bits) - 1
    low, reach, fills = unsigned(low_bits), unsigned(low_bits + 1), flag()
    end, left_1, spent, next_line = unsigned(low_bits + 1), unsigned(left_bits), unsigned(left_bits), unsigned(line_bits)
    after_last, limit = unsigned(line_bits + low_bits + 1), unsigned(line_bits + low_bits + 1)

    @always_comb
    def measure():
        low.next = address[line_low:beat_shift]
        reach.next = address[line_low:beat_shift] + left[low_bits:]

    @always_comb
    def compare():
        # Whether the burst goes on to the next multiple of the longest one.
        fills.next = left[left_bits:low_bits] != 0 or reach >= longest

    @always(clk.posedge)
    def cut():
        burst.address.next = address
        left_1.next = left
        if fills:
            burst.top.next = ~low
            end.next = longest
        else:
            burst.top.next = (left[low_bits:] - 1) & low_mask
            end.next = reach

    @always_comb
    def place():
        # Compared as (multiple of the longest burst, beats from there), the end of a burst needs no addition.
        after_last.next = concat(burst.address[32:line_low], end)
        limit.next = concat(window_limit[32:line_low], False, window_limit[line_low:beat_shift])
        spent.next = burst.top
        next_line.next = (burst.address[32:line_low] + 1) & line_mask

    @always(clk.posedge)
    def check():
        burst.outside.next = burst.address < window_base or after_last > limit
        # left_1 - (top + 1) is left_1 + ~top.
        burst.rest_beats.next = (left_1 + (~spent)) & left_mask
        burst.rest_address.next = concat(next_line, intbv(0)[line_low:])

    return measure, compare, cut, place, check
