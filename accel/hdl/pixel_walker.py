# SPDX-License-Identifier: BSD-2-Clause
"""Walks one cluster's run of output pixels: the address under the window's top left and its place in the input map."""

from myhdl import always, always_comb, block

from accel.hdl.interfaces import flag, signed, unsigned
from accel.hdl.step import OFFSET_BITS, PLACE_BITS


class Place:
    """Where a window's read lies in the map: `row_inside`; how its column lies to the left border (`negative`; `far`: by more than a word;
    `low`: its low bits) and to the right one (`ended`: at or beyond it; `near`: less than a word before it, `room` columns); `rotate`: the
    byte of the word at which the address begins."""

    def __init__(self, config):
        bits = (config.block_channels - 1).bit_length()
        self.row_inside, self.negative, self.far, self.ended, self.near = (flag() for _ in range(5))
        self.low, self.room, self.rotate = unsigned(bits), unsigned(bits), unsigned(bits)


@block
def pixel_walker(clk, restart, opens, advance, waiting_run, run, shape, walk, last_column, offset, ky, x_offset, used, number, slot, running,
                 height, width, valid, word_addresses, place, address, beyond, config):
    """One pixel a cycle; a pixel's number `number` at cycle t gives `word_addresses` at t + 1, `place` at t + 2, `beyond` at t + 3.

    restart (in, flag): the next cycle is pixel 0, of waiting_run where `opens` (in, flag), else of run (both in, Settings of TILE).
    advance (in, flag): the next cycle is the next pixel. shape, walk (in, Settings), last_column (in, unsigned 12): output_width - 1.
    offset (in, signed), ky, x_offset (in): the step's kernel position. used (in, flag): the step has channels. number (in): the pixel.
    slot (in, flag): this is no pixel but the zero point's place, outside the map for every cluster. running (in, flag).
    height, width (in): the map's size, those of the cycle before: they belong to the addition's stage.
    valid (out, flag): the cluster has this pixel, at t (combinational). word_addresses (out, list): the word to read in each bank, at t + 1:
        a window begins at the beat that holds its address, so in the second half of a word its second half is in the next word.
    place (out, Place). beyond (out, flag): the read is in the map but outside the buffer; address (out, signed): its unwrapped address.
    """
    base, y, x, column = signed(OFFSET_BITS), signed(14), signed(PLACE_BITS - 1), unsigned(13)
    total, total_up, row, column_place = signed(OFFSET_BITS + 1), signed(OFFSET_BITS + 1), signed(15), signed(PLACE_BITS)
    checked_1, slot_1, checked_2 = flag(), flag(), flag()
    total_2 = signed(OFFSET_BITS + 1)
    word = config.block_channels
    bits, address_bits = (word - 1).bit_length(), len(word_addresses[0])
    high = bits + address_bits
    size, beat = config.activation_bytes, config.beat_bytes
    first_bank, last_bank = word_addresses[0], word_addresses[-1]
    two_banks = len(word_addresses) == 2

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
        valid.next = running and (slot or number < run.pixels)

    @always(clk.posedge)
    def add():
        total.next = base + offset
        total_up.next = base + offset + beat
        row.next = y + ky
        column_place.next = x + x_offset
        checked_1.next = valid and used and not shape.packed
        slot_1.next = slot

    if two_banks:
        @always_comb
        def route():
            first_bank.next = total_up[high:bits]
            last_bank.next = total[high:bits]
    else:
        @always_comb
        def route():
            first_bank.next = total[high:bits]

    @always(clk.posedge)
    def compare():
        place.row_inside.next = row >= 0 and row < height and not slot_1
        place.negative.next = column_place < 0
        place.far.next = column_place < -word
        place.low.next = column_place[bits:]
        place.ended.next = column_place >= width
        place.near.next = width - column_place < word
        place.room.next = (width - column_place) & (word - 1)
        place.rotate.next = total[bits:]
        total_2.next = total
        checked_2.next = checked_1

    @always(clk.posedge)
    def check():
        beyond.next = (checked_2 and place.row_inside and not place.negative and not place.ended and (total_2 < 0 or total_2 >= size))
        address.next = total_2

    return step, look_at_run, add, route, compare, check
