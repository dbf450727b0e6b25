# SPDX-License-Identifier: BSD-2-Clause
"""The drain's addition: the operands that LOADs bring, and the tables that make summands of an output's and an operand's bytes.

A value to be added to goes through its requantiser lane twice. Its read of the grid comes in an even cycle, its sum enters in an odd one,
SUM_DELAY cycles later, in place of a partial sum; the tables' one read port looks up the output in even cycles, the operand in odd ones.
"""

from myhdl import always, always_comb, block, concat, intbv

from accel.hdl.delay import delay
from accel.hdl.interfaces import flag, unsigned
from accel.hdl.pe_grid import READ_LATENCY
from accel.hdl.requantise_lane import LATENCY
from accel.registers import TABLE_WORDS

# From the read of a partial sum to the one that its sum stands for: the lane's result, then its table's address.
SUM_DELAY = READ_LATENCY + LATENCY + 1
if SUM_DELAY % 2 == 0:
    raise ValueError(f"sums come {SUM_DELAY} cycles after their reads, but it must be an odd number: reads are in even cycles, sums in odd ones")


@block
def operand_fifo(clk, clear, operands, begun, taken, there, beat, depth):
    """Beats from operands (in, OperandWrite) to beat (out, unsigned 8 * columns): the oldest, until the cycle of taken (in, flag).

    there (out, flag): a beat will be in `beat` SUM_DELAY - 1 cycles from now that no pixel has begun for. begun (in, flag): one begins
        for it now; not in two neighbouring cycles. A beat comes so soon after its place is reserved that places are counted from there on.
    """
    memory = [unsigned(len(beat)) for _ in range(depth)]
    bits, last = (depth - 1).bit_length(), depth - 1
    write_pointer, read_pointer, free, held = unsigned(bits), unsigned(bits), unsigned(bits + 1, depth), unsigned(bits + 1)

    @always(clk.posedge)
    def write():
        if operands.valid:
            memory[write_pointer].next = operands.data

    @always(clk.posedge)
    def read():
        beat.next = memory[read_pointer]

    @always(clk.posedge)
    def point():
        if operands.valid:
            write_pointer.next = (write_pointer + 1) & last
        if taken:
            read_pointer.next = (read_pointer + 1) & last
        if clear:
            write_pointer.next = 0
            read_pointer.next = 0

    @always(clk.posedge)
    def count():
        there.next = held != 0
        operands.room.next = free > 1 or (free == 1 and not operands.reserve)
        if operands.reserve and not begun:
            held.next = held + 1
        elif begun and not operands.reserve:
            held.next = held - 1
        if operands.reserve and not taken:
            free.next = free - 1
        elif taken and not operands.reserve:
            free.next = free + 1
        if clear:
            there.next = False
            operands.room.next = False
            held.next = 0
            free.next = depth

    return write, read, point, count


@block
def operand_byte(clk, takes, group, beat, byte, place, number):
    """byte (out, unsigned 8) is byte `number` of beat of the cycle before, if takes (in, flag) came with group (in) `place`; else 0."""
    low, high = 8 * number, 8 * number + 8

    @always(clk.posedge)
    def take():
        byte.next = 0
        if takes and group == place:
            byte.next = beat[high:low]

    return take


@block
def table(clk, write, looks, result, operand, takes_own, takes_other, own, other):
    """A lane's two tables in one block RAM. write (in, TableWrite).

    Looked up is result (in, unsigned 8) with looks (in, flag), else the operand's byte, that one of `operand` (in, list) which is not 0.
    own, other (out, signed 32): three cycles later the word, with takes_own, takes_other (in, flags) in the cycle before; else 0.
    """
    words, address, word, parts = [unsigned(32) for _ in range(TABLE_WORDS)], unsigned(9), unsigned(32), len(operand)

    @always(clk.posedge)
    def choose():
        joined = intbv(0)[8:]
        for i in range(parts):
            joined[:] = joined | operand[i]
        address.next = concat(True, joined)
        if looks:
            address.next = result

    @always(clk.posedge)
    def store():
        if write.enable:
            words[write.address].next = write.data

    @always(clk.posedge)
    def read():
        word.next = words[address]

    @always(clk.posedge)
    def put_out():
        own.next = 0
        if takes_own:
            own.next = word.signed()
        other.next = 0
        if takes_other:
            other.next = word.signed()

    return choose, store, read, put_out


@block
def addition(clk, clear, first, begun, operands, tables, results, there, second, ends, own, other, config):
    """Turns the outputs of reads into summands of the reads that come SUM_DELAY cycles later.

    first (in, flag): a read is issued whose value is added to; its groups come in turn, its reads not in neighbouring cycles. begun, there:
    as in operand_fifo. operands (OperandWrite), tables (in, TableWrite). results (in, list of unsigned 8): of the requantiser lanes.
    second (out, flag): a read of sums is issued; ends (out, flag): of a pixel's last group. own, other (out, lists of signed 32): for the lanes.
    """
    lanes, groups = config.requantise_lanes, config.columns // config.requantise_lanes
    arrived, takes_own, takes_other, group, taken = flag(), flag(), flag(), unsigned(max(1, (groups - 1).bit_length())), flag()
    beat, last_group = unsigned(8 * config.columns), groups - 1
    operand = [[unsigned(8) for _ in range(groups)] for _ in range(lanes)]

    fifo = operand_fifo(clk, clear, operands, begun, taken, there, beat, config.output_fifo_beats)
    flags = [delay(clk, first, arrived, READ_LATENCY + LATENCY), delay(clk, second, takes_own, 1),
             delay(clk, takes_own, takes_other, 1), delay(clk, taken, ends, 1)]
    bytes_ = [operand_byte(clk, arrived, group, beat, operand[j][g], g, g * lanes + j) for j in range(lanes) for g in range(groups)]
    lookups = [table(clk, tables, arrived, results[j], operand[j], takes_own, takes_other, own[j], other[j]) for j in range(lanes)]

    @always_comb
    def take():
        taken.next = arrived and group == last_group

    @always(clk.posedge)
    def count():
        second.next = arrived and not clear
        if arrived:
            group.next = 0
            if group != last_group:
                group.next = group + 1
        if clear:
            group.next = 0

    return fifo, flags, bytes_, lookups, take, count
