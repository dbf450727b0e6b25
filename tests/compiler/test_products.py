# SPDX-License-Identifier: BSD-2-Clause
"""The products that are read off a program are those that the golden model counts."""

import pytest

from accel.config import CONFIGS
from compiler.expectation import expect
from compiler.products import products
from compiler.program import compile_network
from nets.shapes import depthwise_network
from tests.support.networks import convolution
from tests.support.random_graphs import random_graph
from tests.support.random_networks import random_images, random_network
from tests.support.slices import slice_of


def check_products(network, config, seed):
    model = compile_network(network, config)
    counted = products(config, model.words, model.image, model.base)
    records = expect(network, model, random_images(network, seed, 1)[0]).counters
    assert counted == {layer.record: record["macs"] for layer, record in zip(model.layers, records, strict=True)}, f"{network.name}, seed {seed}"


@pytest.mark.parametrize("config", ["arty-35", "arty-100"])
@pytest.mark.parametrize("make", [lambda seed: random_network(seed, 16, layers=3, words=600), lambda seed: random_graph(seed, 16)])
@pytest.mark.parametrize("seed", slice_of(range(10), 3))
def test_products_are_those_of_the_golden_models_records(make, seed, config):
    check_products(make(seed), CONFIGS[config], seed)


@pytest.mark.parametrize("config", ["arty-35", "arty-100"])
@pytest.mark.parametrize("network", [convolution((6, 6), 70, 40, mask=0.5), convolution((6, 6), 70, 40, density=0.3), depthwise_network(8, 40)],
                         ids=["dynamic mask", "pruned", "depthwise"])
def test_products_follow_masks_and_the_channels_of_a_depthwise_layer(network, config):
    check_products(network, CONFIGS[config], 1)
