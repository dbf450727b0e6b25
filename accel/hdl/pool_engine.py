# SPDX-License-Identifier: BSD-2-Clause
"""Max pooling of one plane: walks the windows, takes the maxima and puts out one beat a pixel."""

from myhdl import always_comb, block

from accel.hdl.delay import delay
from accel.hdl.fifo import fifo
from accel.hdl.interfaces import Stream, flag, unsigned
from accel.hdl.pool import pool
from accel.hdl.pool_walker import CREDITS, pool_walker

TO_WORD = 3


@block
def choose_plane(word, plane, data, columns):
    """data (out) is plane `plane` of word. Combinational."""
    low, high = 8 * columns, 16 * columns

    if len(word) == low:
        @always_comb
        def choose():
            data.next = word
    else:
        @always_comb
        def choose():
            data.next = word[low:]
            if plane:
                data.next = word[high:low]

    return choose


@block
def pool_engine(clk, clear, stop, start, tile, plane, word, outputs, idle, issues, ended, word_addresses, address, beyond, config):
    """Works on `tile` (in, Tile), which must hold, from start (in, flag) until idle (out, flag).

    word_addresses (out, list) name a word of cluster 0's buffer, word (in) is there two cycles later. issues (out, flag): a position of a window
    is read; ended (out, flag): the last of all. address, beyond (out): as pixel_walker has them. outputs (out, Stream).
    """
    first, last, outside, busy, taken = (flag() for _ in range(5))
    issues_3, first_3, last_3, outside_1, result_valid = (flag() for _ in range(5))
    data, result = unsigned(8 * config.columns), unsigned(8 * config.columns)
    source, level = Stream(8 * config.columns), unsigned(CREDITS.bit_length())

    walk = pool_walker(clk, clear, stop, start, tile, taken, busy, issues, first, last, ended, word_addresses, address, outside, beyond, config)
    delays = [delay(clk, issues, issues_3, TO_WORD), delay(clk, first, first_3, TO_WORD), delay(clk, last, last_3, TO_WORD),
              delay(clk, outside, outside_1, 1)]
    plane_block = choose_plane(word, plane, data, config.columns)
    maximum = pool(clk, issues_3, first_3, last_3, outside_1, data, tile.drain.clamp_min, tile.drain.clamp_max, result_valid, result, config)
    skid = fifo(clk, clear, source, outputs, level, CREDITS)

    @always_comb
    def route():
        idle.next = not busy
        taken.next = outputs.valid and outputs.ready
        source.valid.next = result_valid
        source.data.next = result

    return walk, delays, plane_block, maximum, skid, route
