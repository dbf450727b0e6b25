# SPDX-License-Identifier: BSD-2-Clause
"""No output of any layer lies outside its bounds; a bound of one value is the value."""

import numpy as np
import pytest

from compiler.bounds import output_bounds
from compiler.ir import Add, AveragePool2D, Concat, Conv2D, FullyConnected, MaxPool2D, Padding, Rescale
from compiler.reference import compute, execute
from tests.support.random_graphs import random_graph
from tests.support.random_networks import random_images


def assert_within(layer, maps, bounds, zero_points, output_zero_point, note=""):
    low, high = output_bounds(layer, bounds, zero_points, output_zero_point)
    outputs = compute(layer, maps, zero_points, output_zero_point)
    least, most = outputs.min(axis=(0, 1, 2)), outputs.max(axis=(0, 1, 2))
    assert np.all(low <= least) and np.all(most <= high), f"{note}: {low} to {high}, but {least} to {most}"
    return low, high


@pytest.mark.parametrize("seed", range(60))
def test_outputs_of_random_layers_lie_within_the_bounds_of_their_inputs(seed):
    network, rng = random_graph(seed, 4), np.random.default_rng(seed)
    values = execute(network, random_images(network, seed, 4))
    for layer in network.layers:
        maps = [values[name] for name in layer.inputs]
        # Some channels have few values, some one.
        narrowed = [np.clip(one, *np.sort(rng.integers(-128, 128, (2, one.shape[3])), axis=0)).astype(np.int8) for one in maps]
        for one in narrowed:
            one[..., ::3] = rng.integers(-128, 128, one[0, 0, 0, ::3].shape)
        zero_points = [network.tensors[name].zero_point for name in layer.inputs]
        for inputs in (maps, narrowed):
            bounds = [(one.min(axis=(0, 1, 2)).astype(np.int64), one.max(axis=(0, 1, 2)).astype(np.int64)) for one in inputs]
            assert_within(layer, inputs, bounds, zero_points, network.tensors[layer.output].zero_point, f"seed {seed}, layer {layer.name}")


def test_the_bounds_of_a_convolution_are_reached():
    weights = np.array([[[[3, -2]]], [[[0, 0]]], [[[1, 1]]]])
    layer = Conv2D("c", "x", "y", weights, [5, 7, 0], [1 << 30] * 3, [1, 1, -30])
    low, high = output_bounds(layer, [(np.array([-2, 3]), np.array([4, 9]))], [1], 0)
    assert (low.tolist(), high.tolist()) == ([3 * -3 - 2 * 8 + 5, 7, 0], [3 * 3 - 2 * 2 + 5, 7, 0])
    padded = Conv2D("c", "x", "y", weights, [5, 7, 0], [1 << 30] * 3, [1, 1, -30], padding=Padding(0, 1, 0, 0))
    low, high = output_bounds(padded, [(np.array([-2, 3]), np.array([4, 9]))], [1], 0)
    assert (low.tolist(), high.tolist()) == ([3 * -3 - 2 * 8 + 5, 7, 0], [3 * 3 + 5, 7, 0])


@pytest.mark.parametrize("shift, bias", [(30, 0), (8, 1 << 24), (0, (1 << 31) - 1)])
def test_sums_that_wrap_are_bound_by_the_clamp_only_unless_the_multiplier_is_0(shift, bias):
    layer = FullyConnected("c", "x", "y", np.full((2, 1, 1, 1), 100), [bias] * 2, [(1 << 31) - 1, 0], [shift] * 2, clamp_min=-100, clamp_max=99)
    low, high = output_bounds(layer, [(np.array([-128]), np.array([127]))], [0], 4)
    assert (low.tolist(), high.tolist()) == ([-100, 4], [99, 4])


@pytest.mark.parametrize("layer", [
    MaxPool2D("p", "x", "y", (2, 2), (1, 1), Padding(1, 1, 1, 1)), AveragePool2D("p", "x", "y", (2, 2), (1, 1), Padding(1, 1, 1, 1)),
    Rescale("r", "x", "y", 1 << 30, 1), Rescale("r", "x", "y", (1 << 31) - 1, 30)])
def test_a_constant_stays_one_through_pools_and_rescaling(layer):
    maps = np.full((1, 3, 3, 2), [-7, 100]).astype(np.int8)
    constant = maps[0, 0, 0].astype(np.int64)
    low, high = assert_within(layer, [maps], [(constant, constant)], [3], 3)
    np.testing.assert_array_equal(low, high)


def test_an_average_that_counts_padding_mixes_the_zero_point_in():
    layer = AveragePool2D("p", "x", "y", (2, 2), (1, 1), Padding(1, 0, 0, 0), include_padding=True)
    low, high = output_bounds(layer, [(np.array([10]), np.array([10]))], [-4], -4)
    assert (low.tolist(), high.tolist()) == ([-4], [10])


def test_sums_and_concatenations_of_constants_are_constants():
    five, six = np.array([5]), np.array([6])
    layer = Add("a", "x", "y", "z", 1 << 30, 0, 1 << 30, 0, 1 << 30, 30)
    maps = [one.astype(np.int8).reshape(1, 1, 1, 1) for one in (five, six)]
    low, high = assert_within(layer, maps, [(five, five), (six, six)], [0, 1], 2)
    assert low == high
    assert [end.tolist() for end in output_bounds(Concat("j", ("x", "y"), "z"), [(five, five), (six, six)], [0, 0], 0)] == [[5, 6], [5, 6]]
