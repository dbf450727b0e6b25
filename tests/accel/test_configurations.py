# SPDX-License-Identifier: BSD-2-Clause
"""Configurations drawn from the legal space convert, lint and compute random layers exactly."""

import pytest

from tests.support.core_check import assert_core_equals_golden, fitting_network
from tests.support.core_harness.build import build_library
from tests.support.random_configs import random_configs
from tests.support.slices import slice_of
from tests.support.verilator import lint

CONFIGS = random_configs(1)
LAYERS = 20


@pytest.mark.parametrize("index", slice_of(range(len(CONFIGS)), 2))
def test_a_configuration_of_the_legal_space_converts_lints_and_is_exact(index):
    config = CONFIGS[index]
    assert lint(build_library(config).with_name("sparcnet_core.v"))[:3000] == ""
    for seed in range(10_000 + LAYERS * index, 10_000 + LAYERS * (index + 1)):
        network, model = fitting_network(seed, config, largest_channels=3 * config.block_channels, largest_map=10)
        assert_core_equals_golden(network, model, seed, stall=(0, 20, 60)[seed % 3])
