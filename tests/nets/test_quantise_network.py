# SPDX-License-Identifier: BSD-2-Clause
"""The quantised network follows the float one, is the same each time, and compiles to what the reference computes."""

import math

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.errors import UserError
from compiler.cpu_layers import on_cpu
from compiler.expectation import expect
from compiler.ir import AveragePool2D, Conv2D, Padding, Rescale
from compiler.program import compile_network
from compiler.reference import execute
from nets.float_builder import FloatBuilder
from nets.float_network import FloatActivation, FloatAveragePool, FloatConcat, FloatNetwork, FloatSoftmax, FloatTensor
from nets.quantise import dequantise, quantise_activations
from nets.quantise_network import METHODS, quantise_network
from nets.sqnr import sqnr
from tests.support.random_floats import random_float_network, random_maps
from tests.support.slices import slice_of

# Least ratio of signal to noise of the scores of the random networks, in decibels: seven layers of int8.
LEAST_DECIBELS = 25


def numbers(network, images):
    """Return `images` as the network's int8."""
    info = network.tensors[network.input]
    return quantise_activations(images, info.scale, info.zero_point)


def weights(*shape, seed=1):
    """Return random float weights."""
    return np.random.default_rng(seed).normal(size=shape) / math.sqrt(math.prod(shape[1:]))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", slice_of(range(60), 12))
def test_a_random_network_follows_the_float_one(seed, method):
    real = random_float_network(seed, softmax=False)
    images = random_maps(real, seed, 16)
    network = quantise_network(real, images, method)
    assert sqnr(real, network, images)[network.output] > LEAST_DECIBELS


@pytest.mark.parametrize("config", ["tiny", "arty-35"])
@pytest.mark.parametrize("seed", slice_of(range(100, 140), 5))
def test_golden_model_and_reference_agree_on_a_quantised_network(seed, config):
    real = random_float_network(seed, softmax=False)
    images = random_maps(real, seed, 4)
    network = quantise_network(real, images)
    expect(network, compile_network(network, CONFIGS[config]), numbers(network, images)[0])


def test_the_same_arguments_give_the_same_network():
    real = random_float_network(5)
    images = random_maps(real, 5)
    first, second = (quantise_network(real, images, "mse") for _ in range(2))
    assert first.tensors == second.tensors
    for one, other in zip(first.layers, second.layers, strict=True):
        np.testing.assert_equal(vars(one), vars(other))


def test_quantising_leaves_the_float_network_as_it_is():
    real = random_float_network(6)
    layers, tensors = real.layers, dict(real.tensors)
    quantise_network(real, random_maps(real, 6))
    assert (real.layers, real.tensors) == (layers, tensors)


def test_relu_is_the_clamp_of_the_layer_before_it():
    build = FloatBuilder("one", 6, 6, 3)
    build.convolution("conv", "input", weights(4, 3, 3, 3), np.zeros(4))
    real = build.network()
    network = quantise_network(real, random_maps(real, 1))
    assert network.layers[0].clamp_min == network.tensors["conv"].zero_point == -128


def test_a_clip_within_the_range_clamps_both_ends():
    tensors = {name: FloatTensor(name, 4, 4, 2) for name in ("input", "a", "b")}
    layers = FloatActivation("wide", "input", "a", -2.0, 2.0), FloatActivation("clip", "a", "b", -1.0, 0.5)
    real = FloatNetwork("clip", "input", "b", tensors, layers)
    network = quantise_network(real, random_maps(real, 2))
    layer, info = network.layers[0], network.tensors["b"]
    assert isinstance(layer, Rescale) and len(network.layers) == 1
    assert dequantise([layer.clamp_min, layer.clamp_max], info.scale, info.zero_point) == pytest.approx([-1, 0.5], abs=info.scale)


def test_a_mean_over_the_whole_map_has_a_scale_of_its_own_and_is_rounded_once():
    tensors = {"input": FloatTensor("input", 7, 5, 6), "mean": FloatTensor("mean", 1, 1, 6)}
    real = FloatNetwork("mean", "input", "mean", tensors, (FloatAveragePool("mean", "input", "mean", (7, 5), (1, 1)),))
    images = random_maps(real, 3)
    network = quantise_network(real, images)
    info = network.tensors["mean"]
    assert isinstance(network.layers[0], Conv2D) and info.scale < network.tensors["input"].scale / 2
    source = network.tensors["input"]
    maps = numbers(network, images)
    exact = dequantise(maps, source.scale, source.zero_point).mean(axis=(1, 2)) / info.scale + info.zero_point
    assert np.abs(execute(network, maps)["mean"][:, 0, 0] - np.clip(exact, -128, 127)).max() <= 0.5 + 1e-3


