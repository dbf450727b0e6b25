# SPDX-License-Identifier: BSD-2-Clause
"""Additions in the drain and copies of stores in the converted core: programs written by hand are exact, whatever waits for what."""

from dataclasses import replace

import pytest

from accel import isa
from accel.config import CONFIGS
from accel.registers import ERRORS
from tests.support.addition_programs import assert_program_is_exact, random_addition_program
from tests.support.core_harness import Core
from tests.support.one_addition import FAULTS, WINDOW, addition, simple
from tests.support.slices import slice_of

TINY = CONFIGS["tiny"]
# One pixel's operand a read, so that additions begin in every second cycle; one lane for all columns; the smallest buffers and FIFOs.
ONE_GROUP = replace(TINY, name="one-group", clusters=1, requantise_lanes=4, accumulator_bits=24, macs_per_multiplier=2)
ONE_LANE = replace(TINY, name="one-lane", clusters=3, columns=8, block_channels=8, requantise_lanes=1, activation_words=128)


@pytest.mark.parametrize("seed", slice_of(range(60), 12))
def test_random_additions_and_copies_are_exact(seed):
    program, filters = random_addition_program(seed, TINY)
    assert_program_is_exact(program, filters, seed, stall=(0, 30, 70)[seed % 3])


@pytest.mark.parametrize("seed", slice_of(range(12), 4))
@pytest.mark.parametrize("config", slice_of([ONE_GROUP, CONFIGS["arty-35"], ONE_LANE], 2), ids=lambda config: config.name)
def test_they_are_exact_on_other_grids(config, seed):
    program, filters = random_addition_program(1000 + seed, config)
    assert_program_is_exact(program, filters, seed, stall=(0, 40)[seed % 2])


@pytest.mark.parametrize("stall", [0, 50])
@pytest.mark.parametrize(("place", "name", "fields", "error", "position"), FAULTS)
def test_what_may_not_be_stops_with_its_error_and_position(place, name, fields, error, position, stall):
    memory, words = addition(*simple(), (1 << 30, -9))
    good, program = list(words), WINDOW[1]
    words[place] = isa.encode(name, **fields)
    memory += bytes(16 * len(words))
    read = 0, len(memory)
    with Core(CONFIGS["tiny"], memory, 0, 5, stall) as core:
        core.load(program, isa.to_bytes(words))
        found, where, _ = core.run(program, len(words), read, WINDOW)
        # A CONV that waits for operands has left its queue: nothing waits there, which counts as END's place.
        assert (ERRORS[found][0], where) == (error, len(words) - 1 if error == "DEADLOCK" else position)
        core.load(program, isa.to_bytes(good))
        assert core.run(program, len(good), read, WINDOW)[0] == 0, "the good program after it"
