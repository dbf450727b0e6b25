# SPDX-License-Identifier: BSD-2-Clause
"""Requantises one value a cycle: TFLite's MultiplyByQuantizedMultiplier, zero point and clamp. It rounds twice as TFLite does, or once.

With a right shift s the golden model, rounding twice, computes high = (value * multiplier + 2**30) >> 31 and
(high + 2**(s - 1) - (high < 0)) >> s, which is (value * multiplier + half + 2**(s + 30)) >> (31 + s), where half is 2**30, or for a negative
value 2**30 - 2**31: for high = 0 both give 0. So one shift right by 31 - shift, of a bit more than the result, serves all shifts; the last
bit it shifts out rounds. Rounding once, half up, is that last bit alone, half away from zero after 1 was taken from a negative product;
rounding down leaves the bit out.
"""

from myhdl import always, always_comb, block, concat, intbv

from accel.hdl.compare import greater
from accel.hdl.delay import delay
from accel.hdl.interfaces import flag, signed, unsigned
from accel.hdl.wide_product import wide_product

LATENCY = 14

# What DRAIN.rounding says.
TWICE, ONCE, DOWN, HALF_UP = range(4)

# What is added before the shift by 31; any other number makes a core that rounds wrongly, so that a test can see it being found.
ROUNDING = 1 << 30

# Bits that come out of the right shift: 9 of the quotient, which with the zero point exceed every int8 number, and one that rounds.
QUOTIENT_BITS = 10


@block
def requantise_lane(clk, partial_sum, correction, other, record, masked, rounding, zero_point, clamp_min, clamp_max, result, half=ROUNDING):
    """result (out, unsigned 8: the int8 number's bits) is that of the inputs LATENCY cycles ago. Formula: accel/golden/requantise.py.

    partial_sum, correction (in, signed, at most 32 bits): what is requantised is their difference plus the bias, in 32 bits.
    other (in, signed 32), a cycle later: counts instead of the bias where that is 0, and must be 0 where it is not.
    record (in, Record); masked (in, flag): the multiplier counts as 0. rounding (in, unsigned 2): TWICE, ONCE, DOWN or HALF_UP.
    zero_point, clamp_min, clamp_max (in, signed 8). half: ROUNDING; acts on values whose shift is negative, where rounding is TWICE.
    A number in a signal's name is the cycle after the inputs in which it is theirs.
    """
    total_2, shift_1, shift_2 = unsigned(32), unsigned(6), unsigned(6)
    multiplier_1, multiplier_3 = unsigned(31), unsigned(31)
    value_3, addend_4, product_9 = signed(32), signed(32), unsigned(63)
    right_3, negative_4, right_4, coarse_6 = flag(), flag(), flag(), flag()
    shift_6, shift_9 = unsigned(6), unsigned(6)
    twice, once, nearest, twice_4, once_4, nearest_12 = (flag() for _ in range(6))
    quotient_12, negative_12, over_12 = unsigned(QUOTIENT_BITS - 1), flag(), flag()
    zero_point_12, minimum_13, maximum_13 = signed(8), signed(8), signed(8)
    rounded_13 = signed(QUOTIENT_BITS)

    blocks = [total(clk, partial_sum, correction, other, record, masked, total_2, multiplier_1, shift_1),
              delay(clk, multiplier_1, multiplier_3, 2), delay(clk, shift_1, shift_2, 1),
              wrap_left(clk, total_2, shift_1, value_3),
              wide_product(clk, value_3, multiplier_3, addend_4, coarse_6, product_9),
              delay(clk, shift_2, shift_6, 4), delay(clk, shift_6, shift_9, 3),
              shift_right(clk, product_9, shift_9, quotient_12, negative_12, over_12),
              delay(clk, zero_point, zero_point_12, 12), delay(clk, clamp_min, minimum_13, 13), delay(clk, clamp_max, maximum_13, 13),
              delay(clk, twice, twice_4, 4), delay(clk, once, once_4, 4), delay(clk, nearest, nearest_12, 12),
              offset(clk, quotient_12, negative_12, over_12, nearest_12, zero_point_12, rounded_13),
              clamp(clk, rounded_13, minimum_13, maximum_13, result)]

    @always(clk.posedge)
    def follow():
        right_3.next = shift_2[5]
        right_4.next = right_3
        negative_4.next = value_3 < 0

    @always_comb
    def decode():
        twice.next = rounding == TWICE
        once.next = rounding == ONCE
        nearest.next = rounding != DOWN

    @always_comb
    def round_away_from_zero():
        # MyHDL writes a large constant as an unsigned number, which would make the whole Verilog sum unsigned.
        addend = intbv(0, min=-(1 << 31), max=1 << 31)
        addend[:] = half
        addend_4.next = 0
        if right_4 and twice_4:
            addend_4.next = addend
            if negative_4:
                addend_4.next = -addend
        elif once_4 and negative_4:
            addend_4.next = -1
        coarse_6.next = shift_6[5]

    return blocks, follow, decode, round_away_from_zero


