# SPDX-License-Identifier: BSD-2-Clause
"""Eight counting semaphores, and the gates that hold instructions until theirs are there."""

from myhdl import always, always_comb, block

from accel import isa
from accel.hdl.interfaces import flag, unsigned

SYNC_OPCODES = tuple(row.opcode for row in isa.TABLE if row.has_sync)


@block
def semaphore(clk, clear, number, gives, takes, available):
    """One counter; available (out, flag): it is above 0. gives, takes (in, four unsigned 8 each): bit `number` counts."""
    count = unsigned(8)
    give_0, give_1, give_2, give_3 = gives
    take_0, take_1, take_2, take_3 = takes

    @always(clk.posedge)
    def add():
        count.next = (count + give_0[number] + give_1[number] + give_2[number] + give_3[number]
                      - take_0[number] - take_1[number] - take_2[number] - take_3[number])
        if clear:
            count.next = 0

    @always_comb
    def tell():
        available.next = count != 0

    return add, tell


@block
def instruction_gate(queue, instructions, available, take, waiting):
    """instructions (out, InstructionStream) from queue (in, Stream of {position, word}) when every semaphore that it waits for is there.

    available (in, unsigned 8). take (out, unsigned 8): semaphores taken in this cycle. waiting (out, flag): one is missing. Combinational.
    """
    fields = {field.name: field for field in isa.BY_NAME["CONV"].fields}
    a_low, b_low = fields["wait_a"].low, fields["wait_b"].low
    a_high, b_high = a_low + 3, b_low + 3
    opcode_bits, codes = isa.OPCODE.bits, SYNC_OPCODES
    code_0, code_1, code_2, code_3, code_4 = codes
    need, open_ = unsigned(8), flag()

    @always_comb
    def decode():
        need.next = 0
        if (queue.data[opcode_bits:] == code_0 or queue.data[opcode_bits:] == code_1 or queue.data[opcode_bits:] == code_2
                or queue.data[opcode_bits:] == code_3 or queue.data[opcode_bits:] == code_4):
            if queue.data[a_high]:
                need.next[queue.data[a_high:a_low]] = True
            if queue.data[b_high]:
                need.next[queue.data[b_high:b_low]] = True

    @always_comb
    def compare():
        open_.next = (need & available) == need

    @always_comb
    def pass_on():
        instructions.valid.next = queue.valid and open_
        instructions.word.next = queue.data[128:]
        instructions.position.next = queue.data[144:128]
        queue.ready.next = open_ and instructions.ready
        waiting.next = queue.valid and not open_
        take.next = 0
        if queue.valid and open_ and instructions.ready:
            take.next = need

    return decode, compare, pass_on
