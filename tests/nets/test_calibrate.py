# SPDX-License-Identifier: BSD-2-Clause
"""Ranges from calibration images: streams of batches give what all values at once give."""

import numpy as np
import pytest

from nets.calibrate import METHODS, Histogram, calibrate
from nets.float_run import run_float
from nets.quantise import activation_scale, dequantise, quantise_activations
from tests.support.random_floats import random_float_network, random_maps

# Width of a bin, as a share of what it counts in: a range cannot be known better.
BIN = 2 / 4096


def histogram(*batches):
    """Return the Histogram of float arrays."""
    found = Histogram()
    for batch in batches:
        found.add(np.asarray(batch, np.float32))
    return found


def draw(kind, rng):
    """Return 20000 float32 values of a kind of tensor."""
    values = {"linear": rng.normal(size=20000), "rectified": np.maximum(rng.normal(size=20000), 0),
              "sparse": rng.exponential(size=20000) ** 3 * (rng.random(20000) < 0.1), "negative": -rng.random(20000)}[kind]
    return values.astype(np.float32)


@pytest.mark.parametrize("kind", ["linear", "rectified", "sparse", "negative"])
@pytest.mark.parametrize("order", [1, -1])
def test_batches_in_any_order_give_the_ranges_of_all_values(kind, order):
    values = np.sort(draw(kind, np.random.default_rng(1)))[::order]
    parts, whole = histogram(*np.array_split(values, 37)), histogram(values)
    assert parts.counts.sum() == len(values)
    for method in METHODS:
        assert getattr(parts, method)() == pytest.approx(getattr(whole, method)(), abs=1e-6)


@pytest.mark.parametrize("kind", ["linear", "rectified", "sparse", "negative"])
@pytest.mark.parametrize("kept", [99.99, 99.0])
def test_a_percentile_leaves_at_most_its_share_beyond(kind, kept):
    values = draw(kind, np.random.default_rng(2))
    low, high = histogram(values).percentile(kept)
    most = len(values) * (100 - kept) / 100
    assert (values > high).sum() <= most and (values < low).sum() <= most
    assert min(values.min(), 0) <= low <= 0 <= high <= max(values.max(), 0)
    if kind != "negative":
        assert (values > high - BIN * np.abs(values).max() * 2).sum() > most


def error(values, limits):
    """Return the sum of squares of what int8 numbers with the range `limits` lose of `values`."""
    scale = activation_scale(*limits)
    return float(((dequantise(quantise_activations(values, *scale), *scale) - values) ** 2).sum())


@pytest.mark.parametrize("kind", ["linear", "rectified", "sparse", "negative"])
def test_the_least_error_is_no_more_than_that_of_the_others(kind):
    values = draw(kind, np.random.default_rng(3))
    found = histogram(values)
    assert error(values, found.mse()) <= 1.02 * min(error(values, found.minmax()), error(values, found.percentile()))


def test_the_least_error_gives_up_an_outlier_for_the_many():
    values = np.append(np.random.default_rng(4).uniform(0, 6, 200_000), 15).astype(np.float32)
    found = histogram(values)
    assert 10 < found.mse()[1] < 13 and error(values, found.mse()) < 0.9 * error(values, found.minmax())


def test_a_tensor_of_zeros_has_the_range_of_zero():
    assert {getattr(histogram(np.zeros(9)), method)() for method in METHODS} == {(0.0, 0.0)}


@pytest.mark.parametrize("method", METHODS)
def test_input_and_output_always_keep_all_values(method):
    network = random_float_network(4, softmax=False)
    images = random_maps(network, 4, 20)
    images[0, 0, 0, 0] = 50
    ranges, tensors = calibrate(network, images, method), run_float(network, images)
    assert set(ranges) == set(tensors)
    for name in (network.input, network.output):
        assert ranges[name] == pytest.approx((min(tensors[name].min(), 0), max(tensors[name].max(), 0)), rel=1e-5)
