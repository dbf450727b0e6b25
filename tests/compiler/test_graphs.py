# SPDX-License-Identifier: BSD-2-Clause
"""Random networks of all operators, with residuals and concatenations: the program gives what the reference gives, and never gets stuck."""

import numpy as np
import pytest

from accel.config import CONFIGS
from compiler.expectation import expect
from compiler.program import compile_network
from tests.support.bounded_queues import BoundedQueues
from tests.support.core_check import fitting_graph
from tests.support.random_configs import random_configs
from tests.support.random_graphs import random_graph
from tests.support.random_networks import random_images
from tests.support.slices import slice_of

FILTERS = 1024


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("seed", slice_of(range(200), 27))
def test_a_random_graph_is_exact(seed, config):
    config = CONFIGS[config]
    network = random_graph(seed, config.columns)
    model, rng = compile_network(network, config), np.random.default_rng(seed)
    filters = [int(n) if on else 0 for n, on in zip(rng.integers(0, 1 << config.columns, FILTERS), rng.random(FILTERS) < 0.7, strict=True)]
    for words in (None, filters):
        expect(network, model, random_images(network, seed)[0], words)


@pytest.mark.parametrize("seed", slice_of(range(36), 12))
def test_a_random_graph_is_exact_on_any_configuration(seed):
    config = random_configs(seed // 12)[seed % 12]
    network, model = fitting_graph(seed, config, largest_map=8, words=4000)
    expect(network, model, random_images(network, seed)[0])
    assert BoundedQueues(config, model.words).left_over() == (0, 0), f"seed {seed}"


@pytest.mark.parametrize("seed", slice_of(range(1000, 1200), 40))
def test_a_random_graph_never_gets_stuck_in_full_queues(seed):
    config = CONFIGS["tiny"]
    model = compile_network(random_graph(seed, config.columns), config)
    assert BoundedQueues(config, model.words).left_over() == (0, 0), f"seed {seed}"
