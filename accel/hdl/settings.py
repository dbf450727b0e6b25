# SPDX-License-Identifier: BSD-2-Clause
"""Registers for the fields of an instruction, made from the instruction table."""

from myhdl import always, block

from accel import isa
from accel.hdl.interfaces import flag, signed, unsigned

_SYNC = ("wait_a", "wait_b", "signal_a", "signal_b")


def field_signal(field):
    """Return a signal as wide as a field of the instruction table."""
    if field.signed:
        return signed(field.bits)
    return flag() if field.bits == 1 else unsigned(field.bits)


class Settings:
    """One signal a field of instruction `name`, under the field's name; without the semaphore fields."""

    def __init__(self, name):
        self.fields = tuple(field for field in isa.BY_NAME[name].fields if field.name not in _SYNC)
        for field in self.fields:
            setattr(self, field.name, field_signal(field))


@block
def field_register(clk, enable, word, target, low, bits, is_signed):
    """target (out) takes word[low + bits:low] in each cycle with `enable`."""
    high = low + bits

    if is_signed:
        @always(clk.posedge)
        def store():
            if enable:
                target.next = word[high:low].signed()
    elif bits == 1:
        @always(clk.posedge)
        def store():
            if enable:
                target.next = word[low]
    else:
        @always(clk.posedge)
        def store():
            if enable:
                target.next = word[high:low]

    return store


@block
def settings_register(clk, enable, word, settings):
    """settings (out, Settings) takes its fields from the instruction `word` in each cycle with `enable`."""
    return [field_register(clk, enable, word, getattr(settings, field.name), field.low, field.bits, field.signed)
            for field in settings.fields]


@block
def copy_register(clk, enable, source, target):
    """target (out) takes source in each cycle with `enable`."""

    @always(clk.posedge)
    def copy():
        if enable:
            target.next = source

    return copy


@block
def settings_copy(clk, enable, source, target):
    """target (out, Settings) takes all fields of source (Settings of the same instruction) in each cycle with `enable`."""
    return [copy_register(clk, enable, getattr(source, field.name), getattr(target, field.name)) for field in source.fields]
