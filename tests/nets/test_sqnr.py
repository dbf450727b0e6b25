# SPDX-License-Identifier: BSD-2-Clause
"""The ratio of signal to quantisation noise is that of the definition, and shows where a layer is wrong."""

import math
from dataclasses import replace

import numpy as np
import pytest

from compiler.reference import execute
from nets.float_builder import FloatBuilder
from nets.float_run import run_float
from nets.quantise import quantise_activations
from nets.quantise_network import quantise_network
from nets.sqnr import sqnr


def pair():
    """Return (FloatNetwork of two convolutions, its int8 Network, float images)."""
    rng = np.random.default_rng(1)
    build = FloatBuilder("two", 5, 5, 3)
    inner = build.convolution("first", "input", rng.normal(size=(6, 3, 3, 3)), np.zeros(6))
    build.convolution("second", inner, rng.normal(size=(4, 1, 1, 6)), np.zeros(4), activation=None)
    images = rng.normal(size=(11, 5, 5, 3)).astype(np.float32)
    return build.network(), quantise_network(build.network(), images), images


def test_it_is_ten_log_ten_of_signal_by_noise_over_all_images():
    real, network, images = pair()
    info = network.tensors["input"]
    numbers = execute(network, quantise_activations(images, info.scale, info.zero_point))
    got = sqnr(real, network, images)
    assert list(got) == ["input", "first", "second"]
    for name, wanted in run_float(real, images).items():
        info = network.tensors[name]
        noise = (numbers[name].astype(float) - info.zero_point) * info.scale - wanted
        assert got[name] == pytest.approx(10 * np.log10((wanted.astype(float) ** 2).sum() / (noise ** 2).sum()), abs=0.01)


def test_a_layer_that_is_wrong_stands_out():
    real, network, images = pair()
    first, second = network.layers
    wrong = replace(network, layers=(first, replace(second, multipliers=second.multipliers // 2)))
    good, bad = sqnr(real, network, images), sqnr(real, wrong, images)
    assert bad["first"] == good["first"] > 30 and bad["second"] < 10


def test_zeros_have_no_noise():
    build = FloatBuilder("zeros", 2, 2, 1)
    build.convolution("conv", "input", np.ones((2, 1, 1, 1)), np.zeros(2))
    images = np.zeros((1, 2, 2, 1), np.float32)
    assert sqnr(build.network(), quantise_network(build.network(), images), images) == {"input": math.inf, "conv": math.inf}
