# SPDX-License-Identifier: BSD-2-Clause
"""Weight streams hold each tile's CONVs in order and its parameters last; weights of -128 come in two addends where they must."""

from copy import copy
from dataclasses import replace

import numpy as np
import pytest

from accel import isa
from accel.config import CONFIGS
from compiler.cpu_stream import cpu_stream
from compiler.expectation import expect
from compiler.ir import Padding
from compiler.program import compile_network
from compiler.weight_stream import PARAMETERS, split_weights, tile_stream, tile_weights
from compiler.window import plain_window
from tests.support.networks import convolution
from tests.support.random_networks import random_images

ARTY = CONFIGS["arty-35"]


def with_products(config, products):
    """Return the configuration with multipliers that give so many products a cycle."""
    config = copy(config)
    object.__setattr__(config, "macs_per_multiplier", products)
    return config


ONE, TWO = (with_products(ARTY, products) for products in (1, 2))


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_the_weights_of_a_tile_are_those_of_its_filters_in_their_groups(groups):
    layer = convolution((4, 4), 8, 20, (2, 3), groups=groups).layers[0]
    weights = tile_weights(layer, 12, 16)
    assert weights.shape == (2, 3, 8, 16)
    for column in range(16):
        k = 12 + column
        dense = np.zeros((2, 3, 8), np.int8)
        if k < 20:
            low = k // (20 // groups) * (8 // groups)
            dense[:, :, low:low + 8 // groups] = layer.weights[k]
        np.testing.assert_array_equal(weights[..., column], dense)


def test_a_stream_is_masks_weights_and_parameters():
    layer = convolution((4, 4), 70, 16, (1, 1), density=0.4).layers[0]
    stream = tile_stream(ARTY, layer, plain_window(ARTY, (1, 1), 70), -128, 0, 1, (range(2), range(2, 3)))
    kept = np.flatnonzero(layer.weights.any(axis=(0, 1, 2)))
    first = kept[kept < 64]
    header = int.from_bytes(stream.data[:16], "little")
    assert header == sum(1 << int(k) for k in first)
    np.testing.assert_array_equal(np.frombuffer(stream.data[16:16 + 16 * len(first)], np.int8).reshape(-1, 16), layer.weights[:, 0, 0, first].T)
    assert stream.convs == (0, 1) and stream.columns == 16
    records = np.frombuffer(stream.data[-256:], PARAMETERS)
    np.testing.assert_array_equal(records["multiplier"], layer.multipliers)
    np.testing.assert_array_equal(records["bias"], layer.bias + 128 * layer.weights.astype(int).sum(axis=(1, 2, 3)))
    assert stream.last_weight == len(stream.data) - 256 - 16


def test_the_last_weight_of_a_stream_that_ends_with_an_empty_block_is_still_a_weight():
    layer = convolution((4, 4), 160, 16, (1, 1)).layers[0]
    weights = layer.weights.copy()
    weights[..., 10:] = 0
    stream = tile_stream(ARTY, replace(layer, weights=weights), plain_window(ARTY, (1, 1), 160), 0, 0, 1, (range(5),))
    # Masks of four blocks, the ten channels, the fifth block's mask, the parameters.
    assert len(stream.data) == 16 * (1 + 10 + 1 + 16) and stream.last_weight == 16 * 10
    empty = tile_stream(ARTY, replace(layer, weights=0 * weights), plain_window(ARTY, (1, 1), 160), 0, 0, 1, (range(2), range(2, 5)))
    assert empty.last_weight is None and empty.convs == (0,)


def test_a_layer_with_a_dynamic_mask_keeps_its_bias():
    layer = convolution((4, 4), 20, 16, (1, 1), mask=0.5).layers[0]
    stream = tile_stream(ARTY, layer, plain_window(ARTY, (1, 1), 20), -128, 0, 1, (range(1),))
    np.testing.assert_array_equal(np.frombuffer(stream.data[-256:], PARAMETERS)["bias"], layer.bias)


def test_addends_of_minus_128_can_be_multiplied_in_pairs():
    weights = np.array([[-128, -127, 0], [1, 127, -128]], np.int8)
    assert len(split_weights(ONE, weights)) == 1
    main, extra = split_weights(TWO, weights)
    assert main.min() == -127 and set(np.unique(extra)) == {-1, 0}
    np.testing.assert_array_equal(main.astype(int) + extra, weights)
    assert len(split_weights(TWO, np.maximum(weights, -127))) == 1


@pytest.mark.parametrize("options", [
    {}, {"planar": True}, {"pool": True}, {"mask": 0.6, "zero_point": 17}, {"groups": 2, "planar": True}, {"stride": (2, 2), "density": 0.5}])
@pytest.mark.parametrize("channels, outputs, words", [(4, 20, 1024), (140, 32, 1024), (140, 40, 64)])
def test_weights_of_minus_128_are_exact_where_two_share_a_multiplier(channels, outputs, words, options):
    config = with_products(replace(ARTY, activation_words=words), 2)
    network = convolution((9, 8), channels, outputs, padding=Padding(1, 1, 1, 1), smallest=-128, largest=-100, **options)
    model = compile_network(network, config)
    convs = [values for name, values in map(isa.decode, model.words) if name == "CONV"]
    assert any(values["keep"] for values in convs) and any(values["accumulate"] for values in convs)
    for name, values in map(isa.decode, model.words):
        assert name != "WEIGHTS" or values["beats"] > 0
    expect(network, model, random_images(network, 5)[0])


def test_the_cpus_stream_holds_all_weights_of_a_plane_whatever_the_accelerator_does():
    layer = convolution((4, 4), 40, 24, (3, 3), smallest=-128, mask=0.5).layers[0]
    data = cpu_stream(TWO, layer, -128, 40)
    kept = np.flatnonzero(layer.dynamic_mask)
    size = 16 * (1 + 9 * len(kept) + 16)
    assert len(data) == 2 * size
    block = kept[kept < 32]
    weights = np.frombuffer(data[16:16 + 144 * len(block)], np.int8).reshape(3, 3, -1, 16)
    np.testing.assert_array_equal(weights, layer.weights[:16, :, :, block].transpose(1, 2, 3, 0))
    bias = layer.bias + 128 * layer.weights.astype(int)[..., kept].sum(axis=(1, 2, 3))
    np.testing.assert_array_equal(np.frombuffer(data[size - 256:size], PARAMETERS)["bias"], bias[:16])
