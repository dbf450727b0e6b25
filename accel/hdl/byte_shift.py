# SPDX-License-Identifier: BSD-2-Clause
"""A byte shifter of two registered stages: it cuts a piece out of two neighbouring beats and clears what lies after its end."""

from myhdl import always, always_comb, block, concat, ConcatSignal, intbv

from accel.hdl.delay import delay
from accel.hdl.interfaces import unsigned


@block
def place_byte(clk, window, shift, last, top, byte, number):
    """byte (out, unsigned 8): byte number + shift (in, 0 to 3) of window, a cycle later; 0 where last (in) and number > top (in)."""
    low, high = 8 * number, 8 * number + 32
    part = unsigned(32)

    @always_comb
    def take():
        part.next = window[high:low]

    @always(clk.posedge)
    def place():
        byte.next = (part >> concat(shift, intbv(0)[3:])) & 0xFF
        if last and top < number:
            byte.next = 0

    return take, place


@block
def byte_shift(clk, both, offset, last_1, top_1, piece, beat_bytes):
    """piece (out, unsigned 8 * beat_bytes): bytes offset (in) and on of both (in, two beats) of two cycles before.

    last_1 (in, flag), top_1 (in), one cycle later than offset: bytes after number top_1 are cleared.
    """
    fine, fine_1 = unsigned(2), unsigned(2)
    window = unsigned(8 * (beat_bytes + 3))
    window_bits, offset_bits = len(window), len(offset)
    ones = (1 << window_bits) - 1
    placed = [unsigned(8) for _ in range(beat_bytes)]
    joined = ConcatSignal(*reversed(placed))
    places = [place_byte(clk, window, fine_1, last_1, top_1, placed[i], i) for i in range(beat_bytes)]
    late = delay(clk, fine, fine_1, 1)

    @always_comb
    def split():
        fine.next = offset[2:]

    if offset_bits == 2:
        @always(clk.posedge)
        def shift_words():
            window.next = both[window_bits:]
    else:
        @always(clk.posedge)
        def shift_words():
            window.next = (both >> concat(offset[offset_bits:2], intbv(0)[5:])) & ones

    @always_comb
    def join():
        piece.next = joined

    return places, late, split, shift_words, join
