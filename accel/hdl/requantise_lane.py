# SPDX-License-Identifier: BSD-2-Clause
"""Requantises one value a cycle: TFLite's MultiplyByQuantizedMultiplier with double rounding, zero point and clamp."""

from myhdl import always, always_comb, block, intbv

from accel.hdl.delay import delay
from accel.hdl.interfaces import flag, signed, unsigned

LATENCY = 8

# What is added before the shift by 31; any other number makes a core that rounds wrongly, so that a test can see it being found.
ROUNDING = 1 << 30


@block
def requantise_lane(clk, partial_sum, record, zero_point, clamp_min, clamp_max, result, rounding=ROUNDING):
    """result (out, unsigned 8: the int8 number's bits) is that of the inputs LATENCY cycles ago. Formula: accel/golden/requantise.py.

    partial_sum (in, signed), record (in, Record), zero_point, clamp_min, clamp_max (in, signed 8).
    rounding: ROUNDING.
    The 32 x 31 bit product is four of at most 17 x 17 bits, one DSP each.
    """
    total, multiplier_1, shift_1 = unsigned(32), unsigned(31), signed(6)
    low_a, high_a = unsigned(16), signed(16)
    low_m, high_m = unsigned(16), unsigned(15)
    wide = unsigned(63)
    low_low, low_high, high_low, high_high = signed(34), unsigned(31), signed(33), signed(32)
    base, middle = signed(66), signed(35)
    high = signed(34)
    quotient, up = signed(34), flag()
    rounded = signed(35)
    right_2, right_5 = unsigned(5), unsigned(5)
    zero_point_6, minimum_7, maximum_7 = signed(8), signed(8), signed(8)

    delays = [delay(clk, right_2, right_5, 3), delay(clk, zero_point, zero_point_6, 6), delay(clk, clamp_min, minimum_7, 7),
              delay(clk, clamp_max, maximum_7, 7)]

    @always(clk.posedge)
    def add_bias():
        sum_ = intbv(0, min=-(1 << 33), max=1 << 33)
        sum_[:] = partial_sum + record.bias
        total.next = sum_[32:]
        multiplier_1.next = record.multiplier
        shift_1.next = record.shift

    @always_comb
    def shift_left():
        wide.next = total
        if shift_1 > 0:
            wide.next = total << shift_1

    @always(clk.posedge)
    def split():
        low_a.next = wide[16:]
        high_a.next = wide[32:16].signed()
        low_m.next = multiplier_1[16:]
        high_m.next = multiplier_1[31:16]
        right_2.next = 0
        if shift_1 < 0:
            right_2.next = -shift_1

    @always(clk.posedge)
    def multiply():
        low_low.next = low_a * low_m
        low_high.next = low_a * high_m
        high_low.next = high_a * low_m
        high_high.next = high_a * high_m

    @always(clk.posedge)
    def add_products():
        # MyHDL writes a large constant as an unsigned number, which would make the whole Verilog sum unsigned.
        half = intbv(0, min=-(1 << 33), max=1 << 33)
        half[:] = rounding
        middle.next = high_low + low_high
        base.next = (high_high << 32) + low_low + half

    @always(clk.posedge)
    def take_high():
        high.next = (base + (middle << 16)) >> 31

    @always(clk.posedge)
    def shift_right():
        shifted = intbv(0, min=-(1 << 34), max=1 << 34)
        below = intbv(0)[34:]
        mask = intbv(0)[34:]
        shifted[:] = (high << 1) >> right_5
        mask[:] = (1 << right_5) - 1
        below[:] = high[34:] & (mask >> 1)
        quotient.next = shifted >> 1
        up.next = shifted[0] and (high >= 0 or below != 0)

    @always(clk.posedge)
    def add_zero_point():
        if up:
            rounded.next = quotient + zero_point_6 + 1
        else:
            rounded.next = quotient + zero_point_6

    @always(clk.posedge)
    def clamp():
        if rounded < minimum_7:
            result.next = minimum_7[8:]
        elif rounded > maximum_7:
            result.next = maximum_7[8:]
        else:
            result.next = rounded[8:]

    return delays, add_bias, shift_left, split, multiply, add_products, take_high, shift_right, add_zero_point, clamp
