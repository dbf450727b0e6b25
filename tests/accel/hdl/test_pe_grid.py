# SPDX-License-Identifier: BSD-2-Clause
"""The grid's partial sums are those of numpy, step after step without a bubble, in one bank while the other is read."""

from dataclasses import replace

import numpy as np
import pytest

from accel.config import CONFIGS, AccelConfig
from accel.errors import UserError
from accel.hdl.depthwise import OwnBytes
from accel.hdl.interfaces import flag, signed, unsigned
from accel.hdl.pe_grid import GRID_LATENCY, READ_LATENCY, no_group, pe_grid, read_group_bits
from tests.support.bench import run_block

TINY = replace(CONFIGS["tiny"], name="test")
PAIRS = replace(TINY, lanes=4, macs_per_multiplier=2, accumulator_bits=24)
GRIDS = [
    TINY, PAIRS, replace(TINY, macs_per_multiplier=2), replace(PAIRS, lanes=2, clusters=1, requantise_lanes=4),
    replace(TINY, lanes=8, block_channels=16, columns=8, clusters=1, requantise_lanes=8), replace(PAIRS, clusters=3, requantise_lanes=1),
    replace(PAIRS, clusters=1, columns=8, tile_pixels=16, accumulator_bits=32),
]


def describe(config):
    return (f"{config.clusters}x{config.columns}x{config.lanes}-macs{config.macs_per_multiplier}-pixels{config.tile_pixels}"
            f"-read{config.requantise_lanes}-bits{config.accumulator_bits}")


