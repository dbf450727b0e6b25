# SPDX-License-Identifier: BSD-2-Clause
"""The paper's networks have the published sizes, the reduced ones are as much smaller as the paper says, and the hardware runs them well."""

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.errors import UserError
from compiler.program import compile_network
from compiler.reference import execute
from nets.count import count, count_layers, reduction
from nets.paper import BASELINES, NETWORKS, define
from nets.random_network import random_network
from nets.synthetic import random_images

# Parameters with biases as the frameworks' own zoos give them for these shapes, millions of multiply-accumulates to two places.
PUBLISHED = {"vgg-a": (9_225_610, 152.77), "vgg-d": (14_719_818, 313.20), "alexnet": (62_378_344, 1135.26), "alexnet-groups": (60_965_224, 724.41),
             "squeezenet10": (1_248_424, 861.34), "squeezenet11": (1_235_496, 387.75)}

# The reductions that the paper reports, or that follow from it.
ASKED = {"sparse-vgg-d": {"macs": 0.60, "parameters": 0.93}, "sparse-vgg-a": {"macs": 0.50, "parameters": 0.90}, "sparse-alexnet": {"macs": 0.21}}


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_and_work_are_the_published_ones(name):
    counted = count(define(name))
    assert (counted.parameters, round(counted.macs / 1e6, 2)) == PUBLISHED[name]


def test_the_convolutions_of_alexnet_are_the_papers_operations():
    convolutions = [counted.macs for name, counted in count_layers(define("alexnet")).items() if name.startswith("conv")]
    assert len(convolutions) == 5 and round(2 * sum(convolutions) / 1e9, 2) == 2.15


@pytest.mark.parametrize("name", ASKED)
def test_a_reduced_network_is_as_much_smaller_as_the_paper_says(name):
    fewer = reduction(count(define(name)), count(define(BASELINES[name])))
    for what, share in ASKED[name].items():
        assert fewer[what] >= share, what


def test_sparse_alexnet_is_smaller_than_alexnet_with_groups_too():
    assert reduction(count(define("sparse-alexnet")), count(define("alexnet-groups")))["macs"] >= 0.21


@pytest.mark.parametrize("name", [name for name in NETWORKS if "vgg" in name])
def test_the_count_is_that_of_the_network_that_is_compiled(name):
    definition = define(name)
    network = random_network(definition)
    assert sum(map(network.macs, network.layers)) == count(definition).macs
    assert {tensor: info.shape for tensor, info in network.tensors.items()} == definition.shapes


@pytest.mark.parametrize("name", ["sparse-vgg-a", "sparse-vgg-d"])
def test_every_layer_of_a_random_network_uses_its_range(name):
    network = random_network(define(name))
    values = execute(network, random_images(network, 2))
    for layer in network.layers:
        assert values[layer.output].std() > 5, layer.name


# Cycles that the compiler predicts for one image on arty-35.
@pytest.mark.parametrize("name, most", [("vgg-d", 3_000_000), ("sparse-vgg-d", 1_100_000), ("vgg-a", 1_500_000), ("sparse-vgg-a", 450_000)])
def test_the_predicted_cycles_leave_the_grid_busy(name, most):
    network = random_network(define(name))
    model = compile_network(network, CONFIGS["arty-35"])
    predicted = sum(layer.cycles_predicted for layer in model.layers)
    assert predicted <= most
    assert sum(layer.macs for layer in model.layers) / predicted / CONFIGS["arty-35"].macs_per_cycle >= 0.85


def cycles(network):
    return sum(layer.cycles_predicted for layer in compile_network(network, CONFIGS["arty-35"]).layers)


@pytest.mark.parametrize("density", [pytest.param(0.5, marks=pytest.mark.full), 0.25])
def test_pruned_connections_save_cycles(density):
    definition = define("vgg-a")
    dense, pruned = (random_network(definition, density=share) for share in (1.0, density))
    kept = np.mean([np.mean(layer.weights != 0) for layer in pruned.layers if layer.op == "conv2d" and layer.input != "input"])
    assert kept == pytest.approx(density, abs=0.02)
    assert cycles(pruned) <= 1.15 * density * cycles(dense)
    values = execute(pruned, random_images(pruned, 2))
    assert all(values[layer.output].std() > 5 for layer in pruned.layers)


def test_a_name_that_is_none_is_refused():
    with pytest.raises(UserError, match="unknown network 'vgg-z': choose vgg-a, "):
        define("vgg-z")


def test_a_network_of_another_seed_has_other_weights():
    first, second = (random_network(define("vgg-a"), seed).layers[0].weights for seed in (0, 1))
    assert not np.array_equal(first, second)