@block
def total(clk, partial_sum, correction, other, record, masked, total_2, multiplier_1, shift_1):
    """total_2 (out, unsigned 32): partial_sum - correction + bias or other; multiplier_1, shift_1 (out): the record's, a cycle later."""
    difference, bias, inverse = unsigned(32), unsigned(32), unsigned(32)

    @always(clk.posedge)
    def subtract():
        exact = intbv(0, min=-(1 << 32), max=1 << 32)
        exact[:] = partial_sum - correction
        difference.next = exact[32:]
        bias.next = record.bias[32:]
        multiplier_1.next = record.multiplier
        if masked:
            multiplier_1.next = 0
        shift_1.next = record.shift[6:]

    @always_comb
    def invert():
        # One of the two is 0.
        inverse.next = (bias | other[32:]) ^ 0xFFFFFFFF

    @always(clk.posedge)
    def add_bias():
        # Of a subtraction synthesis gives the carry chain the difference as it is, so that the choice above goes into the sum's LUT; of an
        # addition it might be the other way round. 2 * difference - (2 * inverse + 1) is twice the sum, plus 1.
        exact = intbv(0, min=-(1 << 33), max=1 << 33)
        exact[:] = concat(difference, False) - concat(inverse, True)
        total_2.next = exact[33:1]

    return subtract, invert, add_bias


@block
def wrap_left(clk, total_2, shift_1, value_3):
    """value_3 (out, signed 32): what of total_2 a shift to the left keeps in 32 bits, not shifted. shift_1 (in, unsigned 6: signed bits).

    That is total_2 with every bit above `31 - left` a copy of bit `31 - left`.
    """
    left_2, left_3 = unsigned(5), unsigned(5)
    total_3 = unsigned(32)
    sign_3, fine_2, fine_3 = flag(), unsigned(4), unsigned(4)
    keeps, ends = unsigned(8), unsigned(8)
    high_of_all = tuple(sum(1 << g for g in range(8) if g + left < 7) for left in range(8))
    fine_of_all = tuple(sum(1 << j for j in range(4) if j + left < 4) for left in range(4))
    keeps_all, ends_all = high_of_all, tuple(1 << 7 - left for left in range(8))
    wrapped = unsigned(32)

    @always(clk.posedge)
    def follow():
        left_2.next = shift_1[5:]
        if shift_1[5]:
            left_2.next = 0
        left_3.next = left_2
        total_3.next = total_2
        fine_3.next = fine_2
        sign_3.next = total_2[31 ^ left_2]

    @always_comb
    def look_up():
        fine_2.next = fine_of_all[left_2[2:]]
        keeps.next = keeps_all[left_3[5:2]]
        ends.next = ends_all[left_3[5:2]]

    @always_comb
    def copy_sign():
        for i in range(32):
            wrapped.next[i] = sign_3
            if keeps[i >> 2] or (ends[i >> 2] and fine_3[i & 3]):
                wrapped.next[i] = total_3[i]

    @always_comb
    def route():
        value_3.next = wrapped.signed()

    return follow, look_up, copy_sign, route


