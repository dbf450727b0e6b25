# SPDX-License-Identifier: BSD-2-Clause
"""The scales of TFLite's kernels: what a multiplier of 31 bits can say exactly, and what is refused."""

import numpy as np
import pytest

from accel.errors import UserError
from compiler.numbers import Rounding, multiply_and_round_once
from nets.importers.tflite_numbers import ACTIVATIONS, activation_range, half_away, mean_scaling, rounded_scaling


def test_halves_are_rounded_away_from_zero_and_numbers_just_below_are_not():
    below = np.nextafter(0.5, 0)
    assert half_away(np.array([0.5, -0.5, 2.5, -2.5, below, -below, 1e6])).tolist() == [1, -1, 3, -3, 0, 0, 1e6]


@pytest.mark.parametrize("seed", range(5))
def test_a_rounded_scaling_gives_what_float64_gives_for_every_sum(seed):
    rng = np.random.default_rng(seed)
    for real in (rng.uniform(1e-3, 2e-3), 2.0 ** -9 * (1 - 2.0 ** -40), 2.0 ** -9 * (1 + 2.0 ** -40), 2.0 ** -9, 1.7):
        sums = np.arange(-int(256 / real), int(256 / real) + 1)
        scaled = multiply_and_round_once(sums, *rounded_scaling(real, 1 << 29), Rounding.HALF_AWAY)
        inside = np.abs(sums * real) < 255
        assert (scaled == half_away(sums * real))[inside].all()


def test_sums_that_a_left_shift_would_make_too_large_are_refused():
    assert rounded_scaling(1e-12, 1 << 30) == (0, 0)
    with pytest.raises(ValueError, match="sums to 536870912 do not fit 32 bits at the scale 8.5"):
        rounded_scaling(8.5, 1 << 29)


def test_a_mean_of_one_number_scales_as_a_quotient_and_a_mean_of_more_divides_the_multiplier():
    assert mean_scaling(1.0, 1) == (1 << 30, 1)
    multiplier, shift = mean_scaling(0.3, 49)
    assert multiplier * 2.0 ** (shift - 31) == pytest.approx(0.3 / 49, rel=1e-8)


def test_activations_leave_their_range_of_numbers():
    assert [activation_range(name, 0.05, -100) for name in ACTIVATIONS[:4]] == [(-128, 127), (-100, 127), (-120, -80), (-100, 20)]
    with pytest.raises(UserError, match="the fused activation TANH is no clamp"):
        activation_range("TANH", 0.05, 0)
