# SPDX-License-Identifier: BSD-2-Clause
"""Measures the beats of a STORE while they move: which of their channels belong in the dynamic input-channel mask."""

from myhdl import always, always_comb, block

from accel.hdl.compare import greater
from accel.hdl.fields import bits_of, span
from accel.hdl.interfaces import flag, signed, unsigned


@block
def column_above(beat, limit, above, number):
    """above (out, flag): byte `number` of beat (in) is greater than limit (in, signed 8). Combinational."""
    low, high = 8 * number, 8 * number + 8
    value = signed(8)

    @always_comb
    def cut():
        value.next = beat[high:low].signed()

    return cut, greater(value, limit, above)


@block
def store_measure(clk, clear, word, take, begin, last_burst, moved, last_beat, beat_1, measured, config):
    """measured (out, MaskWrite) comes two cycles after a measuring STORE's last beat moved.

    word (in), kept with take (in, flag): a STORE. begin (in, flag), last_burst (in, flag): a burst of it begins to move with the next cycle,
    the last one. moved (in, flag): a beat moves, last_beat (in, flag): the burst's last; beat_1 (in, unsigned 8 * columns): it, a cycle later.
    """
    _, measure_bit = span("STORE", "measure")
    _, first_bit = span("STORE", "mask_first")
    limit_high, limit_low = span("STORE", "limit")
    plane_high, plane_low = span("STORE", "mask_plane")
    measure, limit, first, plane = flag(), signed(8), flag(), unsigned(6)
    # A STORE may be taken while the last burst of the one before still moves.
    moving_measure, moving_limit, moving_first, moving_plane, ends = flag(), signed(8), flag(), unsigned(6), flag()
    moved_1, done_1, opening = flag(), flag(), flag()
    above = [flag() for _ in range(config.columns)]
    any_above = bits_of(above)
    columns = [column_above(beat_1, moving_limit, above[k], k) for k in range(config.columns)]

    @always(clk.posedge)
    def keep():
        if take:
            measure.next = word[measure_bit]
            limit.next = word[limit_high:limit_low].signed()
            first.next = word[first_bit]
            plane.next = word[plane_high:plane_low]

    @always(clk.posedge)
    def follow():
        if begin:
            moving_measure.next = measure
            moving_limit.next = limit
            moving_first.next = first
            moving_plane.next = plane
            ends.next = last_burst
        moved_1.next = moved and moving_measure
        done_1.next = moved and moving_measure and last_beat and ends and not clear

    @always(clk.posedge)
    def gather():
        if moved_1:
            measured.flags.next = any_above
            if not opening:
                measured.flags.next = measured.flags | any_above
            opening.next = done_1
        if clear:
            opening.next = True

    @always(clk.posedge)
    def put_out():
        measured.enable.next = done_1 and not clear
        if done_1:
            measured.first.next = moving_first
            measured.plane.next = moving_plane

    return columns, keep, follow, gather, put_out
