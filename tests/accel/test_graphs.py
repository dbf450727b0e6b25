# SPDX-License-Identifier: BSD-2-Clause
"""Random networks of all operators, with residuals and concatenations, on the core in Verilator: exact, whatever stalls."""

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.registers import FILTER_WORDS
from tests.support.core_check import assert_core_equals_golden, fitting_graph
from tests.support.slices import slice_of

BATCH = 5
# Configuration -> (first seed, networks, of which `make test` takes).
NETWORKS = {"tiny": (5000, 100, 20), "arty-35": (5200, 70, 10), "small-16": (5400, 10, 5), "arty-100": (5500, 20, 5)}


def batches():
    """Return (configuration's name, first seed) of batches as test parameters."""
    found = []
    for name, (first, count, quick) in NETWORKS.items():
        found += slice_of([(name, seed) for seed in range(first, first + count, BATCH)], quick // BATCH)
    return found


def random_filters(config, seed):
    """Return the words of a run-time filter mask in which some filters are off, some whole planes too."""
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 1 << config.columns, FILTER_WORDS)
    return [int(word) if on else 0 for word, on in zip(words, rng.random(FILTER_WORDS) < 0.8, strict=True)]


@pytest.mark.parametrize("batch", batches(), ids=str)
def test_random_networks_with_residuals_and_concatenations_are_exact(batch):
    name, first = batch
    for seed in range(first, first + BATCH):
        network, model = fitting_graph(seed, CONFIGS[name])
        assert_core_equals_golden(network, model, seed, stall=(0, 10, 50, 90)[seed % 4],
                                  filters=random_filters(model.config, seed) if seed % 3 == 0 else None)
