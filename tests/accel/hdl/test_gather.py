# SPDX-License-Identifier: BSD-2-Clause
"""Gather gives each lane its byte, the zero point outside the map, 0 without a channel; packed lanes have borders of their own."""

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.hdl.gather import gather
from accel.hdl.interfaces import flag, signed, unsigned
from accel.hdl.pixel_walker import Place
from tests.support.bench import run_block

CYCLES = 300


def draw(rng, config):
    """Return for each cycle (row inside, column, address), near the borders of a map of random width, and the widths."""
    word = config.block_channels
    widths = rng.integers(1, 3 * word, CYCLES)
    columns = np.where(rng.random(CYCLES) < 0.5, rng.integers(-2 * word, 2 * word, CYCLES), widths + rng.integers(-2 * word, word, CYCLES))
    return rng.random(CYCLES) < 0.8, columns, rng.integers(0, word, CYCLES), widths


@pytest.mark.parametrize("name", ["tiny", "arty-35"])
@pytest.mark.parametrize("zero_point", [-128, 0, 17])
@pytest.mark.parametrize("packed", [False, True])
def test_lanes_get_the_bytes_of_their_channels(name, zero_point, packed):
    config, seed = CONFIGS[name], 3
    rng, size = np.random.default_rng(seed), config.block_channels
    words = rng.integers(0, 256, (CYCLES, size))
    channels = rng.integers(0, size, (CYCLES, config.lanes))
    valid = rng.integers(0, 2, (CYCLES, config.lanes))
    row_inside, columns, rotations, widths = draw(rng, config)
    clk, word, valid_lanes, is_packed, place = flag(), unsigned(8 * size), unsigned(config.lanes), flag(packed), Place(config)
    numbers = [unsigned((size - 1).bit_length()) for _ in range(config.lanes)]
    point, activations, first_outside = signed(8, zero_point), unsigned(8 * config.lanes), flag()
    got, got_outside = [], []

    def drive(cycle):
        column, width = int(columns[cycle]), int(widths[cycle])
        place.row_inside.next, place.negative.next, place.far.next = bool(row_inside[cycle]), column < 0, column < -size
        place.low.next, place.room.next, place.rotate.next = column % size, (width - column) % size, int(rotations[cycle])
        place.ended.next, place.near.next = column >= width, width - column < size
        for lane in range(config.lanes):
            numbers[lane].next = int(channels[cycle, lane])
        # The word and its lanes' flags come a cycle after their place.
        before = max(cycle - 1, 0)
        word.next = int.from_bytes(words[before].astype(np.uint8).tobytes(), "little")
        valid_lanes.next = sum(int(bit) << lane for lane, bit in enumerate(valid[before]))

    def sample(cycle):
        got.append(list(int(activations).to_bytes(config.lanes, "little")))
        got_outside.append(bool(first_outside))

    def inside(cycle, lane):
        return row_inside[cycle] and 0 <= columns[cycle] + (channels[cycle, lane] if packed else 0) < widths[cycle]

    def expected(cycle, lane):
        if not valid[cycle, lane]:
            return 0
        if not inside(cycle, lane):
            return zero_point & 0xFF
        return words[cycle, (channels[cycle, lane] + rotations[cycle]) % size]

    run_block(clk, gather(clk, word, place, numbers, is_packed, valid_lanes, point, activations, first_outside, config), CYCLES, drive, sample)
    for cycle in range(CYCLES - 3):
        assert got[cycle + 3] == [expected(cycle, lane) for lane in range(config.lanes)], f"seed {seed}, cycle {cycle}"
        assert got_outside[cycle + 1] == (not inside(cycle, 0)), f"seed {seed}, cycle {cycle}"
