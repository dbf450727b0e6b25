# SPDX-License-Identifier: BSD-2-Clause
"""The vectorised arithmetic equals a transcription of TFLite's C++ on Python integers, and the golden model's."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accel.golden.requantise import requantise as golden_requantise
from compiler import numbers

int32 = st.one_of(st.integers(numbers.INT32_MIN, numbers.INT32_MAX),
                  st.sampled_from([numbers.INT32_MIN, numbers.INT32_MIN + 1, -1, 0, 1, numbers.INT32_MAX]))
multipliers = st.one_of(st.just(0), st.integers(1 << 30, numbers.INT32_MAX))
shifts = st.integers(-31, 30)


def truncating_divide(a, b):
    return abs(a) // b * (1 if a >= 0 else -1)


def cpp_high_mul(a, b):
    if a == b == numbers.INT32_MIN:
        return numbers.INT32_MAX
    product = a * b
    return truncating_divide(product + ((1 << 30) if product >= 0 else 1 - (1 << 30)), 1 << 31)


def cpp_divide_by_pot(x, exponent):
    mask = (1 << exponent) - 1
    return (x >> exponent) + ((x & mask) > (mask >> 1) + (x < 0))


def cpp_multiply(x, multiplier, shift):
    wrapped = (x << max(shift, 0)) - numbers.INT32_MIN & 0xFFFFFFFF
    return cpp_divide_by_pot(cpp_high_mul(wrapped + numbers.INT32_MIN, multiplier), max(-shift, 0))


@given(int32, int32)
def test_the_doubling_high_multiplication_equals_the_cpp(a, b):
    assert numbers.saturating_rounding_doubling_high_mul(a, b) == cpp_high_mul(a, b)


@pytest.mark.parametrize("exponent", range(32))
def test_the_rounding_shift_rounds_ties_away_from_zero(exponent):
    half = (1 << exponent) >> 1
    for x in (half, -half, half - 1, 1 - half, 3 * half, -3 * half):
        if numbers.INT32_MIN <= x <= numbers.INT32_MAX:
            nearest = math.floor(abs(x) / (1 << exponent) + 0.5) * (1 if x >= 0 else -1)
            assert numbers.rounding_divide_by_pot(x, exponent) == nearest


@given(int32, multipliers, shifts)
def test_the_multiplication_equals_the_cpp_over_the_whole_legal_range(x, multiplier, shift):
    assert numbers.multiply_by_quantized_multiplier(x, multiplier, shift) == cpp_multiply(x, multiplier, shift)


def rounded_once(x, multiplier, shift, rounding):
    """The exact quotient, then a whole number of it."""
    wrapped = ((x << max(shift, 0)) - numbers.INT32_MIN & 0xFFFFFFFF) + numbers.INT32_MIN
    exact = Fraction(wrapped * multiplier, 1 << 31 + max(-shift, 0))
    if rounding == numbers.Rounding.DOWN:
        return math.floor(exact)
    half_up = math.floor(exact + Fraction(1, 2))
    return -math.floor(-exact + Fraction(1, 2)) if rounding == numbers.Rounding.HALF_AWAY and exact < 0 else half_up


@given(int32, multipliers, shifts, st.sampled_from(list(numbers.Rounding)[1:]))
def test_one_rounding_is_of_the_exact_product(x, multiplier, shift, rounding):
    assert numbers.multiply_and_round_once(x, multiplier, shift, rounding) == rounded_once(x, multiplier, shift, rounding)


@pytest.mark.parametrize("rounding, halves", [(numbers.Rounding.HALF_AWAY, [-2, -1, 1, 2]), (numbers.Rounding.DOWN, [-2, -1, 0, 1]),
                                              (numbers.Rounding.HALF_UP, [-1, 0, 1, 2])])
def test_halves_go_where_the_rounding_says(rounding, halves):
    assert numbers.requantise(np.array([-3, -1, 1, 3]), 1 << 30, 0, 0, -128, 127, rounding).tolist() == halves


@given(st.lists(st.tuples(int32, multipliers, shifts), min_size=1, max_size=8), st.integers(-128, 127), st.sampled_from(numbers.Rounding))
def test_the_golden_model_requantises_alike(rows, zero_point, rounding):
    accumulator, multiplier, shift = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    ours = numbers.requantise(accumulator, multiplier, shift, zero_point, -100, 90, rounding)
    golden = golden_requantise(accumulator[None], np.zeros_like(multiplier), multiplier, shift, zero_point, -100, 90, rounding)
    np.testing.assert_array_equal(golden[0], ours)


@given(st.floats(2.0**-31, 2.0**29))
def test_a_quantised_scale_is_the_scale_to_31_bits(real):
    multiplier, shift = numbers.quantize_multiplier(real)
    assert 1 << 30 <= multiplier <= numbers.INT32_MAX and -31 <= shift <= 30
    assert math.ldexp(multiplier, shift - 31) == pytest.approx(real, rel=2**-30)


def test_a_vanishing_scale_becomes_multiplier_zero():
    assert numbers.quantize_multiplier(2.0**-33) == (0, 0)
    assert numbers.quantize_multiplier(2.0**-32) == (1 << 30, -31)


@pytest.mark.parametrize("real", [-1.0, math.nan, math.inf, 2.0**31])
def test_an_impossible_scale_is_refused(real):
    with pytest.raises(ValueError):
        numbers.quantize_multiplier(real)
