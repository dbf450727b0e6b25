# SPDX-License-Identifier: BSD-2-Clause
"""Walks one cluster's run of output pixels: the address under the window's top left and its place in the input map."""

from myhdl import always, always_comb, block

from accel.hdl.interfaces import flag, signed, unsigned
from accel.hdl.step_loader import OFFSET_BITS


@block
def pixel_walker(clk, restart, opens, advance, waiting_run, run, shape, walk, last_column, offset, ky, kx, used, number, running, height,
                 width, valid, word_address, address, outside, beyond, config):
    """One pixel a cycle; a pixel's number `number` at cycle t gives `word_address` at t + 1 and the rest at t + 2.

    restart (in, flag): the next cycle is pixel 0, of waiting_run where `opens` (in, flag), else of run (both in, Settings of TILE).
    advance (in, flag): the next cycle is the next pixel. shape, walk (in, Settings), last_column (in, unsigned 12): output_width - 1.
    offset, ky, kx (in): the step's kernel position. used (in, flag): the step has channels. number (in): the pixel. running (in, flag).
    height, width (in): the map's size, those of the cycle before: they belong to the addition's stage.
    valid (out, flag): the cluster has this pixel, at t (combinational). word_address (out): the word to read, at t + 1.
    outside (out, flag): at t + 2, the position is outside the map. beyond (out, flag): at t + 2, the read is in the map but outside the
        buffer; address (out, signed): the word's unwrapped address then.
    """
    base, y, x, column = signed(OFFSET_BITS), signed(14), signed(14), unsigned(13)
    total, row, place = signed(OFFSET_BITS + 1), signed(15), signed(15)
    valid_1, inside = flag(), flag()
    words, address_bits = config.activation_words, len(word_address)

    @always(clk.posedge)
    def step():
        if restart and opens:
            base.next = waiting_run.address
            y.next = waiting_run.y
            x.next = waiting_run.x
            column.next = waiting_run.output_x
        elif restart:
            base.next = run.address
            y.next = run.y
            x.next = run.x
            column.next = run.output_x
        elif advance:
            if column == last_column:
                base.next = base + walk.row_step
                y.next = y + shape.stride_y
                x.next = shape.first_x
                column.next = 0
            else:
                base.next = base + walk.pixel_step
                x.next = x + shape.stride_x
                column.next = column + 1

    @always_comb
    def look_at_run():
        valid.next = running and number < run.pixels

    @always(clk.posedge)
    def add():
        total.next = base + offset
        row.next = y + ky
        place.next = x + kx
        valid_1.next = valid and used

    @always_comb
    def route():
        word_address.next = total[address_bits:]
        inside.next = row >= 0 and row < height and place >= 0 and place < width

    @always(clk.posedge)
    def check():
        outside.next = not inside
        beyond.next = valid_1 and inside and (total < 0 or total >= words)
        address.next = total

    return step, look_at_run, add, route, check