@block
def shift_right(clk, product_9, shift_9, quotient_12, negative_12, over_12):
    """Shifts product_9 (in, unsigned 63: signed bits) right by 30 - shift.

    negative_12 (out, flag) is its sign, quotient_12 (out, unsigned QUOTIENT_BITS - 1) the lowest bits, unless over_12 (out, flag): more
    bits would be needed. shift_9 (in, unsigned 6: signed bits).
    """
    shift_10, shift_11 = unsigned(4), unsigned(2)
    places_9, places_10, places_11 = unsigned(6), unsigned(4), unsigned(2)
    coarse, middle = unsigned(25), unsigned(13)
    negative_10, negative_11, over_10, over_11 = flag(), flag(), flag(), flag()
    word = signed(74)
    flips_9, flips_10, flips_11 = unsigned(38), unsigned(12), unsigned(4)
    beyond_9, beyond_10, beyond_11 = flag(), flag(), flag()

    @always_comb
    def extend():
        # 31 - shift: the word has one bit more, below the product's lowest.
        places_9.next = shift_9 ^ 31
        places_10.next = shift_10 ^ 15
        places_11.next = shift_11 ^ 3
        word.next = product_9.signed() << 1

    @always_comb
    def look_above():
        flips_9.next = word[63:25]
        if word[63]:
            flips_9.next = word[63:25] ^ ((1 << 38) - 1)
        flips_10.next = coarse[25:13]
        if negative_10:
            flips_10.next = coarse[25:13] ^ 0xFFF
        flips_11.next = middle[13:9]
        if negative_11:
            flips_11.next = middle[13:9] ^ 0xF

    @always_comb
    def judge():
        beyond_9.next = ((flips_9[16:] != 0 and places_9[6:4] == 0) or (flips_9[32:16] != 0 and not places_9[5])
                         or (flips_9[38:32] != 0 and places_9[6:4] != 3))
        beyond_10.next = (over_10 or (flips_10[4:] != 0 and places_10[4:2] == 0) or (flips_10[8:4] != 0 and not places_10[3])
                          or (flips_10[12:8] != 0 and places_10[4:2] != 3))
        beyond_11.next = (over_11 or flips_11[3] or (flips_11[2] and places_11 != 3) or (flips_11[1] and not places_11[1])
                          or (flips_11[0] and places_11 == 0))

    @always(clk.posedge)
    def shift():
        coarse.next = word[25:]
        if places_9[6:4] == 1:
            coarse.next = word[41:16]
        elif places_9[6:4] == 2:
            coarse.next = word[57:32]
        elif places_9[6:4] == 3:
            coarse.next = word[73:48]
        middle.next = coarse[13:]
        if places_10[4:2] == 1:
            middle.next = coarse[17:4]
        elif places_10[4:2] == 2:
            middle.next = coarse[21:8]
        elif places_10[4:2] == 3:
            middle.next = coarse[25:12]
        quotient_12.next = middle[9:]
        if places_11 == 1:
            quotient_12.next = middle[10:1]
        elif places_11 == 2:
            quotient_12.next = middle[11:2]
        elif places_11 == 3:
            quotient_12.next = middle[12:3]

    @always(clk.posedge)
    def follow():
        shift_10.next = shift_9[4:]
        shift_11.next = shift_10[2:]
        negative_10.next = word[63]
        negative_11.next = negative_10
        negative_12.next = negative_11
        over_10.next = beyond_9
        over_11.next = beyond_10
        over_12.next = beyond_11

    return extend, look_above, judge, shift, follow


@block
def offset(clk, quotient_12, negative_12, over_12, nearest_12, zero_point_12, rounded_13):
    """rounded_13 (out, signed): the quotient without its lowest bit, rounded by it where nearest_12 (in, flag), plus the zero point."""
    saturated = signed(QUOTIENT_BITS)
    largest, least = (1 << QUOTIENT_BITS - 1) - 1, -(1 << QUOTIENT_BITS - 1)
    offset_12 = signed(9)

    @always_comb
    def saturate():
        offset_12.next = concat(zero_point_12[8:], nearest_12).signed()
        saturated.next = concat(negative_12, quotient_12).signed()
        if over_12:
            saturated.next = largest
            if negative_12:
                saturated.next = least

    @always(clk.posedge)
    def add():
        doubled = intbv(0, min=-(1 << QUOTIENT_BITS), max=1 << QUOTIENT_BITS)
        # A one below the zero point carries where the lowest bit is set.
        doubled[:] = offset_12 + saturated
        rounded_13.next = doubled >> 1

    return saturate, add


@block
def clamp(clk, rounded_13, minimum_13, maximum_13, result):
    """result (out, unsigned 8: signed bits): rounded_13 of the cycle before, between the two bounds."""

    low, high, below, above = signed(QUOTIENT_BITS), signed(QUOTIENT_BITS), flag(), flag()

    @always_comb
    def extend():
        low.next = minimum_13
        high.next = maximum_13

    @always(clk.posedge)
    def bound():
        if below:
            result.next = minimum_13[8:]
        elif above:
            result.next = maximum_13[8:]
        else:
            result.next = rounded_13[8:]

    return extend, greater(low, rounded_13, below), greater(rounded_13, high, above), bound
