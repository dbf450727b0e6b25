# SPDX-License-Identifier: BSD-2-Clause
"""Each operator of the reference equals its formula in whole numbers, one output at a time; wrong layers are refused by name."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accel.errors import UserError
from compiler.ir import Add, AveragePool2D, Concat, Conv2D, MaxPool2D, Network, Padding, Rescale, TensorInfo
from compiler.reference import compute

INT8 = st.integers(-128, 127)
LIMITS = st.tuples(INT8, INT8).map(sorted)
MULTIPLIERS = st.one_of(st.integers(1 << 30, (1 << 31) - 1), st.sampled_from([0, 1, (1 << 31) - 1]))


def wrapped(value):
    return (value + (1 << 31)) % (1 << 32) - (1 << 31)


def scaled(value, multiplier, shift):
    """TFLite's MultiplyByQuantizedMultiplier: divisions that round towards zero, as C++ has them."""
    product = wrapped(value << max(shift, 0)) * multiplier
    nudged = product + ((1 << 30) if product >= 0 else 1 - (1 << 30))
    high = abs(nudged) // (1 << 31) * (1 if nudged >= 0 else -1)
    exponent = max(-shift, 0)
    mask = (1 << exponent) - 1
    return (high >> exponent) + ((high & mask) > (mask >> 1) + (high < 0))


def clamped(value, layer):
    return min(max(value, layer.clamp_min), layer.clamp_max)


def run(layer, maps, zero_points, output_zero_point):
    return compute(layer, [np.array(one, np.int8).reshape(1, 1, -1, 1) for one in maps], zero_points, output_zero_point).reshape(-1).tolist()


@settings(max_examples=300, deadline=None)
@given(INT8, INT8, INT8, INT8, INT8, *[MULTIPLIERS] * 3, st.integers(-31, 0), st.integers(-31, 0), st.integers(-31, 30), LIMITS)
def test_an_addition_is_tflites(q0, q1, z0, z1, z2, m0, m1, m2, s0, s1, s2, limits):
    layer = Add("a", "x", "y", "z", m0, s0, m1, s1, m2, s2, *limits)
    total = scaled((q0 - z0) << 20, m0, s0) + scaled((q1 - z1) << 20, m1, s1)
    assert run(layer, [[q0], [q1]], [z0, z1], z2) == [clamped(scaled(total, m2, s2) + z2, layer)]


@settings(max_examples=300, deadline=None)
@given(INT8, INT8, INT8, MULTIPLIERS, st.integers(-31, 30), LIMITS)
def test_a_rescaling_is_tflites(q, z0, z1, multiplier, shift, limits):
    layer = Rescale("r", "x", "y", multiplier, shift, *limits)
    assert run(layer, [[q]], [z0], z1) == [clamped(scaled(q - z0, multiplier, shift) + z1, layer)]


def test_the_rescaling_without_numbers_copies():
    values = list(range(-128, 128))
    assert run(Rescale("r", "x", "y"), [values], [5], 5) == values


