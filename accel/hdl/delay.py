# SPDX-License-Identifier: BSD-2-Clause
"""A fixed delay of one word, for what has to arrive together with something that takes longer."""

from myhdl import always, always_comb, block, concat, intbv, Signal


@block
def delay(clk, source, target, cycles):
    """target (out) is source of `cycles` >= 0 cycles ago. Both are of the same type. Without reset."""
    bits = len(source) or 1
    is_signed = source.min is not None and source.min < 0

    if cycles == 0:
        @always_comb
        def route():
            target.next = source

        return route

    if cycles == 1:
        @always(clk.posedge)
        def register():
            target.next = source

        return register

    line = Signal(intbv(0)[bits * cycles:])
    kept = bits * (cycles - 1)

    @always(clk.posedge)
    def shift():
        line.next = concat(line[kept:], source)

    if bits == 1:
        @always_comb
        def route():
            target.next = line[kept]
    elif is_signed:
        @always_comb
        def route():
            target.next = line[kept + bits:kept].signed()
    else:
        @always_comb
        def route():
            target.next = line[kept + bits:kept]

    return shift, route
