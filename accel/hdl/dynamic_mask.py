# SPDX-License-Identifier: BSD-2-Clause
"""The dynamic input-channel mask: one word a block of input channels, set by MASK instructions."""

from myhdl import always, always_comb, block

from accel import isa
from accel.hdl.fields import span
from accel.hdl.interfaces import unsigned


@block
def dynamic_mask(clk, write, word, number, mask, config):
    """mask (out, unsigned block_channels): word `number` (in) of the mask, combinational; `write` (in, flag): MASK is in `word` (in)."""
    block_high, block_low = span("MASK", "block")
    channels_low = span("MASK", "channels")[1]
    channels_high = channels_low + config.block_channels
    words = [unsigned(config.block_channels) for _ in range(1 << next(field.bits for field in isa.BY_NAME["MASK"].fields if field.name == "block"))]

    @always(clk.posedge)
    def store():
        if write:
            words[word[block_high:block_low]].next = word[channels_high:channels_low]

    @always_comb
    def read():
        mask.next = words[number]

    return store, read
