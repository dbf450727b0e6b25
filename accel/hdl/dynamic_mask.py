# SPDX-License-Identifier: BSD-2-Clause
"""The dynamic input-channel mask: one word a block of input channels, set by MASK instructions and by what STOREs measure."""

from myhdl import always, always_comb, block

from accel import isa
from accel.hdl.fields import bits_of, span
from accel.hdl.interfaces import flag, unsigned


@block
def mask_part(clk, write, word, number, part, store, measured, config, plane):
    """part (out, unsigned columns): plane `plane` of the mask's word `number` (in), combinational.

    write (in, flag): MASK is in word (in). store (in, flag): measured (in, MaskWrite) is written; both never at a time.
    """
    block_high, block_low = span("MASK", "block")
    low = span("MASK", "channels")[1] + plane * config.columns
    high = low + config.columns
    plane_bits = config.beats_per_word - 1
    words = [unsigned(config.columns) for _ in range(isa.MASK_WORDS)]
    mine, address, there, value = flag(), unsigned(block_high - block_low), unsigned(config.columns), unsigned(config.columns)

    @always_comb
    def choose():
        mine.next = write or (store and (plane_bits == 0 or measured.plane[0] == plane))
        address.next = measured.plane[plane_bits + 5:plane_bits]
        if write:
            address.next = word[block_high:block_low]

    @always_comb
    def look_back():
        there.next = words[measured.plane[plane_bits + 5:plane_bits]]

    @always_comb
    def change():
        value.next = measured.flags
        if write:
            value.next = word[high:low]
        elif not measured.first:
            value.next = there | measured.flags

    @always(clk.posedge)
    def keep():
        if mine:
            words[address].next = value

    @always_comb
    def read():
        part.next = words[number]

    return choose, look_back, change, keep, read


@block
def dynamic_mask(clk, clear, write, word, number, mask, measured, config):
    """mask (out, unsigned block_channels): word `number` (in) of the mask, combinational; `write` (in, flag): MASK is in `word` (in).

    measured (in, MaskWrite) waits a cycle where MASK writes in its own. MASK never writes in two cycles running, so measured is in the
    mask four cycles after the last beat of its STORE moved at the latest; a CONV that takes the STORE's semaphore looks six cycles after it
    at the earliest.
    """
    waiting, store = flag(), flag()
    parts = [unsigned(config.columns) for _ in range(config.beats_per_word)]
    joined = bits_of(parts)
    memories = [mask_part(clk, write, word, number, parts[plane], store, measured, config, plane) for plane in range(config.beats_per_word)]

    @always_comb
    def decide():
        store.next = (measured.enable or waiting) and not write

    @always(clk.posedge)
    def hold_back():
        waiting.next = (measured.enable or waiting) and write and not clear

    @always_comb
    def join():
        mask.next = joined

    return memories, decide, hold_back, join
