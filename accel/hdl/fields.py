# SPDX-License-Identifier: BSD-2-Clause
"""Where an instruction's fields lie, and what several engines read of them."""

from myhdl import always_comb, block, ConcatSignal

from accel import isa


def span(name, field):
    """Return (high, low) of a field, for a slice of the instruction word."""
    for candidate in isa.BY_NAME[name].fields:
        if candidate.name == field:
            return candidate.low + candidate.bits, candidate.low
    raise KeyError(f"{name} has no field {field}")


def bits_of(flags):
    """Return one signal of a list of flags, the first one lowest."""
    return ConcatSignal(*reversed(flags)) if len(flags) > 1 else flags[0]


@block
def semaphore_mask(word, mask):
    """mask (out, unsigned 8): the semaphores that signal_a and signal_b of an instruction name. Combinational."""
    a_high, a_low = span("CONV", "signal_a")
    b_high, b_low = span("CONV", "signal_b")

    @always_comb
    def decode():
        mask.next = 0
        if word[a_high - 1]:
            mask.next[word[a_high - 1:a_low]] = True
        if word[b_high - 1]:
            mask.next[word[b_high - 1:b_low]] = True

    return decode
