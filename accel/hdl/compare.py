# SPDX-License-Identifier: BSD-2-Clause
"""Comparison of short numbers as a ripple of look-up tables, two bits each: half of what a carry chain takes."""

from myhdl import always_comb, block, intbv


@block
def greater(a, b, result):
    """result (out, flag): a > b. Combinational. a, b (in): equally wide, both signed or both unsigned."""
    bits = len(a)
    # In two's complement the top bit counts the other way round.
    top = bits - 1 if a.min < 0 else bits

    @always_comb
    def ripple():
        above = intbv(0)[bits + 1:]
        above[:] = 0
        for i in range(bits):
            if i == top:
                above[i + 1] = (b[i] and not a[i]) or (above[i] and a[i] == b[i])
            else:
                above[i + 1] = (a[i] and not b[i]) or (above[i] and a[i] == b[i])
        result.next = above[bits]

    return ripple
