# SPDX-License-Identifier: BSD-2-Clause
"""The pool engine gives the beats of whole pools, in time and under stalls, and marks reads beyond the buffer."""

from dataclasses import replace

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.hdl.interfaces import Stream, flag, signed, unsigned
from accel.hdl.pool_engine import pool_engine
from accel.hdl.step import OFFSET_BITS
from accel.hdl.walker import Tile
from tests.support.bench import Sink, run_block

TINY = CONFIGS["tiny"]
HEIGHT, WIDTH = 9, 11


class Pool:
    """One pool's settings for a map of HEIGHT x WIDTH words at word 3, and what it should give."""

    def __init__(self, kernel, stride, padding, start, pixels, clamp=(-128, 127), plane=0):
        (self.kernel_height, self.kernel_width), (self.stride_y, self.stride_x) = kernel, stride
        self.first_y, self.first_x = -padding[0], -padding[1]
        self.output_width = (WIDTH + 2 * padding[1] - kernel[1]) // stride[1] + 1
        self.start, self.pixels, self.clamp, self.plane = start, pixels, clamp, plane
        self.pitch, self.base = WIDTH, 3

    def place(self, pixel):
        """Return row and column under the window's top left."""
        line, column = divmod(self.start + pixel, self.output_width)
        return self.first_y + line * self.stride_y, self.first_x + column * self.stride_x

    def apply(self, tile, word_bytes, beat_bytes):
        """Set the tile's signals; addresses and steps count bytes."""
        shape, walk, drain, run = tile.shape, tile.walk, tile.drain, tile.runs[0]
        for name in ("kernel_height", "kernel_width", "stride_y", "stride_x", "first_x", "output_width"):
            getattr(shape, name).next = getattr(self, name)
        shape.height.next, shape.width.next = HEIGHT, WIDTH
        walk.pixel_step.next, walk.tap_step.next = word_bytes * self.stride_x, word_bytes
        walk.row_step.next = word_bytes * (self.stride_y * self.pitch - (self.output_width - 1) * self.stride_x)
        walk.tap_row_step.next = word_bytes * (self.pitch - (self.kernel_width - 1))
        drain.clamp_min.next, drain.clamp_max.next = self.clamp
        y, x = self.place(0)
        run.address.next, run.y.next, run.x.next = word_bytes * (self.base + y * self.pitch + x) + self.plane * beat_bytes, y, x
        run.output_x.next, run.pixels.next = self.start % self.output_width, self.pixels

    def positions(self):
        """Return per pixel the addresses inside the map, None outside."""
        for pixel in range(self.pixels):
            y, x = self.place(pixel)
            yield [self.base + (y + j) * self.pitch + x + i if 0 <= y + j < HEIGHT and 0 <= x + i < WIDTH else None
                   for j in range(self.kernel_height) for i in range(self.kernel_width)]

    def expected(self, words, columns):
        """Return its beats."""
        low = self.plane * columns
        for addresses in self.positions():
            values = [words[address][low:low + columns] if address is not None else np.full(columns, -128) for address in addresses]
            yield np.clip(np.max(values, axis=0), *self.clamp)


class Bench:
    """A pool engine with a buffer of random words, that works through `pools`."""

    def __init__(self, config, pools, seed, stall):
        self.config, self.pools, self.now = config, list(pools), None
        self.words = np.random.default_rng(seed).integers(-128, 128, (config.activation_words, config.block_channels))
        self.outputs, self.idle, self.issues, self.ended, self.beyond = Stream(8 * config.columns), flag(), flag(), flag(), flag()
        self.start, self.word, self.tile = flag(), unsigned(8 * config.block_channels), Tile(config)
        self.word_addresses = [unsigned((config.activation_words - 1).bit_length()) for _ in range(config.beats_per_word)]
        self.address = signed(OFFSET_BITS + 1)
        self.sink, self.read = Sink(self.outputs, seed, stall), [0, 0]
        self.issued, self.ends, self.beyonds, self.cycles, self.finished = 0, 0, [], 0, False

    def run(self, cycles):
        """Run `cycles` cycles."""
        clk, clear, stop = flag(), flag(), flag()
        engine = pool_engine(clk, clear, stop, self.start, self.tile, self.word, self.outputs, self.idle, self.issues, self.ended,
                             self.word_addresses, self.address, self.beyond, self.config)
        run_block(clk, engine, cycles, self.drive, self.sample)

    def drive(self, cycle):
        """Start the next pool once idle; give the word read two cycles ago."""
        self.start.next = False
        if cycle > 2 and self.idle and not self.start and self.pools:
            pool = self.pools.pop(0)
            pool.apply(self.tile, self.config.block_channels, self.config.columns)
            self.start.next = True
        word = self.words[self.read.pop(0)].astype(np.int8)
        self.word.next = int.from_bytes(word.tobytes(), "little")
        self.sink.drive()

    def sample(self, cycle):
        """Note what happened."""
        assert len({int(address) for address in self.word_addresses}) == 1
        self.read.append(int(self.word_addresses[0]))
        self.sink.sample()
        self.issued += bool(self.issues)
        self.ends += bool(self.ended)
        self.cycles += not self.idle
        self.finished = bool(self.idle) and not self.pools
        if self.beyond:
            self.beyonds.append(int(self.address) // self.config.block_channels)

    def beats(self):
        """Return the beats taken, as int8."""
        return [np.frombuffer(int(word).to_bytes(self.config.columns, "little"), np.int8) for word in self.sink.words]


POOLS = [
    Pool((2, 2), (2, 2), (0, 0), 0, 20), Pool((3, 3), (2, 2), (1, 1), 4, 20, (-40, 60), 1), Pool((1, 1), (1, 1), (0, 0), 5, 30, (3, 3)),
    Pool((1, 3), (1, 1), (0, 1), 0, 25), Pool((9, 2), (1, 3), (2, 1), 1, 1), Pool((3, 1), (3, 2), (2, 0), 2, 12, (0, 127), 1)]


@pytest.mark.parametrize("columns", [4, 8, 16])
@pytest.mark.parametrize("stall", [0, 70])
def test_pools_after_each_other_give_their_beats(columns, stall):
    config = replace(TINY, name="pool", columns=columns, block_channels=2 * columns)
    bench = Bench(config, POOLS, 3, stall)
    expected = [beat for pool in POOLS for beat in pool.expected(bench.words, columns)]
    bench.run(2600)
    np.testing.assert_array_equal(bench.beats(), expected)
    assert bench.finished and bench.ends == len(POOLS) and not bench.beyonds
    assert bench.issued == sum(len(addresses) for pool in POOLS for addresses in pool.positions())


def test_windows_of_four_positions_take_four_cycles():
    pools = [Pool((2, 2), (2, 2), (0, 0), 0, 20)]
    bench = Bench(TINY, pools, 3, 0)
    bench.run(200)
    assert bench.finished and len(bench.beats()) == 20 and bench.cycles <= 4 * 20 + 20


def test_reads_beyond_the_buffer_are_reported_only_inside_the_map():
    config = replace(TINY, name="pool", activation_words=64)
    pool = Pool((3, 3), (2, 2), (1, 1), 0, 30)
    inside = [address for addresses in pool.positions() for address in addresses if address is not None]
    bench = Bench(config, [pool], 3, 0)
    bench.run(600)
    assert bench.beyonds == [address for address in inside if address >= 64] != []
