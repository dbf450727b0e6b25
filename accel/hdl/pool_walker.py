# SPDX-License-Identifier: BSD-2-Clause
"""Walks a max pool: for each output pixel every position of the window, one a cycle, from cluster 0's buffer."""

from myhdl import always, always_comb, block

from accel.hdl.compare import greater
from accel.hdl.interfaces import flag, signed, unsigned
from accel.hdl.step import OFFSET_BITS, PLACE_BITS

# From which column a position is one step away: the last position's, its window's first, the map's first, the run's first.
FROM_LAST, FROM_WINDOW, FROM_LINE, FROM_RUN = range(4)


@block
def pool_walker(clk, clear, stop, start, tile, left, windows, busy, issues, first, last, ended, word_addresses, address, outside, half, beyond,
                config):
    """Starts with start (in, flag), on the settings `tile` (in, Tile), which must hold while busy (out, flag).

    issues (out, flag): a window position is read in this cycle; first, last (out, flags): of its window. ended (out, flag): it is the
        pool's last. word_addresses (out, list, a bank each): a cycle later. Two cycles later: outside (out, flag), the position is outside the map;
        half (out, flag), the beat is the second of its word; beyond
        (out, flag), the read is in the map but outside the buffer; address (out, signed): the word's unwrapped address.
    left (in, flag): a window's beat has left. At most `windows` windows are begun and have not left.
    stop (in, flag): begin nothing more. busy stays until all beats have left.
    """
    shape, walk, run = tile.shape, tile.walk, tile.runs[0]
    running, opens, row_ends, window_ends, line_ends, final = (flag() for _ in range(6))
    credits = unsigned(windows.bit_length(), windows)

    positions = count_positions(clk, start, issues, shape, opens, row_ends, window_ends)
    pixels = count_pixels(clk, start, issues, window_ends, shape, run, line_ends, final)
    way = walk_buffer(clk, start, issues, opens, row_ends, window_ends, line_ends, shape, walk, run, word_addresses, address, outside, half, beyond,
                      config)

    @always_comb
    def decide():
        issues.next = running and not stop and (credits != 0 or not opens)

    @always_comb
    def route():
        first.next = opens
        last.next = window_ends
        ended.next = issues and window_ends and final
        busy.next = running or credits != windows

    @always(clk.posedge)
    def run_on():
        if start:
            running.next = True
        elif issues and window_ends and final:
            running.next = False
        if issues and opens and not left:
            credits.next = credits - 1
        elif left and not (issues and opens):
            credits.next = credits + 1
        if clear:
            running.next = False
            credits.next = windows

    return positions, pixels, way, decide, route, run_on


@block
def count_positions(clk, start, issues, shape, opens, row_ends, window_ends):
    """opens, row_ends, window_ends (out, flags): the next position is its window's first, its row's last, its window's last."""
    ky, kx = unsigned(7), unsigned(7)

    @always_comb
    def compare():
        row_ends.next = kx == shape.kernel_width
        window_ends.next = kx == shape.kernel_width and ky == shape.kernel_height

    @always(clk.posedge)
    def count():
        if start or (issues and row_ends):
            kx.next = 1
        elif issues:
            kx.next = kx + 1
        if start or (issues and window_ends):
            ky.next = 1
        elif issues and row_ends:
            ky.next = ky + 1
        if start or issues:
            opens.next = start or window_ends

    return compare, count


@block
def count_pixels(clk, start, issues, window_ends, shape, run, line_ends, final):
    """line_ends, final (out, flags): the window is the last of its row of outputs, of the run."""
    # Minus the windows left, and the output columns with this one: counted up from what the start loads, in the same additions.
    left, column, left_before, column_before = unsigned(12), unsigned(13), unsigned(12), unsigned(13)

    @always_comb
    def choose():
        left_before.next = left
        column_before.next = column
        if line_ends:
            column_before.next = 0
        if start:
            left_before.next = run.pixels ^ 0xFFF
            column_before.next = run.output_x

    @always_comb
    def compare():
        line_ends.next = column == shape.output_width
        final.next = left == 0xFFF

    @always(clk.posedge)
    def count():
        if start or (issues and window_ends and not final):
            left.next = left_before + 1
            column.next = column_before + 1

    return choose, compare, count


