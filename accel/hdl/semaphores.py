# SPDX-License-Identifier: BSD-2-Clause
"""Eight counting semaphores, and the gates that hold instructions until theirs are there."""

from myhdl import always, always_comb, block

from accel import isa
from accel.hdl.interfaces import flag, unsigned

COUNT_BITS = 6


def waiting_opcodes(engine):
    """Return the opcodes of an engine's instructions that wait for semaphores."""
    return tuple(row.opcode for row in isa.TABLE if row.has_sync and row.engine == engine)


@block
def semaphore(clk, clear, number, gives, takes, available):
    """One counter, to 63; available (out, flag): it is above 0. gives (in, five unsigned 8), takes (in, four): bit `number` counts. Only one
    engine takes this semaphore."""
    count, change, mask = unsigned(COUNT_BITS), unsigned(COUNT_BITS), (1 << COUNT_BITS) - 1
    given, taken = unsigned(3), flag()
    give_0, give_1, give_2, give_3, give_4 = gives
    take_0, take_1, take_2, take_3 = takes

    @always_comb
    def gather():
        taken.next = take_0[number] or take_1[number] or take_2[number] or take_3[number]
        given.next = give_0[number] + give_1[number] + give_2[number] + give_3[number] + give_4[number]

    @always_comb
    def weigh():
        # One of few values, so that it takes few inputs: -1 to 5.
        change.next = given
        if taken and given == 0:
            change.next = mask
        elif taken:
            change.next = given - 1

    @always(clk.posedge)
    def add():
        count.next = (count + change) & mask
        if clear:
            count.next = 0

    @always_comb
    def tell():
        available.next = count != 0

    return gather, weigh, add, tell


@block
def sync_opcode(queue, syncs, codes):
    """syncs (out, flag): the opcode at the head of queue (in, Stream) is one of codes (one or two). Combinational."""
    opcode_bits, first, second = isa.OPCODE.bits, codes[0], codes[-1]

    @always_comb
    def compare():
        syncs.next = queue.data[opcode_bits:] == first or queue.data[opcode_bits:] == second

    return compare


@block
def instruction_gate(clk, clear, queue, instructions, available, take, waiting, codes):
    """instructions (out, InstructionStream) from queue (in, Stream of {position, word}) when every semaphore that it waits for is there.

    available (in, unsigned 8). take (out, unsigned 8): semaphores taken in the cycle before. waiting (out, flag): one is missing.
    codes: opcodes that wait. After an instruction that took, the gate is closed for a cycle, until the count tells; after a LAYER for seven,
    in which its record is written.
    """
    fields = {field.name: field for field in isa.BY_NAME["CONV"].fields}
    a_low, b_low = fields["wait_a"].low, fields["wait_b"].low
    a_high, b_high = a_low + 3, b_low + 3
    need, open_, syncs, passes, pause = unsigned(8), flag(), flag(), flag(), unsigned(3)
    layer_code, opcode_bits = isa.OPCODES.LAYER, isa.OPCODE.bits
    decoder = sync_opcode(queue, syncs, codes)

    @always_comb
    def decode():
        need.next = 0
        if queue.data[a_high]:
            need.next[queue.data[a_high:a_low]] = True
        if queue.data[b_high]:
            need.next[queue.data[b_high:b_low]] = True

    @always_comb
    def compare():
        open_.next = pause == 0 and (not syncs or ((not queue.data[a_high] or available[queue.data[a_high:a_low]])
                                                   and (not queue.data[b_high] or available[queue.data[b_high:b_low]])))

    @always_comb
    def pass_on():
        instructions.valid.next = queue.valid and open_
        instructions.word.next = queue.data[128:]
        instructions.position.next = queue.data[144:128]
        queue.ready.next = open_ and instructions.ready
        passes.next = queue.valid and open_ and instructions.ready
        waiting.next = queue.valid and not open_

    @always(clk.posedge)
    def count():
        take.next = 0
        if pause != 0:
            pause.next = pause - 1
        if passes and syncs:
            take.next = need
            pause.next = 1
        elif passes and queue.data[opcode_bits:] == layer_code:
            pause.next = 7
        if clear:
            take.next = 0
            pause.next = 0

    return decoder, decode, compare, pass_on, count