@pytest.mark.parametrize("include", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_an_average_is_that_of_each_window(seed, include):
    rng = np.random.default_rng(seed)
    window, stride = (tuple(int(n) for n in rng.integers(1, 5, 2)) for _ in range(2))
    padding = Padding(*(int(rng.integers(0, size)) for size in window * 2))
    layer = AveragePool2D("p", "x", "y", window, stride, padding, *sorted(int(n) for n in rng.integers(-128, 128, 2)), include_padding=include)
    image, zero_point = rng.integers(-128, 128, (7, 6, 3)).astype(np.int8), int(rng.integers(-128, 128))
    output = compute(layer, [image[np.newaxis]], [zero_point], zero_point)[0]
    assert output.shape == layer.output_shape(image.shape)
    for y, x, c in np.ndindex(*output.shape):
        numbers = []
        for row in range(y * stride[0] - padding.top, y * stride[0] - padding.top + window[0]):
            for column in range(x * stride[1] - padding.left, x * stride[1] - padding.left + window[1]):
                if 0 <= row < 7 and 0 <= column < 6:
                    numbers.append(int(image[row, column, c]))
                elif include:
                    numbers.append(zero_point)
        total, half = sum(numbers), len(numbers) // 2
        mean = (total + half) // len(numbers) if total > 0 else -((half - total) // len(numbers))
        assert output[y, x, c] == clamped(mean, layer), f"seed {seed}, ({y}, {x}, {c})"


def test_a_depthwise_convolution_equals_the_grouped_one_filter_by_filter():
    rng = np.random.default_rng(4)
    weights = rng.integers(-128, 128, (5, 3, 2, 1))
    layer = Conv2D("c", "x", "y", weights, rng.integers(-99, 99, 5), rng.integers(1 << 30, 1 << 31, 5), np.full(5, -7), (2, 1), Padding(1, 0, 2, 1), 5)
    assert layer.depthwise
    image = rng.integers(-128, 128, (2, 6, 7, 5)).astype(np.int8)
    output = compute(layer, [image], [9], -2)
    for k in range(5):
        one = replace(layer, groups=1, **{name: getattr(layer, name)[k:k + 1] for name in ("weights", "bias", "multipliers", "shifts")})
        np.testing.assert_array_equal(compute(one, [image[..., k:k + 1]], [9], -2)[..., 0], output[..., k])


def network(layer, **changes):
    """Return the Network of one layer from "x" to "z", both 4 x 4 x 6 unless `changes` say otherwise."""
    tensors = {name: TensorInfo(name, 4, 4, 6, zero_point=3) for name in ("x", "z")}
    return Network("one", "x", "z", tensors | changes, (layer,))


@pytest.mark.parametrize("layer, sentence", [
    (AveragePool2D("p", "x", "z", (2, 2), (0, 1)), r"stride \(0, 1\) must be at least 1"),
    (AveragePool2D("p", "x", "z", (2, 2), (1, 1), Padding(0, 0, 2, 0)), "is not smaller than the window"),
    (MaxPool2D("p", "x", "z", (2, 2), (1, 1), Padding(0, 2, 0, 0)), "is not smaller than the window"),
    (AveragePool2D("p", "x", "z", (1, 1), (1, 1), clamp_min=5, clamp_max=4), "is no range of int8"),
    (Rescale("p", "x", "z", -1, 0), "multiplier -1"),
    (Rescale("p", "x", "z", 1, 31), "shift 31"),
])
def test_a_wrong_layer_is_named(layer, sentence):
    with pytest.raises(UserError, match=f"layer 'p'.*{sentence}"):
        network(layer)


def test_an_average_or_a_concatenation_to_another_scale_is_refused():
    for layer in (AveragePool2D("p", "x", "z", (1, 1), (1, 1)), Concat("p", ("x", "x"), "z")):
        shape = layer.output_shape(*((4, 4, 6) for _ in layer.inputs))
        with pytest.raises(UserError, match="layer 'p': 'x' and 'z' must have the same scale and zero point"):
            network(layer, z=TensorInfo("z", *shape, zero_point=4))


def test_a_concatenation_joins_channels_in_order():
    layer = Concat("j", ("x", "y", "x"), "z")
    one, two = np.zeros((1, 2, 2, 1), np.int8), np.ones((1, 2, 2, 2), np.int8)
    assert compute(layer, [one, two, one], [0, 0, 0], 0)[0, 1, 1].tolist() == [0, 1, 1, 0]
    assert layer.input == "x" and layer.output_shape((2, 2, 1), (2, 2, 2), (2, 2, 1)) == (2, 2, 4)


def test_a_network_that_names_what_is_not_there_is_refused():
    info = TensorInfo("x", 2, 2, 4)
    with pytest.raises(UserError, match="names the tensor 'y', which it does not declare"):
        Network("bad", "x", "y", {"x": info}, (Rescale("r", "x", "y"),))
    with pytest.raises(UserError, match="layer 'c' reads nothing"):
        Network("bad", "x", "y", {"x": info, "y": replace(info, name="y")}, (Concat("c", (), "y"),))
