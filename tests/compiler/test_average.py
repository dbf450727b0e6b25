# SPDX-License-Identifier: BSD-2-Clause
"""Averages: every sum is divided rightly, windows at the borders by what they hold, global ones at any size that fits."""

import numpy as np
import pytest

from accel import isa
from accel.config import CONFIGS
from accel.errors import UserError
from accel.golden.requantise import requantise
from compiler.depthwise import MOST_POSITIONS, channel_work
from compiler.expectation import expect
from compiler.ir import AveragePool2D, Network, Padding, Rescale, TensorInfo
from compiler.program import compile_network
from tests.support.random_networks import random_images

SAME = Padding(1, 1, 1, 1)


def pooled(size, channels, window, stride=(1, 1), padding=Padding(), planar=False, zero_point=5, **options):
    """Return a Network of one average pool; planar: of a tensor that the accelerator wrote."""
    layer = AveragePool2D("pool", "in", "out", window, stride, padding, **options)
    source = TensorInfo("in", *size, channels, zero_point=zero_point)
    tensors = {"in": source, "out": TensorInfo("out", *layer.output_shape(source.shape), zero_point=zero_point)}
    layers = (layer,)
    if planar:
        tensors["image"] = TensorInfo("image", *size, channels, zero_point=zero_point)
        layers = (Rescale("copy", "image", "in"), layer)
    return Network("one", "image" if planar else "in", "out", tensors, layers)


def test_any_number_of_positions_divides_every_sum_with_halves_away_from_zero():
    """Around each half, where rounding changes, and at the ends."""
    for positions in range(1, MOST_POSITIONS + 1):
        window = next(((n, positions // n) for n in range(1, 64) if positions % n == 0 and positions // n <= 63), None)
        if window is not None:
            layer = AveragePool2D("pool", "in", "out", window, (1, 1))
            variant, = channel_work(layer, 1, (*window, 1), (1, 1, 1), (0, 0)).variants
            edges = positions * np.arange(-128, 128)[:, np.newaxis] + positions // 2 + np.arange(-2, 3)
            sums = np.clip(edges, -128 * positions, 127 * positions).reshape(-1, 1)
            expected = np.sign(sums) * ((np.abs(sums) + positions // 2) // positions)
            got = requantise(sums, 0, variant.multipliers.astype(np.int64), variant.shifts.astype(np.int64), 0, -128, 127, rounding=1)
            np.testing.assert_array_equal(got, np.clip(expected, -128, 127), err_msg=f"{positions} positions")


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("size, channels, window, options", [
    ((8, 8), 64, (8, 8), {}),
    ((13, 17), 20, (13, 17), {}),
    ((9, 11), 20, (3, 3), {"padding": SAME}),
    ((9, 11), 20, (3, 3), {"padding": SAME, "include_padding": True, "zero_point": -77}),
    ((10, 10), 6, (3, 3), {"stride": (2, 2), "padding": Padding(0, 0, 1, 1)}),
    ((7, 5), 40, (4, 5), {"stride": (3, 2), "padding": Padding(3, 4, 3, 4), "planar": True}),
    ((30, 30), 48, (2, 2), {"stride": (2, 2), "planar": True, "clamp_min": -20, "clamp_max": 30}),
    ((5, 6), 33, (1, 1), {"planar": True}),
    ((5, 6), 3, (1, 1), {"stride": (2, 3)}),
    ((1, 12), 70, (1, 12), {"padding": Padding(0, 11, 0, 11)}),
])
def test_averages_are_exact(size, channels, window, options, config):
    network = pooled(size, channels, window, **options)
    model = compile_network(network, CONFIGS[config])
    images = random_images(network, 1, 3)
    images[1:] = np.array([-128, 127]).reshape(2, 1, 1, 1)
    for image in images:
        expect(network, model, image)


def test_an_average_of_as_many_places_as_possible_is_exact():
    network = pooled((32, 32), 20, (32, 32))
    expect(network, compile_network(network, CONFIGS["arty-35"]), random_images(network, 1)[0])


def test_a_global_average_takes_as_many_planes_at_a_time_as_there_are_clusters():
    network = pooled((8, 8), 64, (8, 8))
    for name, convs in (("arty-35", 2), ("arty-100", 1)):
        model = compile_network(network, CONFIGS[name])
        expect(network, model, random_images(network, 2)[0])
        assert sum(isa.decode(word)[0] == "CONV" for word in model.words) == convs
        assert not any(isa.decode(word)[1].get("split") for word in model.words), "they share the weights"


def test_all_planes_share_one_stream_for_each_number_of_positions():
    model = compile_network(pooled((9, 9), 64, (3, 3), padding=SAME), CONFIGS["arty-35"])
    assert len(model.layers[0].plan.streams) == 3, "of 4, 6 and 9 positions"
    model = compile_network(pooled((9, 9), 64, (3, 3), padding=SAME, include_padding=True), CONFIGS["arty-35"])
    assert len(model.layers[0].plan.streams) == 1


@pytest.mark.parametrize("window, sentence", [((33, 32), "averages 1056 places, but at most 1024"), ((1, 64), "its window is 1 x 64")])
def test_an_average_that_is_too_large_is_refused(window, sentence):
    with pytest.raises(UserError, match=f"layer 'pool'.*{sentence}.*average in two steps"):
        compile_network(pooled(window, 4, window), CONFIGS["arty-100"])
