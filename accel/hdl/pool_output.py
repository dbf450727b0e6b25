# SPDX-License-Identifier: BSD-2-Clause
"""Clamps the maxima of a pool, a quarter of a beat in each cycle, and puts them out; holds those that wait."""

from myhdl import always, always_comb, block, ConcatSignal

from accel.hdl.compare import greater
from accel.hdl.interfaces import flag, signed, unsigned
from accel.hdl.settings import copy_register

# Places for beats that wait: with fewer, windows of 2 x 2 positions, which take as long as their output, would have to wait.
PLACES = 4
QUARTERS = 4


@block
def pool_output(clk, clear, arrives, beat, clamp_min, clamp_max, outputs, left, busy, config):
    """Takes beat (in, unsigned 8 * columns) in each cycle with arrives (in, flag), which must not be while PLACES of them have not left.

    left (out, flag): one pulse a beat, its place is free again. clamp_min, clamp_max (in, signed 8): hold. outputs (out, Stream): a beat
    in QUARTERS cycles. busy (out, flag): a beat that has left is not taken yet.
    """
    bits = 8 * config.columns // QUARTERS
    occupied, room = [flag() for _ in range(PLACES)], [flag() for _ in range(PLACES + 1)]
    held = [unsigned(8 * config.columns) for _ in range(PLACES)]
    line = [place(clk, clear, occupied[i - 1] if i else arrives, held[i - 1] if i else beat, room[i + 1], room[i], occupied[i], held[i])
            for i in range(PLACES)]
    waits, leaves, oldest = occupied[PLACES - 1], room[PLACES], held[PLACES - 1]
    go, shift, full, quarter_valid, last_valid = (flag() for _ in range(5))
    turn, quarter = unsigned(2), unsigned(bits)
    clamped, quarters = [unsigned(8) for _ in range(bits // 8)], [unsigned(bits) for _ in range(QUARTERS)]
    bytes_of_quarter = [clamp_byte(quarter, clamp_min, clamp_max, clamped[k], k) for k in range(bits // 8)]
    joined = ConcatSignal(*reversed(clamped)) if len(clamped) > 1 else clamped[0]
    gathered = [copy_register(clk, shift, quarters[i + 1] if i + 1 < QUARTERS else joined, quarters[i]) for i in range(QUARTERS)]
    whole = ConcatSignal(*reversed(quarters))

    @always_comb
    def decide():
        go.next = not full or outputs.ready
        shift.next = quarter_valid and (not full or outputs.ready)
        leaves.next = turn == QUARTERS - 1 and (not full or outputs.ready)

    @always_comb
    def route():
        left.next = waits and leaves
        busy.next = quarter_valid or full
        outputs.valid.next = full
        outputs.data.next = whole

    @always(clk.posedge)
    def serve():
        if go:
            turn.next = 0
            if waits and turn != QUARTERS - 1:
                turn.next = turn + 1
            quarter_valid.next = waits
            last_valid.next = turn == QUARTERS - 1
            full.next = quarter_valid and last_valid
        if clear:
            turn.next = 0
            quarter_valid.next = False
            full.next = False

    return line, bytes_of_quarter, gathered, decide, route, serve, choose_quarter(clk, go, oldest, turn, quarter)


@block
def place(clk, clear, source_valid, source, room_after, room, occupied, held):
    """One place of the line: moves on where the next has room (in, flag room_after), and then, or while empty, has room (out, flag)."""

    @always_comb
    def decide():
        room.next = not occupied or room_after

    @always(clk.posedge)
    def move():
        if room:
            occupied.next = source_valid
            held.next = source
        if clear:
            occupied.next = False

    return decide, move


@block
def choose_quarter(clk, enable, beat, turn, quarter):
    """quarter (out) takes quarter `turn` of beat in each cycle with `enable`."""
    bits = len(quarter)
    low_2, low_3 = 2 * bits, 3 * bits
    high = 4 * bits

    @always(clk.posedge)
    def choose():
        if enable:
            quarter.next = beat[bits:]
            if turn == 1:
                quarter.next = beat[low_2:bits]
            elif turn == 2:
                quarter.next = beat[low_3:low_2]
            elif turn == 3:
                quarter.next = beat[high:low_3]

    return choose


@block
def clamp_byte(word, clamp_min, clamp_max, result, number):
    """result (out, unsigned 8: signed bits) is byte `number` of word, a signed number, between the bounds. Combinational."""
    low, high = 8 * number, 8 * number + 8
    value, below, above = signed(8), flag(), flag()

    @always_comb
    def look():
        value.next = word[high:low].signed()

    @always_comb
    def bound():
        result.next = value[8:]
        if above:
            result.next = clamp_max[8:]
        elif below:
            result.next = clamp_min[8:]

    return look, greater(clamp_min, value, below), greater(value, clamp_max, above), bound