class GridBench:
    """Drives a grid with tiles: lists of steps of `pixels` pixels, bank after bank; reads each tile while the next one is added up.

    A step is (weights [clusters, lanes, columns], activations [clusters, pixels, lanes]), or with a third part, words [clusters, pixels,
    block_channels], and a fourth, planes [clusters, pixels], a depthwise one: the lanes 0 and 1 multiply bytes of that plane of the word.
    used: lanes that get weights; the activations of the others must be 0.
    """

    def __init__(self, config, tiles, pixels, seed, used=None):
        self.config, self.pixels = config, pixels
        self.rng = np.random.default_rng(seed)
        # (step, its tile, whether it is its tile's first)
        self.steps = [(step, number, i == 0) for number, tile in enumerate(tiles) for i, step in enumerate(tile)]
        self.tiles = len(tiles)
        clusters, columns, lanes = config.clusters, config.columns, config.lanes
        self.clk, self.swap, self.first, self.bank, self.read_bank = (flag() for _ in range(5))
        self.enable, self.valid = [flag() for _ in range(clusters)], [flag() for _ in range(clusters)]
        self.beat, self.lane = unsigned(8 * columns), unsigned(max(1, (lanes - 1).bit_length()))
        self.words, self.own = [unsigned(8 * lanes) for _ in range(clusters)], [OwnBytes(config) for _ in range(clusters)]
        # Of each cluster the word of this cycle and the plane that is chosen, or None.
        self.own_words = [(np.zeros(config.block_channels, int), None)] * clusters
        pixel_bits = (config.tile_pixels - 1).bit_length()
        self.pixel, self.read_pixel, self.read_group = unsigned(pixel_bits), unsigned(pixel_bits), unsigned(read_group_bits(config))
        self.sums = [signed(config.accumulator_bits) for _ in range(config.requantise_lanes)]
        self.got = np.zeros((self.tiles, clusters, pixels, columns), np.int64)
        self.loads = [(c, j) for j in range(lanes if used is None else used) for c in range(clusters)]
        # A step takes as many cycles as it has pixels, and not less than its weights take to load: one beat a lane and cluster.
        self.length = max(pixels, len(self.loads))
        self.end_of_tile = {}
        self.queue, self.expected = [], {}

    def run(self):
        config = self.config
        reads = self.pixels * config.clusters * config.columns // config.requantise_lanes
        block = pe_grid(self.clk, self.enable, self.beat, self.lane, self.swap, self.words, self.own, self.valid, self.pixel, self.first, self.bank,
                        self.read_bank, self.read_pixel, self.read_group, self.sums, config)
        cycles = (len(self.steps) + 1) * self.length + 1 + GRID_LATENCY + 2 * reads + READ_LATENCY + 2
        run_block(self.clk, block, cycles, self.drive, self.sample)
        assert not self.queue and not any(self.expected.values())
        return self.got

    def drive(self, cycle):
        self.load_weights(*divmod(cycle, self.length))
        # The swap is in the cycle of the next step's first beat; the pixels follow it.
        step, phase = divmod(cycle - self.length, self.length)
        self.swap.next = phase == 0 and 0 <= step < len(self.steps)
        before = list(self.own_words)
        self.put_pixels(*divmod(cycle - self.length - 1, self.length), cycle)
        for c, own in enumerate(self.own):
            self.put_own_bytes(own, 0, *self.own_words[c])
            self.put_own_bytes(own, 1, *before[c])
        self.read(cycle)

    def load_weights(self, step, phase):
        for enable in self.enable:
            enable.next = False
        # Something else is in the weight stream between the weights.
        self.beat.next = int.from_bytes(self.rng.bytes(self.config.columns), "little")
        if step < len(self.steps) and phase < len(self.loads):
            c, j = self.loads[phase]
            self.enable[c].next = True
            self.beat.next = int.from_bytes(self.steps[step][0][0][c, j].astype(np.int8).tobytes(), "little")
            self.lane.next = j

    def put_pixels(self, step, phase, cycle):
        for c in range(self.config.clusters):
            self.valid[c].next = False
            self.words[c].next = int.from_bytes(self.rng.bytes(self.config.lanes), "little")
            self.own_words[c] = self.rng.integers(-128, 128, self.config.block_channels), None
        if not (0 <= step < len(self.steps) and phase < self.pixels):
            return
        (_, activations, *own), tile, first = self.steps[step]
        self.pixel.next, self.first.next, self.bank.next = phase, first, tile % 2
        for c in range(self.config.clusters):
            self.valid[c].next = True
            self.words[c].next = int.from_bytes(activations[c, phase].astype(np.int8).tobytes(), "little")
            if own:
                self.own_words[c] = own[0][c, phase], own[1][c, phase]
        last = step + 1 == len(self.steps) or self.steps[step + 1][1] != tile
        if last and phase == self.pixels - 1:
            self.end_of_tile[cycle + GRID_LATENCY] = tile

    def put_own_bytes(self, own, lane, word, chosen):
        columns = self.config.columns
        for plane in range(self.config.beats_per_word):
            bytes_ = word[columns * plane + lane:columns * (plane + 1):2]
            own.bytes[lane][plane].next = int.from_bytes(bytes_.astype(np.int8).tobytes(), "little")
            own.chosen[lane][plane].next = chosen == plane

    def read(self, cycle):
        config = self.config
        tile = self.end_of_tile.pop(cycle, None)
        if tile is not None:
            groups = config.columns // config.requantise_lanes
            reads = [(tile, c, p, g) for c in range(config.clusters) for p in range(self.pixels) for g in range(groups)]
            self.queue += [reads[i] for i in self.rng.permutation(len(reads))]
        if self.queue:
            tile, c, p, g = self.queue.pop(0)
            self.read_bank.next, self.read_pixel.next = tile % 2, p
            self.read_group.next = c * (config.columns // config.requantise_lanes) + g
            self.expected[cycle + READ_LATENCY] = tile, c, p, g
        else:
            self.read_group.next = no_group(config)
            self.expected[cycle + READ_LATENCY] = None

    def sample(self, cycle):
        expected = self.expected.pop(cycle, ())
        if expected is None:
            assert not any(self.sums), "the group that is none has sums"
        elif expected:
            tile, c, p, g = expected
            lanes = self.config.requantise_lanes
            self.got[tile, c, p, g * lanes:(g + 1) * lanes] = [int(value) for value in self.sums]


def random_step(rng, config, pixels):
    lowest = -127 if config.macs_per_multiplier == 2 else -128
    return (rng.integers(lowest, 128, (config.clusters, config.lanes, config.columns)),
            rng.integers(-128, 128, (config.clusters, pixels, config.lanes)))


def random_depthwise_step(rng, config, pixels):
    weights, _ = random_step(rng, config, pixels)
    weights[:, 2:] = 0
    return (weights, np.full((config.clusters, pixels, config.lanes), 99), rng.integers(-128, 128, (config.clusters, pixels, config.block_channels)),
            rng.integers(0, config.beats_per_word, (config.clusters, pixels)))


def step_sums(weights, activations, words=None, planes=None):
    """Return the sums [clusters, pixels, columns] that a step adds."""
    if words is None:
        return np.einsum("cpl,clk->cpk", activations, weights)
    columns = weights.shape[2]
    beats = np.take_along_axis(words.reshape(*planes.shape, -1, columns), planes[:, :, None, None], axis=2)[:, :, 0]
    pairs = np.arange(columns) // 2 * 2
    return sum(beats[:, :, pairs + lane] * weights[:, None, lane] for lane in range(2))


def numpy_sums(tiles):
    return np.array([sum(step_sums(*step) for step in tile) for tile in tiles])


def steps_to_hide_a_drain(config, pixels):
    """The reads of a tile are over before the bank is used again."""
    reads = pixels * config.clusters * config.columns // config.requantise_lanes + GRID_LATENCY
    return -(-reads // max(pixels, config.lanes * config.clusters)) + 1


@pytest.mark.parametrize("config", GRIDS, ids=describe)
@pytest.mark.parametrize("pixels", [1, 8])
def test_tiles_in_alternate_banks_equal_numpy(config, pixels):
    rng = np.random.default_rng(pixels)
    tiles = [[random_step(rng, config, pixels) for _ in range(steps_to_hide_a_drain(config, pixels))] for _ in range(3)]
    np.testing.assert_array_equal(GridBench(config, tiles, pixels, pixels).run(), numpy_sums(tiles))


@pytest.mark.parametrize("config", GRIDS, ids=describe)
def test_depthwise_steps_among_others_multiply_each_pair_of_columns_with_its_own_bytes(config):
    rng = np.random.default_rng(5)
    steps = steps_to_hide_a_drain(config, 8)
    tiles = [[(random_step, random_depthwise_step)[rng.integers(2)](rng, config, 8) for _ in range(steps)] for _ in range(3)]
    np.testing.assert_array_equal(GridBench(config, tiles, 8, 5).run(), numpy_sums(tiles))


@pytest.mark.parametrize("config", [TINY, PAIRS], ids=describe)
def test_all_pixels_of_a_tile_have_sums_of_their_own(config):
    config = replace(config, clusters=1, tile_pixels=32)
    rng = np.random.default_rng(32)
    tiles = [[random_step(rng, config, 32) for _ in range(3)] for _ in range(2)]
    np.testing.assert_array_equal(GridBench(config, tiles, 32, 32).run(), numpy_sums(tiles))


@pytest.mark.parametrize("config", [TINY, PAIRS], ids=describe)
@pytest.mark.parametrize("activation", [-128, 127])
def test_edge_values_in_all_lanes_equal_numpy(config, activation):
    config = replace(config, clusters=1)
    pairs = [(127, 127), (127, -127), (-127, 127), (-127, -127), (0, 127), (-1, 127), (1, -127), (-127, 0)]
    steps = [(np.tile(pair, (1, config.lanes, config.columns // 2)), np.full((1, 2, config.lanes), activation)) for pair in pairs]
    tiles = [[step] * steps_to_hide_a_drain(config, 2) for step in steps]
    np.testing.assert_array_equal(GridBench(config, tiles, 2, 0).run(), numpy_sums(tiles))


@pytest.mark.parametrize("config", [TINY, PAIRS], ids=describe)
def test_steps_of_one_pixel_add_to_the_same_sum_in_every_cycle(config):
    config = replace(config, clusters=1)
    rng = np.random.default_rng(1)
    tiles = [[random_step(rng, config, 1) for _ in range(40)] for _ in range(3)]
    for _, activations in sum(tiles, []):
        activations[:, :, 1:] = 0
    bench = GridBench(config, tiles, 1, 1, used=1)
    assert bench.length == 1
    np.testing.assert_array_equal(bench.run(), numpy_sums(tiles))


@pytest.mark.parametrize("config", [TINY, PAIRS], ids=describe)
def test_a_sum_beyond_the_accumulator_raises(config):
    config = replace(config, clusters=1, accumulator_bits=24)
    step = (np.full((1, config.lanes, config.columns), 127), np.full((1, 1, config.lanes), 127))
    with pytest.raises(ValueError, match="intbv value"):
        GridBench(config, [[step] * ((1 << 23) // (127 * 127 * config.lanes) + 1)], 1, 0).run()


def test_two_macs_a_multiplier_need_at_most_four_lanes():
    with pytest.raises(UserError, match="macs_per_multiplier must be 1 where lanes is more than 4"):
        AccelConfig("wide", clusters=1, lanes=8, macs_per_multiplier=2)
