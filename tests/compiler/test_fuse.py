# SPDX-License-Identifier: BSD-2-Clause
"""A convolution and the 2 x 2 pool that alone reads it are one layer of the accelerator; the result is the unfused network's."""

from dataclasses import replace

import numpy as np
import pytest

from accel.config import CONFIGS
from compiler.expectation import expect
from compiler.fuse import fused_units
from compiler.ir import MaxPool2D, Network, Padding, TensorInfo
from compiler.program import compile_network
from tests.support.networks import convolution
from tests.support.random_networks import random_images


def names(network):
    return [unit.name for unit in fused_units(network)]


def with_layer(network, layer, output):
    source = network.tensors[layer.input]
    tensors = network.tensors | {layer.output: TensorInfo(layer.output, *layer.output_shape(source.shape), zero_point=source.zero_point)}
    return Network(network.name, network.input, output, tensors, (*network.layers, layer))


def test_a_fused_layer_is_reported_as_one_with_the_pools_output_and_the_dense_macs():
    network = convolution((9, 9), 8, 20, padding=Padding(1, 1, 1, 1), pool=True)
    layer, = compile_network(network, CONFIGS["arty-35"]).layers
    assert (layer.name, layer.op, layer.output, layer.members) == ("conv+pool", "conv2d+max_pool2d", "small", ("conv", "pool"))
    assert layer.macs == 9 * 9 * 9 * 8 * 20


def test_only_a_plain_two_by_two_pool_is_fused():
    network = convolution((9, 9), 8, 20, pool=True)
    assert names(network) == ["conv+pool"]
    for change in ({"window": (3, 3)}, {"stride": (1, 1)}, {"padding": Padding(1, 1, 0, 0)}):
        pool = replace(network.layers[1], **change)
        base = Network("n", "in", "out", {name: network.tensors[name] for name in ("in", "out")}, network.layers[:1])
        assert names(with_layer(base, pool, "small")) == ["conv", "pool"]


def test_an_output_that_another_layer_or_the_user_reads_is_kept():
    network = convolution((9, 9), 8, 20, pool=True)
    other = MaxPool2D("other", "out", "else", (1, 1), (1, 1))
    assert names(with_layer(network, other, "small")) == ["conv", "pool", "other"]
    assert names(Network("n", "in", "out", network.tensors, network.layers)) == ["conv", "pool"]


@pytest.mark.parametrize("config", ["tiny", "small-16", "arty-35"])
@pytest.mark.parametrize("size", [(2, 2), (3, 3), (5, 8), (8, 5), (13, 13), (17, 30)])
def test_a_fused_pool_is_exact_on_maps_of_odd_and_even_size(size, config):
    for seed, (kernel, edge) in enumerate([((1, 1), 0), ((3, 3), 1), ((2, 2), 1)]):
        network = convolution(size, 12, 24, kernel, padding=Padding(*4 * [edge]), pool=True, planar=seed == 1, seed=seed)
        model = compile_network(network, CONFIGS[config])
        assert model.layers[-1].name == "conv+pool"
        expect(network, model, random_images(network, seed)[0])


def test_a_map_of_32_by_32_costs_the_grid_no_more_with_its_pool():
    plain, pooled = (compile_network(convolution((32, 32), 64, 64, padding=Padding(1, 1, 1, 1), planar=True, pool=pool), CONFIGS["arty-35"])
                     for pool in (False, True))
    assert pooled.layers[-1].plan.cycles <= 1.02 * plain.layers[-1].plan.cycles


def test_the_limits_of_both_layers_hold():
    network = convolution((6, 6), 8, 20, pool=True)
    layers = (replace(network.layers[0], clamp_min=-50, clamp_max=120), replace(network.layers[1], clamp_min=-90, clamp_max=60))
    network = Network("n", network.input, network.output, network.tensors, layers)
    unit, = fused_units(network)
    assert (unit.layer.clamp_min, unit.layer.clamp_max) == (-50, 60)
    output = expect(network, compile_network(network, CONFIGS["tiny"]), random_images(network, 3)[0]).tensors["small"]
    assert np.unique(output)[0] >= -50 and np.unique(output)[-1] <= 60
