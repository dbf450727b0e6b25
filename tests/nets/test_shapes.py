# SPDX-License-Identifier: BSD-2-Clause
"""Networks of known shapes have these shapes, their numbers are of use, and their programs are exact."""

import numpy as np
import pytest

from accel.config import CONFIGS
from compiler.expectation import expect
from compiler.ir import Padding
from compiler.program import compile_network
from compiler.reference import execute
from nets import shapes
from nets.builder import same_padding
from nets.synthetic import random_images

# Output shape and multiply-accumulates; those of MLPerf Tiny's are the published 12.5, 2.7 and 7.5 millions.
NETWORKS = {
    shapes.depthwise_network: ((24, 24, 64), 9 * 24 * 24 * 64),
    shapes.residual_network: ((32, 32, 16), 2 * 9 * 32 * 32 * 16 * 16),
    shapes.global_average_network: ((1, 1, 64), 0),
    shapes.fire_network: ((27, 27, 128), 27 * 27 * (128 * 16 + 10 * 16 * 64)),
    shapes.resnet8_network: ((1, 1, 10), 12_501_632),
    shapes.ds_cnn_network: ((1, 1, 12), 2_656_768),
    shapes.vww_network: ((1, 1, 2), 7_489_664),
}


@pytest.mark.parametrize("build", NETWORKS)
def test_shapes_and_work_are_those_of_the_network(build):
    network = build()
    shape, macs = NETWORKS[build]
    assert network.tensors[network.output].shape == shape
    assert sum(map(network.macs, network.layers)) == macs


@pytest.mark.parametrize("build", NETWORKS)
def test_the_numbers_of_every_layer_use_their_range(build):
    network = build()
    values = execute(network, random_images(network, 2))
    for layer in network.layers:
        outputs = values[layer.output]
        saturated = np.mean((outputs == 127) | ((outputs == -128) & (network.tensors[layer.output].zero_point != -128)))
        assert outputs.std() > 5 and saturated < 0.3, layer.name


@pytest.mark.parametrize("config", ["arty-35", "arty-100"])
@pytest.mark.parametrize("build", NETWORKS)
def test_the_program_is_exact(build, config):
    network = build()
    model = compile_network(network, CONFIGS[config])
    expect(network, model, random_images(network, 1)[0])
    assert all(layer.cycles_predicted > 0 for layer in model.layers)


def test_another_seed_gives_other_weights():
    first, second = (shapes.depthwise_network(seed=seed).layers[0] for seed in (0, 1))
    assert not np.array_equal(first.weights, second.weights)


@pytest.mark.parametrize("size, kernel, stride, padding", [
    ((32, 32), (3, 3), (1, 1), Padding(1, 1, 1, 1)), ((32, 32), (3, 3), (2, 2), Padding(0, 0, 1, 1)), ((49, 10), (10, 4), (2, 2), Padding(4, 1, 5, 1)),
    ((9, 9), (1, 1), (2, 2), Padding())])
def test_padding_is_tflites(size, kernel, stride, padding):
    assert same_padding(size, kernel, stride) == padding
