# SPDX-License-Identifier: BSD-2-Clause
"""A 32 x 31 bit product and sum, laid out for a chain of four multipliers that pass their sums on."""

from myhdl import always, always_comb, block, concat

from accel.hdl.interfaces import signed, unsigned

# Where both factors are split: a DSP48E1 can add its neighbour's sum shifted right by this many bits.
SPLIT = 17
LATENCY = 6


@block
def wide_product(clk, value, multiplier, addend, coarse, result):
    """result (out, unsigned 63: the bits of a signed number) is value * multiplier + addend of LATENCY cycles ago.

    value (in, signed 32), multiplier (in, unsigned 31). addend (in, signed 32): a cycle after its value; the sum must fit 63 bits.
    coarse (in, flag): three cycles after its value; with it the lowest SPLIT bits of the result are 0.
    """
    value_low = [signed(SPLIT + 1) for _ in range(2)]
    value_high = [signed(32 - SPLIT) for _ in range(4)]
    multiplier_low = [signed(SPLIT + 1) for _ in range(3)]
    multiplier_high = [signed(32 - SPLIT) for _ in range(4)]
    addend_1 = signed(32)
    # No bit more than needed: synthesis takes a sum into the multiplier's cell only if it knows where the sign is.
    product_0, product_1, product_2, product_3 = signed(35), signed(32), signed(32), signed(29)
    sum_0, sum_1, sum_2, sum_3 = signed(36), signed(33), signed(34), signed(29)
    low_4, low_5, low_6, middle_6 = (unsigned(SPLIT) for _ in range(4))

    return (split_factors(clk, value, multiplier, value_low[0], value_high[0], multiplier_low[0], multiplier_high[0]),
            [follow(clk, line[i], line[i + 1]) for line in (value_low, value_high, multiplier_low, multiplier_high)
             for i in range(len(line) - 1)],
            follow(clk, addend, addend_1),
            multiply(clk, value_low[0], multiplier_low[0], product_0), multiply(clk, value_low[1], multiplier_high[1], product_1),
            multiply(clk, value_high[2], multiplier_low[2], product_2), multiply(clk, value_high[3], multiplier_high[3], product_3),
            add_up(clk, product_0, product_1, product_2, product_3, addend_1, sum_0, sum_1, sum_2, sum_3),
            collect(clk, coarse, sum_0, sum_2, sum_3, low_4, low_5, low_6, middle_6, result))


@block
def follow(clk, source, target):
    """target (out) is source of the cycle before."""

    @always(clk.posedge)
    def register():
        target.next = source

    return register


@block
def split_factors(clk, value, multiplier, value_low, value_high, multiplier_low, multiplier_high):
    """The four outputs (signed SPLIT + 1) are the parts of the factors of the cycle before; the low ones are not negative."""

    @always(clk.posedge)
    def split():
        value_low.next = value[SPLIT:]
        value_high.next = value[32:SPLIT].signed()
        multiplier_low.next = multiplier[SPLIT:]
        multiplier_high.next = multiplier[31:SPLIT]

    return split


@block
def multiply(clk, a, b, product):
    """product (out, signed) is a * b of the cycle before."""

    @always(clk.posedge)
    def register():
        product.next = a * b

    return register


@block
def add_up(clk, product_0, product_1, product_2, product_3, addend, sum_0, sum_1, sum_2, sum_3):
    """The chain of sums: each product comes a cycle after the one before it."""

    @always(clk.posedge)
    def add():
        sum_0.next = product_0 + addend
        sum_1.next = product_1 + (sum_0 >> SPLIT)
        sum_2.next = product_2 + sum_1
        sum_3.next = product_3 + (sum_2 >> SPLIT)

    return add


@block
def collect(clk, coarse, sum_0, sum_2, sum_3, low_4, low_5, low_6, middle_6, result):
    """Holds the low bits of the sums that are ready early until the last sum is."""

    @always(clk.posedge)
    def hold():
        # A reset costs nothing, and keeps synthesis from making the line out of look-up tables.
        low_4.next = sum_0[SPLIT:]
        if coarse:
            low_4.next = 0
        low_5.next = low_4
        low_6.next = low_5
        middle_6.next = sum_2[SPLIT:]

    @always_comb
    def join():
        result.next = concat(sum_3[63 - 2 * SPLIT:], middle_6, low_6)

    return hold, join
