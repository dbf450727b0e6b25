# SPDX-License-Identifier: BSD-2-Clause
"""The golden model's three roundings against exact fractions."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accel.golden.requantise import requantise

TWICE, ONCE, DOWN = range(3)
sums = st.integers(-(1 << 31), (1 << 31) - 1)
multipliers = st.integers(0, (1 << 31) - 1)


def number(value, multiplier, shift, rounding, zero_point=0):
    return int(requantise(np.array([[value]]), np.array([0]), np.array([multiplier]), np.array([shift]), zero_point, -128, 127, rounding)[0, 0])


def half_away(fraction):
    """Return the nearest integer, of two the one farther from zero."""
    return floor(fraction + Fraction(1, 2)) if fraction >= 0 else -floor(-fraction + Fraction(1, 2))


def clamped(value):
    return min(max(value, -128), 127)


@given(sums, multipliers, st.integers(-31, 0), st.integers(-128, 127))
def test_one_rounding_is_half_away_from_zero_of_the_exact_product(value, multiplier, shift, zero_point):
    exact = Fraction(value * multiplier, 1 << 31 - shift)
    assert number(value, multiplier, shift, ONCE, zero_point) == clamped(half_away(exact) + zero_point)


@given(sums, multipliers, st.integers(-31, 0), st.integers(-128, 127))
def test_rounding_down_is_the_floor_of_the_exact_product(value, multiplier, shift, zero_point):
    assert number(value, multiplier, shift, DOWN, zero_point) == clamped(floor(Fraction(value * multiplier, 1 << 31 - shift)) + zero_point)


@given(sums, multipliers, st.integers(-31, 0))
def test_two_roundings_are_that_of_the_multiplication_half_up_and_that_of_the_shift_half_away_from_zero(value, multiplier, shift):
    high = floor(Fraction(value * multiplier, 1 << 31) + Fraction(1, 2))
    assert number(value, multiplier, shift, TWICE) == clamped(half_away(Fraction(high, 1 << -shift)))


@given(st.integers(2, 1024), st.data())
def test_an_average_is_exact_with_the_multiplier_rounded_up(n, data):
    total = data.draw(st.integers(-128 * n, 127 * n) | st.integers(-128, 126).map(lambda low: n * low + n // 2))
    assert number(total, -(-(1 << 31) // n), 0, ONCE) == half_away(Fraction(total, n))


@pytest.mark.parametrize(("value", "results"), [(3, (2, 2, 1)), (1, (1, 1, 0)), (-1, (0, -1, -1)), (-3, (-1, -2, -2))])
def test_ties_of_both_signs_without_a_shift(value, results):
    """TFLite's multiplication rounds half up; one rounding is away from zero."""
    assert tuple(number(value, 1 << 30, 0, rounding) for rounding in (TWICE, ONCE, DOWN)) == results
