# SPDX-License-Identifier: BSD-2-Clause
"""Depthwise convolutions: the clusters take pixels or planes, maps and channels of every size are cut, and all is exact."""

from dataclasses import replace

import numpy as np
import pytest

from accel import isa
from accel.config import CONFIGS
from accel.errors import UserError
from compiler.depthwise import depthwise_stream
from compiler.expectation import expect
from compiler.ir import Conv2D, Network, Padding, TensorInfo
from compiler.program import compile_network
from tests.support.networks import convolution
from tests.support.random_networks import random_images

SAME = Padding(1, 1, 1, 1)


def depthwise(size, channels, kernel=(3, 3), **options):
    return convolution(size, channels, channels, kernel, groups=channels, **options)


def assert_exact(network, config, seed=1):
    model = compile_network(network, CONFIGS[config])
    for image in random_images(network, seed, 2):
        expect(network, model, image)
    return model


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("size, channels, kernel, options", [
    ((24, 24), 64, (3, 3), {"padding": SAME}),
    ((9, 7), 2, (3, 3), {"padding": SAME, "smallest": -128, "largest": -100}),
    ((5, 5), 130, (5, 5), {"padding": Padding(2, 2, 2, 2), "planar": True, "smallest": -128}),
    ((13, 11), 40, (1, 4), {"stride": (2, 3), "planar": True}),
    ((1, 1), 70, (1, 1), {}),
    ((8, 10), 33, (2, 2), {"pool": True, "planar": True, "smallest": -128}),
    ((9, 9), 20, (3, 3), {"pool": True, "padding": SAME}),
    ((40, 40), 48, (3, 3), {"padding": SAME, "zero_point": 17}),
    ((30, 3), 300, (7, 3), {"padding": Padding(3, 0, 3, 2)}),
    ((3, 200), 24, (3, 3), {"padding": SAME, "stride": (1, 2)}),
])
def test_depthwise_convolutions_are_exact(size, channels, kernel, options, config):
    network = depthwise(size, channels, kernel, **options)
    assert_exact(network, config)


def settings(model, name):
    return [values for word in model.words for found, values in [isa.decode(word)] if found == name]


def test_where_pixels_do_not_divide_clusters_take_planes_of_their_own():
    model = assert_exact(depthwise((3, 3), 64, padding=SAME), "arty-35")
    assert model.layers[-1].plan.apart and {values["split"] for values in settings(model, "SHAPE")} == {1}
    assert len(settings(model, "CONV")) == 2


def test_clusters_without_a_plane_have_no_pixels():
    model = assert_exact(depthwise((4, 5), 168, (7, 7), padding=Padding(3, 3, 3, 3)), "arty-100")
    assert model.layers[-1].plan.apart
    assert [values["pixels"] for values in settings(model, "TILE")][-1] == 0
    assert [values["columns"] for values in settings(model, "CONV")] == [96, 72]


def test_a_large_map_is_computed_plane_by_plane():
    model = assert_exact(depthwise((16, 16), 16, padding=SAME), "arty-35")
    assert not model.layers[-1].plan.apart


def test_one_channel_or_a_dynamic_mask_is_a_convolution():
    for network in (depthwise((6, 6), 1), depthwise((6, 6), 8, mask=0.5)):
        assert not any(values["depthwise"] for values in settings(assert_exact(network, "arty-35"), "SHAPE"))


@pytest.mark.parametrize("name", CONFIGS)
def test_the_stream_has_two_beats_a_tap_even_columns_then_odd_ones(name):
    config = CONFIGS[name]
    layer = depthwise((6, 6), 3 * config.columns - 1, (2, 3)).layers[0]
    sets = config.clusters
    data = np.frombuffer(depthwise_stream(config, layer, 0, config.columns, sets).data, np.int8)
    beats = data[:config.beat_bytes * (1 + 12 * sets)].reshape(-1, config.columns)
    assert beats[0].tobytes() == (3).to_bytes(config.beat_bytes, "little")
    taps = beats[1:].reshape(2, 3, 2, sets, config.columns)
    for s in range(sets):
        for k in range(config.columns):
            channel = (1 + s) * config.columns + k
            expected = layer.weights[channel, :, :, 0] if channel < len(layer.weights) else np.zeros((2, 3))
            np.testing.assert_array_equal(taps[:, :, k % 2, s, k], expected)
            assert not taps[:, :, 1 - k % 2, s, k].any()


def test_only_weights_of_minus_128_add_a_second_conv_where_two_share_a_multiplier():
    for smallest, config, count in ((-127, "arty-35", 1), (-128, "small-16", 1), (-128, "arty-35", 2)):
        weights = np.full((16, 3, 3, 1), smallest)
        layer = Conv2D("conv", "in", "out", weights, np.zeros(16), np.full(16, 1 << 30), np.full(16, -9), groups=16)
        tensors = {"in": TensorInfo("in", 5, 5, 16), "out": TensorInfo("out", 3, 3, 16)}
        model = assert_exact(Network("one", "in", "out", tensors, (layer,)), config)
        assert len(settings(model, "CONV")) == count


def test_filters_that_are_off_give_their_zero_point():
    network, config = depthwise((9, 9), 50, padding=SAME, planar=True), CONFIGS["tiny"]
    model = compile_network(network, config)
    for seed in range(3):
        filters = [int(n) for n in np.random.default_rng(seed).choice([0, 5, 15], 1024)]
        expect(network, model, random_images(network, seed)[0], filters)


def test_sums_that_could_overflow_the_accumulator_are_refused():
    narrow = replace(CONFIGS["arty-35"], name="narrow", accumulator_bits=24)
    network = depthwise((30, 30), 4, (30, 30), smallest=127, largest=127)
    compile_network(network, CONFIGS["arty-35"])
    with pytest.raises(UserError, match="a partial sum could reach 14630400, which does not fit the 24 bits"):
        compile_network(network, narrow)
