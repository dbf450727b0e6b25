# SPDX-License-Identifier: BSD-2-Clause
"""Gather gives each lane the byte of its channel two cycles later, the zero point outside the map, 0 without a channel."""

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.hdl.gather import gather
from accel.hdl.interfaces import flag, signed, unsigned
from tests.support.bench import run_block


@pytest.mark.parametrize("name", ["tiny", "arty-35"])
@pytest.mark.parametrize("zero_point", [-128, 0, 17])
def test_lanes_get_the_bytes_of_their_channels(name, zero_point):
    config, cycles = CONFIGS[name], 200
    rng = np.random.default_rng(3)
    words = rng.integers(0, 256, (cycles, config.block_channels))
    channels = rng.integers(0, config.block_channels, (cycles, config.lanes))
    valid = rng.integers(0, 2, (cycles, config.lanes))
    outside = rng.integers(0, 2, cycles)
    clk, word, valid_lanes, out = flag(), unsigned(8 * config.block_channels), unsigned(config.lanes), flag()
    numbers = [unsigned((config.block_channels - 1).bit_length()) for _ in range(config.lanes)]
    point, activations = signed(8, zero_point), unsigned(8 * config.lanes)
    got = []

    def drive(cycle):
        word.next = int.from_bytes(words[cycle].astype(np.uint8).tobytes(), "little")
        for lane in range(config.lanes):
            numbers[lane].next = int(channels[cycle, lane])
        valid_lanes.next = sum(int(bit) << lane for lane, bit in enumerate(valid[cycle]))
        out.next = bool(outside[cycle])

    def sample(cycle):
        got.append(list(int(activations).to_bytes(config.lanes, "little")))

    run_block(clk, gather(clk, word, numbers, valid_lanes, out, point, activations, config), cycles, drive, sample)
    for cycle in range(cycles - 2):
        expected = [0 if not valid[cycle, lane] else (zero_point & 0xFF) if outside[cycle] else words[cycle, channels[cycle, lane]]
                    for lane in range(config.lanes)]
        assert got[cycle + 2] == expected, f"cycle {cycle}"
