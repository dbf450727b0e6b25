# SPDX-License-Identifier: BSD-2-Clause
"""A byte shifter of two registered stages: it cuts a piece out of two neighbouring beats and clears what lies after its end."""

from myhdl import always, always_comb, block, concat, ConcatSignal

from accel.hdl.delay import delay
from accel.hdl.interfaces import flag, unsigned


@block
def choose_byte(clk, source, select, blank, byte, number, step):
    """byte (out, unsigned 8) is, a cycle later, byte number + step * select (in, unsigned 2) of source (in), or 0 with blank (in, flag)."""
    count, order = len(source) // 8, number // step % 4
    low_0, low_1, low_2, low_3 = (8 * ((number + i * step) % count) for i in range(4))
    high_0, high_1, high_2, high_3 = low_0 + 8, low_1 + 8, low_2 + 8, low_3 + 8
    pair_0, pair_1, second = unsigned(8), unsigned(8), flag()

    # Neighbours pair their four choices differently: pairs that two bytes had in common would become LUTs of their own,
    # where one LUT of six inputs holds all four.
    if order < 2:
        @always_comb
        def halve():
            second.next = select[1]
            pair_0.next = source[high_1:low_1] if select[0] else source[high_0:low_0]
            pair_1.next = source[high_3:low_3] if select[0] else source[high_2:low_2]
    elif order == 2:
        @always_comb
        def halve():
            second.next = select[0]
            pair_0.next = source[high_2:low_2] if select[1] else source[high_0:low_0]
            pair_1.next = source[high_3:low_3] if select[1] else source[high_1:low_1]
    else:
        @always_comb
        def halve():
            second.next = select[0] != select[1]
            pair_0.next = source[high_3:low_3] if select[0] else source[high_0:low_0]
            pair_1.next = source[high_1:low_1] if select[0] else source[high_2:low_2]

    @always(clk.posedge)
    def choose():
        if second:
            byte.next = pair_1
        else:
            byte.next = pair_0
        if blank:
            byte.next = 0

    return halve, choose


@block
def after_end(last, top, blank, number):
    """blank (out, flag): last (in, flag) and number > top (in). Combinational."""

    @always_comb
    def compare():
        blank.next = last and top < number

    return compare


@block
def byte_shift(clk, both, offset, last_1, top_1, piece, beat_bytes):
    """piece (out, unsigned 8 * beat_bytes): bytes offset (in) and on of both (in, two beats) of two cycles before.

    last_1 (in, flag), top_1 (in), one cycle later than offset: bytes after number top_1 are cleared.
    """
    count, offset_bits = beat_bytes + 3, len(offset)
    coarse, fine, fine_1, never = unsigned(2), unsigned(2), unsigned(2), flag()
    shifted, placed = [unsigned(8) for _ in range(count)], [unsigned(8) for _ in range(beat_bytes)]
    blanks = [never] + [flag() for _ in range(beat_bytes - 1)]
    window, joined = ConcatSignal(*reversed(shifted)), ConcatSignal(*reversed(placed))
    ends = [after_end(last_1, top_1, blanks[i], i) for i in range(1, beat_bytes)]
    shifts = [choose_byte(clk, both, coarse, never, shifted[i], i, 4) for i in range(count)]
    places = [choose_byte(clk, window, fine_1, blanks[i], placed[i], i, 1) for i in range(beat_bytes)]
    late = delay(clk, fine, fine_1, 1)

    if offset_bits == 4:
        @always_comb
        def split():
            never.next = False
            fine.next = offset[2:]
            coarse.next = offset[4:2]
    elif offset_bits == 3:
        @always_comb
        def split():
            never.next = False
            fine.next = offset[2:]
            coarse.next = concat(False, offset[2])
    else:
        @always_comb
        def split():
            never.next = False
            fine.next = offset[2:]
            coarse.next = 0

    @always_comb
    def join():
        piece.next = joined

    return ends, shifts, places, late, split, join
