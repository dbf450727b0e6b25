# SPDX-License-Identifier: BSD-2-Clause
"""Which tensors can be pruned, at which numbers their maps are cleared, and what is expected of them."""

from dataclasses import replace

import numpy as np
import pytest

from accel.errors import UserError
from compiler.ir import FullyConnected, Padding
from compiler.pruning import NEVER, candidates, exact_pruning, limits_of, prunable, reader_limits
from compiler.reference import cleared, execute
from tests.support.pruned_networks import deep
from tests.support.random_networks import random_images


def test_what_is_not_behind_a_relu_cannot_be_pruned():
    network = deep(widths=(8, 8, 8))
    layers = [replace(network.layers[0], clamp_min=-100), replace(network.layers[1], clamp_min=-128), network.layers[2]]
    tensors = network.tensors | {"t0": replace(network.tensors["t0"], zero_point=-99), "t1": replace(network.tensors["t1"], zero_point=-128)}
    network = replace(network, layers=tuple(layers), tensors=tensors)
    assert candidates(network) == {"image": "it is the image", "t0": "its numbers can lie below the zero point", "t1": None}
    assert [layer.name for layer in prunable(network)["t1"]] == ["conv2"]


def test_a_tensor_that_only_a_fully_connected_layer_reads_is_not_pruned():
    network = deep(widths=(8,))
    layer = FullyConnected("dense", "t0", "out", np.ones((4, 8, 8, 8)), np.zeros(4), np.full(4, 1 << 30), np.zeros(4))
    network = replace(network, layers=(*network.layers, layer), tensors=network.tensors | {"out": replace(network.tensors["t0"], name="out", height=1,
                                                                                                     width=1, channels=4)}, output="out")
    assert prunable(network) == {}


@pytest.mark.parametrize("zero_point, threshold, limit", [(-128, 0, -128), (-128, 7, -121), (0, 255, 127), (17, 3, 20)])
def test_limits_are_the_zero_point_and_the_threshold(zero_point, threshold, limit):
    network = deep(widths=(40, 8))
    tensors = network.tensors | {"t0": replace(network.tensors["t0"], zero_point=zero_point)}
    network = replace(network, tensors=tensors, layers=(replace(network.layers[0], clamp_min=zero_point), network.layers[1]))
    assert set(limits_of(network, "t0", threshold)) == {limit}
    assert list(reader_limits(network, {"t0": threshold})) == ["conv1"]


def test_a_map_that_is_always_the_same_but_not_the_zero_point_is_never_cleared():
    network = deep(widths=(4, 8))
    first = network.layers[0]
    bias, weights = first.bias.copy(), first.weights.copy()
    weights[2], bias[2] = 0, 1 << 20
    second = replace(network.layers[1], padding=Padding())
    network = replace(network, layers=(replace(first, weights=weights, bias=bias), second),
                      tensors=network.tensors | {"t1": replace(network.tensors["t1"], height=6, width=6)})
    limits = limits_of(network, "t0", 255)
    assert limits[2] == NEVER and (np.delete(limits, 2) == 127).all()


@pytest.mark.parametrize("threshold", [-1, 256])
def test_thresholds_out_of_range_are_refused(threshold):
    with pytest.raises(UserError, match=f"the threshold of 't0' is {threshold}, but it must be 0 to 255"):
        limits_of(deep(), "t0", threshold)


def test_an_exact_pruning_expects_the_maps_that_images_have():
    network = deep(widths=(40, 40, 8))
    images = random_images(network, 3, 6)
    pruning = exact_pruning(network, images)
    assert pruning.exact and pruning.thresholds == {"t0": 0, "t1": 0}
    values = execute(network, images)
    np.testing.assert_array_equal(pruning.kept["t1"], 1 - cleared(values["t1"], np.full(40, -128)).mean(axis=0))
    assert 0 < pruning.kept["t1"].mean() < 1


def test_of_many_images_some_that_are_evenly_spread_say_what_is_expected(monkeypatch):
    monkeypatch.setattr("compiler.pruning.LOOKED_AT", 3)
    network = deep(widths=(40, 40, 8))
    images = random_images(network, 6, 9)
    images[1:4] = -128
    found, expected = exact_pruning(network, images), exact_pruning(network, images[[0, 4, 8]])
    np.testing.assert_array_equal(found.kept["t1"], expected.kept["t1"])
    assert (found.kept["t1"] != exact_pruning(network, images[:3]).kept["t1"]).any()
