# SPDX-License-Identifier: BSD-2-Clause
"""Depthwise layers and averages in the converted core: memory and records are the golden model's, times add up, nothing waits without need."""

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.golden import Golden
from firmware.inference import TIME_FIELDS
from tests.support.core_harness import Core
from tests.support.depthwise_programs import BASE, average_layer, averages, program_of, random_layer
from tests.support.slices import slice_of

GRIDS = ("tiny", "small-16", "arty-35")


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


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("seed", slice_of(range(60), 12))
def test_random_depthwise_layers_are_exact(name, seed):
    rng, config = np.random.default_rng(seed), CONFIGS[name]
    records = assert_exact(config, program_of([random_layer(rng, config) for _ in range(4)], config), f"{name}, seed {seed}", (0, 0, 30, 80)[seed % 4])
    assert_edges(records)


@pytest.mark.parametrize("window", [(1, 1), (1, 2), (2, 3), (7, 7), (8, 8), (16, 16), (31, 33), (32, 32)])
def test_averages_of_1_to_1024_bytes_are_rounded_half_away_from_zero(window):
    config = CONFIGS["arty-35"]
    layer = average_layer(np.random.default_rng(window), config, window)
    program = program_of([layer], config)
    np.testing.assert_array_equal(program.outputs[0][1], averages(layer.inputs))
    assert_exact(config, program, f"window {window}")
