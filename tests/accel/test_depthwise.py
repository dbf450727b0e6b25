# SPDX-License-Identifier: BSD-2-Clause
"""Depthwise layers and averages in the converted core: memory and records are the golden model's, times add up, nothing waits without need."""

from dataclasses import replace

import numpy as np
import pytest

from accel import isa
from accel.config import CONFIGS
from accel.golden import Golden
from firmware.inference import TIME_FIELDS
from tests.support.core_harness import Core
from tests.support.depthwise_programs import BASE, Layer, average_layer, averages, program_of, random_layer
from tests.support.slices import slice_of

TINY = CONFIGS["tiny"]
GRIDS = (TINY, CONFIGS["small-16"], CONFIGS["arty-35"], replace(TINY, name="one-plane", clusters=3, columns=8, lanes=4, macs_per_multiplier=2),
         replace(TINY, name="wide", clusters=1, columns=8, lanes=8, block_channels=16))


def assert_exact(config, program, case, stall=0):
    """Run the program on the core; memory and records must be the golden model's. Returns the records, a list."""
    expected, memory = bytearray(program.memory), bytearray(program.memory)
    golden = Golden(config, expected, BASE).run(program.words, program.window, program.window)
    assert golden.error == 0, f"{case}: the golden model stops with error {golden.error} at {golden.position}"
    with Core(config, memory, BASE, seed=1, stall=stall) as core:
        error, position, cycles = core.run(program.address, len(program.words), program.window, program.window)
        records = [core.record(index) for index in golden.records]
    assert error == 0, f"{case}: error {error} at {position}"
    assert memory == expected, f"{case}: the outputs differ"
    end = 0
    for measured, counters in zip(records, golden.records.values(), strict=True):
        assert {name: measured[name] for name in counters} == counters, case
        assert sum(measured[name] for name in TIME_FIELDS) == measured["end"] - end, f"{case}: {measured}"
        end = measured["end"]
    assert end <= cycles, case
    return records


def assert_edges(records):
    """Of a layer's cycles that are not busy, as many lie at its beginning and its end as `edges` says."""
    end = 0
    for record in records:
        cycles, end = record["end"] - end, record["end"]
        before, after = record["edges"] & 0xFFFF, record["edges"] >> 16
        assert before + after <= cycles - record["busy"], record
        if record["busy"] == 0:
            assert (before, after) == (0, cycles & 0xFFFF), record


@pytest.mark.parametrize("config", GRIDS, ids=lambda config: config.name)
@pytest.mark.parametrize("seed", slice_of(range(60), 8))
def test_random_depthwise_layers_are_exact(config, seed):
    rng = np.random.default_rng(seed)
    program = program_of([random_layer(rng, config) for _ in range(4)], config)
    records = assert_exact(config, program, f"{config.name}, seed {seed}", stall=(0, 0, 30, 80)[seed % 4])
    assert_edges(records)


@pytest.mark.parametrize("window", [(1, 1), (1, 2), (2, 3), (7, 7), (8, 8), (16, 16), (31, 33), (32, 32)])
def test_averages_of_1_to_1024_bytes_are_rounded_half_away_from_zero(window):
    config = CONFIGS["arty-35"]
    layer = average_layer(np.random.default_rng(window), config, window)
    program = program_of([layer], config)
    np.testing.assert_array_equal(program.outputs[0][1], averages(layer.inputs))
    assert_exact(config, program, f"window {window}")


@pytest.mark.full
@pytest.mark.parametrize("seed", range(100, 130))
def test_random_depthwise_layers_on_the_grid_of_the_larger_arty_are_exact(seed):
    config = CONFIGS["arty-100"]
    rng = np.random.default_rng(seed)
    assert_exact(config, program_of([random_layer(rng, config) for _ in range(4)], config), f"seed {seed}", stall=(0, 30)[seed % 2])


def with_layer_ends(program):
    """Return the words with a LAYER behind each of the program's tiles, and their number."""
    words, tiles = [], 0
    for word in program.words:
        name = isa.decode(word)[0]
        if name == "TILE" and words and isa.decode(words[-1])[0] == "STORE":
            words.append(isa.encode("LAYER", index=tiles))
            tiles += 1
        words.append(isa.encode("LAYER", index=tiles) if name == "LAYER" else word)
    return words, tiles + 1


def test_a_layer_does_not_wait_for_the_drain_of_the_one_before():
    """The same tiles as one layer and as a layer each: what lies between two layers' busy cycles is far less than a tile's drain."""
    config = CONFIGS["arty-35"]
    rng = np.random.default_rng(3)
    weights = rng.integers(-127, 128, (2, config.columns, 7, 7)).astype(np.int8)
    numbers = np.zeros((2, config.columns), np.int64)
    layer = Layer(rng.integers(-128, 128, (2, 16, 16, config.columns)).astype(np.int8), weights, numbers, numbers + (1 << 30), numbers - 8,
                  (0, -128, 127, 0), pads=(3, 3, 3, 3), pixels=config.tile_pixels)
    program = program_of([layer], config)
    words, tiles = with_layer_ends(program)
    layered = replace(program, memory=program.memory + isa.to_bytes(words), words=words, address=BASE + len(program.memory),
                      window=(BASE, BASE + len(program.memory) + 16 * len(words)))
    records = assert_exact(config, layered, "a layer a tile")
    between = [(one["edges"] >> 16) + (other["edges"] & 0xFFFF) for one, other in zip(records, records[1:], strict=False)]
    drain = config.tile_pixels * config.clusters * config.columns // config.requantise_lanes
    assert len(records) == tiles == 8 and max(between) < drain // 4, between
