# SPDX-License-Identifier: BSD-2-Clause
"""Max pooling of beats: walks the windows, takes the maxima and puts out one beat a pixel."""

from myhdl import always_comb, block

from accel.hdl.delay import delay
from accel.hdl.interfaces import flag, unsigned
from accel.hdl.pool import pool
from accel.hdl.pool_output import PLACES, pool_output
from accel.hdl.pool_walker import pool_walker

TO_WORD = 3


@block
def pool_engine(clk, clear, stop, start, tile, word, outputs, idle, issues, ended, word_addresses, address, beyond, config):
    """Works on `tile` (in, Tile), which must hold, from start (in, flag) until idle (out, flag).

    word_addresses (out, list) name a word of cluster 0's buffer, word (in) is there two cycles later. issues (out, flag): a position of a window
    is read; ended (out, flag): the last of all. address, beyond (out): as pool_walker has them. outputs (out, Stream): at most a beat in
    four cycles, more often no window is begun.
    """
    first, last, outside, half, begun, left, leaving = (flag() for _ in range(7))
    issues_3, first_3, last_3, outside_3, half_3, result_valid = (flag() for _ in range(6))
    result = unsigned(8 * config.columns)

    walk = pool_walker(clk, clear, stop, start, tile, left, PLACES, begun, issues, first, last, ended, word_addresses, address, outside, half, beyond,
                       config)
    delays = [delay(clk, issues, issues_3, TO_WORD), delay(clk, first, first_3, TO_WORD), delay(clk, last, last_3, TO_WORD),
              delay(clk, outside, outside_3, 1), delay(clk, half, half_3, 1)]
    maximum = pool(clk, issues_3, first_3, last_3, outside_3, half_3, word, result_valid, result, config)
    clamped = pool_output(clk, clear, result_valid, result, tile.drain.clamp_min, tile.drain.clamp_max, outputs, left, leaving, config)

    @always_comb
    def route():
        idle.next = not begun and not leaving

    return walk, delays, maximum, clamped, route
