# SPDX-License-Identifier: BSD-2-Clause
"""Walks a max pool: for each output pixel every position of the window, one a cycle, from cluster 0's buffer."""

from myhdl import always, always_comb, block

from accel.hdl.interfaces import flag, signed, unsigned
from accel.hdl.pixel_walker import Place, pixel_walker
from accel.hdl.step_loader import OFFSET_BITS, PLACE_BITS

CREDITS = 8


@block
def pool_walker(clk, clear, stop, start, tile, taken, busy, issues, first, last, ended, word_addresses, address, outside, beyond, config):
    """Starts with `start` (in, flag), on the settings `tile` (in, Tile), which must hold while busy (out, flag).

    issues (out, flag): a window position is read in this cycle; first, last (out, flags): of its window. ended (out, flag): it is the
        pool's last. word_addresses (out), outside (out, flag, two cycles later), address, beyond (out): as pixel_walker has them.
    taken (in, flag): the output stream took a beat. At most CREDITS windows are begun and not taken.
    stop (in, flag): begin nothing more. busy stays until all beats are taken.
    """
    running, restart, opens, advance, issue, valid, used = (flag() for _ in range(7))
    ky, kx, offset = unsigned(6), unsigned(6), signed(OFFSET_BITS)
    pixels_left, last_column, number = unsigned(12), unsigned(12), unsigned(1)
    credits, last_tap = unsigned(4, CREDITS), flag()
    x_offset, slot, place = unsigned(PLACE_BITS - 1), flag(), Place(config)
    shape, walk, run = tile.shape, tile.walk, tile.runs[0]

    @always_comb
    def decide():
        last_tap.next = ky == shape.kernel_height - 1 and kx == shape.kernel_width - 1
        issue.next = running and not stop and (credits != 0 or ky != 0 or kx != 0)
        used.next = True
        opens.next = True
        slot.next = False
        x_offset.next = kx
        outside.next = not place.row_inside or place.negative or place.ended

    @always_comb
    def route():
        issues.next = issue
        first.next = ky == 0 and kx == 0
        last.next = last_tap
        advance.next = issue and last_tap
        ended.next = issue and last_tap and pixels_left == 0
        restart.next = start
        number.next = 0
        busy.next = running or credits != CREDITS

    @always(clk.posedge)
    def walk_window():
        if start:
            running.next = True
            pixels_left.next = run.pixels - 1
            last_column.next = shape.output_width - 1
            ky.next = 0
            kx.next = 0
            offset.next = 0
        elif issue:
            if last_tap:
                ky.next = 0
                kx.next = 0
                offset.next = 0
                if pixels_left == 0:
                    running.next = False
                else:
                    pixels_left.next = pixels_left - 1
            elif kx == shape.kernel_width - 1:
                ky.next = ky + 1
                kx.next = 0
                offset.next = offset + walk.tap_row_step
            else:
                kx.next = kx + 1
                offset.next = offset + walk.tap_step
        if clear:
            running.next = False

    @always(clk.posedge)
    def count_credits():
        if issue and ky == 0 and kx == 0 and not taken:
            credits.next = credits - 1
        elif taken and not (issue and ky == 0 and kx == 0):
            credits.next = credits + 1
        if clear:
            credits.next = CREDITS

    pixels = pixel_walker(clk, restart, opens, advance, run, run, shape, walk, last_column, offset, ky, x_offset, used, number, slot, issue,
                          shape.height, shape.width, valid, word_addresses, place, address, beyond, config)
    return decide, route, walk_window, count_credits, pixels
