# SPDX-License-Identifier: BSD-2-Clause
"""Additions in the drain and copies of stores in the converted core: programs written by hand are exact, whatever waits for what."""

from dataclasses import replace

import pytest

from accel.config import CONFIGS
from tests.support.addition_programs import assert_program_is_exact, random_addition_program
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
@pytest.mark.parametrize("config", [ONE_GROUP, ONE_LANE, CONFIGS["arty-35"]], ids=lambda config: config.name)
def test_they_are_exact_on_other_grids(config, seed):
    program, filters = random_addition_program(1000 + seed, config)
    assert_program_is_exact(program, filters, seed, stall=(0, 40)[seed % 2])
