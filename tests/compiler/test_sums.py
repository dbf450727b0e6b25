# SPDX-License-Identifier: BSD-2-Clause
"""A convolution's sums are those of integers, whatever the sizes, and however large the numbers."""

import numpy as np
import pytest

from compiler import sums
from compiler.ir import Conv2D, Padding


def layer_of(weights, stride=(1, 1), padding=Padding(), groups=1):
    zeros = np.zeros(len(weights))
    return Conv2D("conv", "input", "conv", weights, zeros, zeros, zeros, stride, padding, groups)


def sums_by_integers(maps, layer, zero_point):
    """The definition, output by output, in int64."""
    pad, (height, width) = layer.padding, layer.map_shape(maps.shape[1:])
    padded = np.pad(maps.astype(np.int64) - zero_point, ((0, 0), (pad.top, pad.bottom), (pad.left, pad.right), (0, 0)))
    inputs, outputs = layer.weights.shape[3], len(layer.weights) // layer.groups
    result = np.zeros((len(maps), height, width, len(layer.weights)), np.int64)
    for channel, weights in enumerate(layer.weights.astype(np.int64)):
        low = channel // outputs * inputs
        for y, x in np.ndindex(height, width):
            top, left = y * layer.stride[0], x * layer.stride[1]
            window = padded[:, top:top + layer.kernel[0], left:left + layer.kernel[1], low:low + inputs]
            result[:, y, x, channel] = (window * weights).sum(axis=(1, 2, 3))
    return result


@pytest.mark.parametrize("shape, outputs, kernel, stride, padding, groups", [
    ((7, 6, 5), 4, (3, 3), (1, 1), Padding(1, 1, 1, 1), 1),
    ((9, 8, 6), 8, (2, 3), (2, 3), Padding(0, 1, 2, 0), 2),
    ((6, 6, 4), 4, (3, 3), (2, 2), Padding(0, 0, 1, 1), 4),
    ((5, 5, 3), 6, (3, 3), (1, 1), Padding(1, 1, 1, 1), 3),
    ((1, 1, 40), 10, (1, 1), (1, 1), Padding(), 1),
])
@pytest.mark.parametrize("zero_point", [-128, 0, 17])
def test_sums_are_those_of_the_definition(shape, outputs, kernel, stride, padding, groups, zero_point, monkeypatch):
    rng = np.random.default_rng(outputs)
    layer = layer_of(rng.integers(-128, 128, (outputs, *kernel, shape[2] // groups)), stride, padding, groups)
    maps = rng.integers(-128, 128, (5, *shape), dtype=np.int8)
    expected = sums_by_integers(maps, layer, zero_point)
    np.testing.assert_array_equal(sums.convolution_sums(maps, layer, zero_point), expected)
    monkeypatch.setattr(sums, "_BLOCK", 1)
    np.testing.assert_array_equal(sums.convolution_sums(maps, layer, zero_point), expected, err_msg="image by image")


@pytest.mark.parametrize("inputs", [517, 518, 519, 5000])
def test_the_largest_sums_are_exact_on_both_sides_of_what_float32_holds(inputs):
    """518 products of 255 and 127 are the most below 2**24; an odd last one would be lost in a float32 beyond it."""
    weights = np.full((2, 1, 1, inputs), 127)
    weights[:, 0, 0, -1] = 1, -127
    maps = np.full((1, 1, 1, inputs), 127, np.int8)
    expected = [255 * (127 * (inputs - 1) + 1), 255 * 127 * (inputs - 2)]
    assert sums.convolution_sums(maps, layer_of(weights), -128).reshape(-1).tolist() == expected


def test_a_channel_that_the_run_time_mask_clears_adds_nothing():
    rng = np.random.default_rng(3)
    weights, mask = rng.integers(-127, 128, (4, 3, 3, 6)), np.array([True, False, True, True, False, True])
    maps = rng.integers(-128, 128, (2, 5, 5, 6), dtype=np.int8)
    masked = Conv2D("conv", "input", "conv", weights, np.zeros(4), np.zeros(4), np.zeros(4), dynamic_mask=mask)
    np.testing.assert_array_equal(sums.convolution_sums(maps, masked, 9), sums.convolution_sums(maps, layer_of(weights * mask), 9))
