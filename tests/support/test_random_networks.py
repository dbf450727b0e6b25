# SPDX-License-Identifier: BSD-2-Clause
"""What the random layers of the hardware's tests cover."""

from collections import Counter

import numpy as np
import pytest

from accel.config import CONFIGS
from compiler.ir import Conv2D
from compiler.numbers import Rounding
from compiler.reference import execute
from tests.support.random_networks import random_images, random_network, spans_of, spans_several_tiles

SEEDS = range(500)


def layers_of(config, seeds=SEEDS, **options):
    """Yield (layer, its source) of the random networks of `seeds`."""
    for seed in seeds:
        network = random_network(seed, config.columns, spans=spans_of(config), **options)
        for layer in network.layers:
            yield layer, network.tensors[layer.input]


@pytest.mark.parametrize("name", CONFIGS)
def test_a_third_of_the_layers_have_several_tiles_in_pixels_and_outputs_and_input_blocks(name):
    spans = spans_of(CONFIGS[name])
    found = [spans_several_tiles(layer, source.shape, spans) for layer, source in layers_of(CONFIGS[name])]
    assert sum(found) >= len(found) / 3


def test_numbers_come_from_their_whole_legal_range():
    layers = [(layer, source) for layer, source in layers_of(CONFIGS["tiny"]) if isinstance(layer, Conv2D)]
    shifts, multipliers, biases = (np.concatenate([getattr(layer, name) for layer, _ in layers]) for name in ("shifts", "multipliers", "bias"))
    assert set(shifts) == set(range(-31, 31))
    assert (multipliers.min(), multipliers.max()) == (0, (1 << 31) - 1)
    assert np.all(np.histogram(np.log2(multipliers[multipliers > 0]), bins=31, range=(0, 31))[0] > 0)
    assert biases.min() < -1.9e9 and biases.max() > 1.9e9
    zero_points = [source.zero_point for _, source in layers]
    assert {-128, -127, 126, 127} <= set(zero_points) and len(set(zero_points)) > 150


def test_weights_of_minus_128_come_often_and_can_be_left_out():
    def share(**options):
        layers = [layer for layer, _ in layers_of(CONFIGS["tiny"], **options) if isinstance(layer, Conv2D)]
        return np.mean([bool((layer.weights == -128).any()) for layer in layers])
    assert share() > 0.5
    assert share(least_weight=-127) == 0


def test_every_rounding_is_there():
    roundings = Counter(layer.rounding for layer, _ in layers_of(CONFIGS["tiny"]) if isinstance(layer, Conv2D))
    assert set(roundings) == set(Rounding) and min(roundings.values()) > 20


def test_every_kind_of_layer_is_there():
    layers = list(layers_of(CONFIGS["tiny"]))
    convolutions = [(layer, source) for layer, source in layers if layer.op == "conv2d"]
    assert {layer.op for layer, _ in layers} == {"conv2d", "fully_connected", "max_pool2d", "average_pool2d", "rescale"}
    assert sum(layer.groups > 1 for layer, _ in convolutions) > 50
    assert sum(1 < layer.groups == source.channels for layer, source in convolutions) > 30
    assert sum(layer.op == "average_pool2d" and layer.include_padding for layer, _ in layers) > 5
    assert sum(source.channels <= 4 and max(layer.kernel) >= 7 for layer, source in convolutions) > 20
    assert max(max(layer.kernel) for layer, _ in convolutions) == 11 and max(max(layer.stride) for layer, _ in convolutions) == 4
    assert sum(layer.op == "max_pool2d" and source.name != "image" and layer.kernel == layer.stride == (2, 2) for layer, source in layers) > 40


def test_most_outputs_use_their_range():
    varied = 0
    for seed in range(100):
        network = random_network(seed, 4, spans=spans_of(CONFIGS["tiny"]))
        outputs = execute(network, random_images(network, seed))[network.output]
        varied += len(np.unique(outputs)) >= min(20, outputs.size / 4)
    assert varied > 60
