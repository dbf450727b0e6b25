# SPDX-License-Identifier: BSD-2-Clause
"""The bytes that are read off a program are those that the golden model moves."""

import pytest

from accel.config import CONFIGS
from compiler.expectation import expect
from compiler.program import compile_network
from compiler.traffic import traffic
from tests.support.random_graphs import random_graph
from tests.support.random_networks import random_images, random_network
from tests.support.slices import slice_of

CONFIG = CONFIGS["arty-35"]


@pytest.mark.parametrize("make", [lambda seed: random_network(seed, CONFIG.columns, layers=3, words=600),
                                  lambda seed: random_graph(seed, CONFIG.columns)])
@pytest.mark.parametrize("seed", slice_of(range(10), 3))
def test_bytes_are_those_of_the_golden_models_records(make, seed):
    network = make(seed)
    model = compile_network(network, CONFIG)
    counted, records = traffic(CONFIG, model.words), expect(network, model, random_images(network, seed, 1)[0]).counters
    assert sum(layer.instructions for layer in counted.values()) <= 16 * len(model.words)
    for layer, record in zip(model.layers, records, strict=True):
        moved = counted[layer.record]
        counters = tuple(record[name] for name in ("weight_bytes", "load_bytes", "store_bytes"))
        assert (moved.weights, moved.read, moved.written) == counters, f"seed {seed}"
