# SPDX-License-Identifier: BSD-2-Clause
"""A float network described layer after layer computes what its description says."""

import numpy as np
import pytest

from nets.float_builder import RELU, FloatBuilder, ceil_padding
from nets.float_run import run_float

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("window", (1, 2, 3, 5))
@pytest.mark.parametrize("stride", (1, 2, 3))
def test_windows_in_ceil_mode_reach_the_last_pixel_and_none_begins_beyond_it(window, stride):
    for size in range(window, 20):
        padding = ceil_padding((size, size), (window, window), (stride, stride))
        assert padding.top == padding.left == 0 and padding.bottom == padding.right
        outputs = (size + padding.bottom - window) // stride + 1
        last = (outputs - 1) * stride
        assert last < size
        # Caffe's formula: the number of windows rounded up, less one that would begin beyond the map.
        rounded_up = -(-(size - window) // stride) + 1
        assert outputs == (rounded_up if (rounded_up - 1) * stride < size else rounded_up - 1)


def test_a_chain_of_every_kind_of_layer_gives_the_sums_of_its_arrays():
    weights, bias = RNG.normal(size=(4, 1, 1, 3)), RNG.normal(size=4)
    build = FloatBuilder("all", 5, 5, 3)
    first = build.convolution("first", "input", weights, bias)
    second = build.convolution("second", "input", weights, bias, activation=None)
    joined = build.concatenation("joined", first, build.add("sum", first, second, activation=None))
    pooled = build.max_pool("pooled", joined, (2, 2), (2, 2))
    mean = build.global_average("mean", pooled)
    dense = RNG.normal(size=(6, 1, 1, 8))
    build.dense("dense", mean, dense, np.zeros(6), RELU)
    network = build.network(["a", "b"])
    image = RNG.normal(size=(2, 5, 5, 3)).astype(np.float32)
    values = run_float(network, image)
    linear = image @ weights[:, 0, 0].T + bias
    joined = np.concatenate([np.maximum(linear, 0), np.maximum(linear, 0) + linear], axis=-1)
    np.testing.assert_allclose(values["joined"], joined, rtol=1e-4, atol=1e-5)
    assert values["pooled"].shape == (2, 3, 3, 8)
    np.testing.assert_allclose(values["pooled"][:, 2, 2], values["joined"][:, 4, 4])
    np.testing.assert_allclose(values["dense"][:, 0, 0], np.maximum(values["pooled"].mean(axis=(1, 2)) @ dense[:, 0, 0].T, 0), rtol=1e-4, atol=1e-5)
    assert network.output == "dense" and network.labels == ("a", "b")