def test_a_mean_over_part_of_the_map_keeps_the_scale():
    tensors = {"input": FloatTensor("input", 4, 4, 2), "pool": FloatTensor("pool", 2, 2, 2)}
    real = FloatNetwork("pool", "input", "pool", tensors, (FloatAveragePool("pool", "input", "pool", (3, 3), (2, 2), Padding(1, 1, 0, 0), True),))
    network = quantise_network(real, random_maps(real, 4))
    assert isinstance(network.layers[0], AveragePool2D) and network.layers[0].include_padding
    assert network.tensors["pool"].scale == network.tensors["input"].scale


def two_branches(factor, shared):
    """Return a FloatNetwork that concatenates two convolutions, one `factor` times smaller; `shared`: something else reads that too."""
    build = FloatBuilder("branches", 6, 6, 3)
    small = build.convolution("small", "input", weights(4, 3, 3, 3, seed=1) / factor, np.zeros(4), padding=1)
    large = build.convolution("large", "input", weights(4, 3, 3, 3, seed=2), np.zeros(4), padding=1)
    joined = build.concatenation("joined", small, large)
    if shared:
        small = build.convolution("again", small, weights(4, 1, 1, 4, seed=3) * factor, np.zeros(4))
    build.concatenation("all", joined, small)
    return build.network()


def test_what_only_a_concatenation_reads_has_its_scale():
    build = FloatBuilder("branches", 6, 6, 3)
    branches = [build.convolution(name, "input", weights(4, 1, 1, 3) * factor, np.zeros(4)) for name, factor in (("a", 1), ("b", 9))]
    build.concatenation("joined", *branches)
    network = quantise_network(build.network(), random_maps(build.network(), 1))
    assert len({info.scale for name, info in network.tensors.items() if name != "input"}) == 1 and len(network.layers) == 3


def test_a_branch_that_would_lose_too_much_keeps_its_scale_and_is_rescaled():
    real = two_branches(20, shared=True)
    network = quantise_network(real, random_maps(real, 1))
    assert network.tensors["small"].scale < network.tensors["joined"].scale / 10
    assert [layer.output for layer in network.layers if isinstance(layer, Rescale)] == ["small for joined"]


def test_a_softmax_that_is_concatenated_is_rescaled():
    tensors = {name: FloatTensor(name, 2, 2, channels) for name, channels in (("input", 4), ("softmax", 4), ("joined", 8))}
    layers = (FloatSoftmax("softmax", "input", "softmax"), FloatConcat("joined", ("input", "softmax"), "joined"))
    real = FloatNetwork("mixed", "input", "joined", tensors, layers)
    images = random_maps(real, 8) * 4
    network = quantise_network(real, images)
    assert (network.tensors["softmax"].scale, network.tensors["softmax"].zero_point) == (1 / 256, -128)
    assert [on_cpu(layer) for layer in network.layers] == [True, False, False]
    assert sqnr(real, network, images)["joined"] > LEAST_DECIBELS


def test_a_filter_whose_bias_dwarfs_its_weights_keeps_its_bias():
    build = FloatBuilder("biased", 4, 4, 2)
    small = weights(3, 1, 1, 2)
    small[1] = 1e-9
    build.convolution("conv", "input", small, [0.5, 1.5, 0.0], activation=None)
    real = build.network()
    images = random_maps(real, 2)
    network = quantise_network(real, images)
    info = network.tensors["conv"]
    got = dequantise(execute(network, numbers(network, images))["conv"], info.scale, info.zero_point)
    assert np.abs(got[..., 1] - 1.5).max() <= info.scale


@pytest.mark.parametrize(("change", "sentence"), [
    ({"method": "best"}, "no calibration method 'best': use one of minmax, percentile, mse"),
    ({"images": np.zeros((0, 6, 6, 3))}, "without images"),
    ({"images": np.zeros((2, 5, 6, 3))}, r"takes images of \(6, 6, 3\), not \(5, 6, 3\)"),
    ({"images": np.full((2, 6, 6, 3), np.nan)}, "infinite or not a number")])
def test_calibration_that_cannot_be_is_refused(change, sentence):
    build = FloatBuilder("one", 6, 6, 3)
    build.convolution("conv", "input", weights(4, 3, 3, 3), np.zeros(4))
    arguments = {"images": np.ones((2, 6, 6, 3)), **change}
    with pytest.raises(UserError, match=sentence):
        quantise_network(build.network(), **arguments)


def test_a_scale_beyond_the_multipliers_is_refused_with_the_layer():
    build = FloatBuilder("steep", 4, 4, 1)
    build.dense("dense", "input", np.full((1, 4, 4, 1), 1e30), np.zeros(1))
    with pytest.raises(UserError, match="layer 'dense' cannot be quantised: .* its weights or its range are degenerate"):
        quantise_network(build.network(), np.zeros((1, 4, 4, 1)))