@block
def walk_buffer(clk, start, issues, opens, row_ends, window_ends, line_ends, shape, walk, run, word_addresses, address, outside, half, beyond,
                config):
    """Follows the positions through the buffer and the map. Each is one step from an earlier one; the step is ready before it is taken."""
    now, window, now_before = (signed(OFFSET_BITS + 1) for _ in range(3))
    y, window_y, y_before = (signed(14) for _ in range(3))
    x, window_x, x_before = (signed(PLACE_BITS) for _ in range(3))
    step, y_step, x_step = signed(OFFSET_BITS), unsigned(4), unsigned(8)
    x_from = unsigned(2)
    valid_1, inside = flag(), flag()
    y_low, x_low, y_inside, x_inside = unsigned(12), unsigned(14), flag(), flag()
    low = (config.block_channels - 1).bit_length()
    high, x_bits = low + len(word_addresses[0]), PLACE_BITS
    first_bank, last_bank = word_addresses[0], word_addresses[-1]
    two_banks, half_bit = len(word_addresses) == 2, low - 1
    height_check = greater(shape.height, y_low, y_inside)
    width_check = greater(shape.width, x_low, x_inside)

    @always(clk.posedge)
    def prepare_step():
        if issues:
            step.next = walk.tap_step
            y_step.next = 0
            x_step.next = 1
            x_from.next = FROM_LAST
            if window_ends and line_ends:
                step.next = walk.row_step
                y_step.next = shape.stride_y
                x_step.next = 0
                x_from.next = FROM_LINE
            elif window_ends:
                step.next = walk.pixel_step
                x_step.next = shape.stride_x
                x_from.next = FROM_WINDOW
            elif row_ends:
                step.next = walk.tap_row_step
                y_step.next = 1
                x_step.next = 0
                x_from.next = FROM_WINDOW
        if start:
            step.next = 0
            y_step.next = 0
            x_step.next = 0
            x_from.next = FROM_RUN

    @always_comb
    def choose():
        now_before.next = now
        y_before.next = y
        if opens:
            now_before.next = window
            y_before.next = window_y
        x_before.next = x
        if x_from == FROM_WINDOW:
            x_before.next = window_x
        elif x_from == FROM_LINE:
            x_before.next = shape.first_x
        elif x_from == FROM_RUN:
            now_before.next = run.address
            y_before.next = run.y
            x_before.next = run.x

    @always(clk.posedge)
    def take_step():
        if issues:
            now.next = step + now_before
            y.next = y_step + y_before
            x.next = x_step + x_before
        if issues and opens:
            window.next = step + now_before
            window_y.next = y_step + y_before
            window_x.next = x_step + x_before
        valid_1.next = issues

    @always_comb
    def route():
        y_low.next = y[12:]
        x_low.next = x[14:]
        inside.next = y[14:12] == 0 and x[x_bits:14] == 0 and y_inside and x_inside

    @always(clk.posedge)
    def check():
        outside.next = not inside
        beyond.next = valid_1 and inside and now[:high] != 0
        address.next = now

    if two_banks:
        @always_comb
        def address_banks():
            first_bank.next = now[high:low]
            last_bank.next = now[high:low]

        @always(clk.posedge)
        def choose_half():
            half.next = now[half_bit]
    else:
        @always_comb
        def address_banks():
            first_bank.next = now[high:low]

        @always(clk.posedge)
        def choose_half():
            half.next = False

    return height_check, width_check, prepare_step, choose, take_step, route, check, address_banks, choose_half
