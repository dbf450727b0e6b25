# SPDX-License-Identifier: BSD-2-Clause
"""A column's partial sums: two banks of `tile_pixels`, one of them added to while the other is read."""

from myhdl import always, always_comb, block

from accel.hdl.interfaces import flag, signed, unsigned


class BankControl:
    """What a bank does in all columns of a cluster: it shows the sums at `address`; `add`: the new sums are those plus the columns' terms;
    `write`: it takes the new sums."""

    def __init__(self, config):
        self.write = flag()
        self.add = flag()
        self.address = unsigned((config.tile_pixels - 1).bit_length())


@block
def control_bank(clk, number, valid, pixel, first, bank, read_pixel, control):
    """control (out, BankControl of bank `number`) for the cycle after this one's inputs: without a pixel to add it is read_pixel's turn."""

    @always(clk.posedge)
    def choose():
        control.write.next = valid and bank == number
        control.add.next = bank == number and not first
        control.address.next = read_pixel
        if valid and bank == number:
            control.address.next = pixel

    return choose


@block
def sum_bank(clk, control, write_address, total, value, config):
    """value (out) is the sum at control.address; with control.write total is written at write_address, the same as control.address."""
    sums = [signed(config.accumulator_bits) for _ in range(config.tile_pixels)]
    address, write_enable = control.address, control.write

    # Two addresses of the same value: the one of writing never waits for the reader's choice.
    @always_comb
    def look():
        value.next = sums[address]

    @always(clk.posedge)
    def write():
        if write_enable:
            sums[write_address].next = total

    return look, write


@block
def add_term(term, current, total):
    """total (out) is term + current. Combinational."""

    # In this order synthesis gives the carry chain the multiplier's register itself, and the choice of `current` goes into the sum's LUT.
    @always_comb
    def add():
        total.next = term + current

    return add


@block
def add_term_and_carry(term, current, carry, total):
    """total (out) is term + current + carry, in one carry chain. Combinational."""
    wide_term, wide_current, wide_total = signed(len(term) + 1), signed(len(current) + 1), signed(len(total) + 1)
    bits = len(wide_total)

    @always_comb
    def widen():
        wide_term.next = (term << 1) | 1
        wide_current.next = (current << 1) | carry

    @always_comb
    def add():
        wide_total.next = wide_term + wide_current

    @always_comb
    def cut():
        total.next = wide_total[bits:1].signed()

    return widen, add, cut


@block
def pe_column(clk, controls, write_address, term, carry, values, config):
    """Adds term (in, signed) and carry (in, flag or None) to the sums.

    controls (in, one BankControl a bank); values (out, one a bank): the sum at the control's address.
    """
    # One bit more: that the sum fits is checked where it is written, for without a pixel it means nothing.
    total, current = signed(config.accumulator_bits + 1), signed(config.accumulator_bits)
    value_0, value_1 = values
    add_0, add_1 = controls[0].add, controls[1].add
    banks = [sum_bank(clk, controls[b], write_address, total, values[b], config) for b in range(2)]
    adder = add_term(term, current, total) if carry is None else add_term_and_carry(term, current, carry, total)

    @always_comb
    def choose():
        current.next = 0
        if add_0:
            current.next = value_0
        elif add_1:
            current.next = value_1

    return banks, adder, choose
