# SPDX-License-Identifier: BSD-2-Clause
"""Quantisation keeps what TFLite promises: 0 is exact, weights are symmetric, the quantised layer follows the float one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from compiler.ir import Conv2D
from compiler.reference import convolve
from nets.prune import connection_mask, keep_filters
from nets.quantise import activation_scale, quantise_activations, quantise_layer

REAL = st.floats(-1e3, 1e3)


@given(REAL, REAL)
def test_zero_is_always_exact(low, high):
    scale, zero_point = activation_scale(low, high)
    assert scale > 0 and -128 <= zero_point <= 127
    assert quantise_activations(np.zeros(1), scale, zero_point)[0] == zero_point


def test_a_quantised_convolution_is_within_a_step_of_the_float_one():
    rng = np.random.default_rng(3)
    images, weights, bias = rng.random((4, 6, 6, 8)), rng.normal(size=(5, 3, 3, 8)), rng.normal(size=5)
    weights[2] = 0
    windows = np.lib.stride_tricks.sliding_window_view(images, (3, 3), axis=(1, 2))
    real = np.einsum("nyxcij,oijc->nyxo", windows, weights) + bias
    source, target = activation_scale(0, 1), activation_scale(real.min(), real.max())
    layer = Conv2D("c", "a", "b", **quantise_layer(weights, bias, source[0], target[0]))
    assert np.abs(layer.weights).max() == 127
    got = convolve(quantise_activations(images, *source), layer, source[1], target[1])
    assert np.abs((got.astype(float) - target[1]) * target[0] - real).max() < 4 * target[0]


def test_the_pruner_keeps_the_most_salient_filters_and_as_many_channels_of_each_block_as_asked():
    rng = np.random.default_rng(5)
    weights = rng.normal(size=(40, 3, 3, 70))
    weights[[3, 17]] *= 100
    assert {3, 17} <= set(keep_filters(weights, 10))
    mask = connection_mask(weights, 16, 32, 8)
    for first in range(0, 40, 16):
        assert (mask[first:first + 16] == mask[first]).all()
        assert [mask[first, low:low + 32].sum() for low in (0, 32, 64)] == [8, 8, 6]
