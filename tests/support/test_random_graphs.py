# SPDX-License-Identifier: BSD-2-Clause
"""What the random networks of all operators cover."""

from collections import Counter

from compiler.eliminate import eliminate
from compiler.fuse import fused_units
from compiler.ir import Add, Concat, Conv2D
from compiler.lower import lower_network
from tests.support.random_graphs import random_graph

NETWORKS = [random_graph(seed, 4) for seed in range(200)]


def test_they_have_two_to_twelve_layers_of_every_kind():
    assert {len(network.layers) for network in NETWORKS} == set(range(2, 13))
    kinds = Counter(layer.op for network in NETWORKS for layer in network.layers)
    assert set(kinds) == {"conv2d", "fully_connected", "max_pool2d", "average_pool2d", "rescale", "add", "concat"} and min(kinds.values()) > 40
    assert sum(isinstance(layer, Conv2D) and layer.depthwise and layer.groups > 1 for network in NETWORKS for layer in network.layers) > 40


def test_most_have_a_residual_or_a_concatenation_and_many_a_channel_that_never_changes():
    joined = [any(isinstance(layer, (Add, Concat)) for layer in network.layers) for network in NETWORKS]
    assert sum(joined) > 120
    assert sum(bool(eliminate(network).kept) for network in NETWORKS) > 40


def test_additions_are_carried_by_every_kind_of_layer_and_copies_are_needed_now_and_then():
    lowered = [lower_network(network, 4) for network in NETWORKS]
    carriers = Counter(unit.op for result in lowered for unit in fused_units(result.network) if unit.addition is not None)
    assert {"conv2d+add", "rescale+add", "average_pool2d+add"} <= set(carriers)
    assert sum(bool(result.copies) for result in lowered) > 20
