# SPDX-License-Identifier: BSD-2-Clause
"""Both FIFOs give every word once, in order, whatever stalls; their level is right; clear empties them."""

import numpy as np
import pytest

from accel.hdl.fifo import block_fifo, fifo
from accel.hdl.interfaces import Stream, flag, unsigned
from tests.support.bench import Sink, Source, run_block

KINDS = {"fifo": (fifo, 0), "block_fifo": (block_fifo, 2)}


@pytest.mark.parametrize("source_stall, sink_stall", [(0, 0), (0, 70), (70, 0), (50, 50), (0, 98)])
@pytest.mark.parametrize("kind", KINDS)
def test_words_come_out_in_order_and_none_is_lost_or_added(kind, source_stall, sink_stall):
    block, ahead = KINDS[kind]
    clk, clear, into, out, level = flag(), flag(), Stream(16), Stream(16), unsigned((16 + ahead).bit_length())
    words = [int(word) for word in np.random.default_rng(7).integers(0, 1 << 16, 150)]
    source, sink = Source(into, words, 7, source_stall), Sink(out, 7, sink_stall)
    levels = []

    def drive(cycle):
        source.drive()
        sink.drive()

    def sample(cycle):
        levels.append(int(level) - (len(words) - len(source.words) - len(sink.words)))
        source.sample()
        sink.sample()

    cycles = 1200 if sink_stall < 90 else 12000
    run_block(clk, block(clk, clear, into, out, level, 16), cycles, drive, sample)
    assert sink.words == words
    assert set(levels) == {0}, "level is not what is held"


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_speed_stream_moves_a_word_in_every_cycle(kind):
    block, ahead = KINDS[kind]
    clk, clear, into, out, level = flag(), flag(), Stream(8), Stream(8), unsigned((16 + ahead).bit_length())
    source, sink = Source(into, range(100), 0, 0), Sink(out, 0, 0)

    def drive(cycle):
        source.drive()
        sink.drive()

    def sample(cycle):
        source.sample()
        sink.sample()

    run_block(clk, block(clk, clear, into, out, level, 16), 100 + 3 + 1, drive, sample)
    assert sink.words == list(range(100))


@pytest.mark.parametrize("kind", KINDS)
def test_clear_forgets_everything(kind):
    block, ahead = KINDS[kind]
    clk, clear, into, out, level = flag(), flag(), Stream(8), Stream(8), unsigned((16 + ahead).bit_length())
    source, sink = Source(into, [1, 2, 3], 0, 0), Sink(out, 0, 100)

    def drive(cycle):
        source.drive()
        clear.next = cycle == 12
        if cycle == 14:
            source.words.append(9)
            sink.stall = 0
        sink.drive()

    def sample(cycle):
        source.sample()
        if cycle == 12:
            sink.offered = None
        elif cycle > 12:
            sink.sample()

    run_block(clk, block(clk, clear, into, out, level, 16), 40, drive, sample)
    assert sink.words == [9]
