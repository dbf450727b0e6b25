# SPDX-License-Identifier: BSD-2-Clause
"""TFLite's integer arithmetic on numpy arrays: int32 semantics, computed in int64.

Source of the formulas: the reference kernels of TensorFlow Lite (kernels/internal/common.h, quantization_util.cc) and gemmlowp's
fixedpoint.h, with double rounding; the other ways of rounding are those of the accelerator's drain (accel/golden/requantise.py).
"""

import math
from enum import IntEnum

import numpy as np

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1


class Rounding(IntEnum):
    """How a scaled sum becomes a whole number; the values are those of DRAIN.rounding.

    TWICE: as TFLite's reference kernels of convolutions, to the nearest at the 31st bit and again after the right shift. The others round the exact
    product once: HALF_AWAY to the nearest, halves away from zero; HALF_UP to the nearest, halves up; DOWN to the next whole number below.
    """

    TWICE = 0
    HALF_AWAY = 1
    DOWN = 2
    HALF_UP = 3


def wrap32(values):
    """Return int64 `values` reduced to 32-bit two's complement."""
    return ((np.asarray(values, np.int64) - INT32_MIN) & 0xFFFFFFFF) + INT32_MIN


def quantize_multiplier(real):
    """Return (multiplier, shift) with real ~ multiplier * 2**(shift - 31), multiplier 0 or 2**30 to 2**31 - 1.

    shift > 0 is a left shift. Below 2**-32 (shift < -31) the multiplier is 0, as in QuantizeMultiplier. Raises ValueError for a
    negative or non-finite number, and where the left shift would exceed 30.
    """
    if not math.isfinite(real) or real < 0:
        raise ValueError(f"a scale must be finite and not negative, not {real}")
    if real == 0:
        return 0, 0
    fraction, shift = math.frexp(real)
    multiplier = math.floor(fraction * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        multiplier, shift = multiplier // 2, shift + 1
    if shift < -31:
        return 0, 0
    if shift > 30:
        raise ValueError(f"the scale {real} needs a left shift of {shift}, but at most 30 is possible")
    return multiplier, shift


def saturating_rounding_doubling_high_mul(a, b):
    """Return the high half of 2 * a * b, rounded to nearest with ties towards plus infinity; int32 minimum squared saturates.

    C++ adds 1 - 2**30 to negative products and divides towards zero, which is the same number as (a * b + 2**30) >> 31.
    """
    a, b = np.asarray(a, np.int64), np.asarray(b, np.int64)
    return np.minimum((a * b + (1 << 30)) >> 31, INT32_MAX)


def rounding_divide_by_pot(x, exponent):
    """Return x / 2**exponent rounded to nearest, ties away from zero; exponent 0 to 31."""
    x, exponent = np.asarray(x, np.int64), np.asarray(exponent, np.int64)
    mask = (np.int64(1) << exponent) - 1
    return (x >> exponent) + ((x & mask) > (mask >> 1) + (x < 0))


def multiply_by_quantized_multiplier(x, multiplier, shift):
    """Return x * multiplier * 2**(shift - 31) with TFLite's double rounding; the left shift wraps at 32 bits."""
    shift = np.asarray(shift, np.int64)
    shifted = wrap32(np.asarray(x, np.int64) << np.maximum(shift, 0))
    return rounding_divide_by_pot(saturating_rounding_doubling_high_mul(shifted, multiplier), np.maximum(-shift, 0))


def multiply_and_round_once(x, multiplier, shift, rounding):
    """Return x * multiplier * 2**(shift - 31), for multiplier >= 0, rounded once as `rounding` (not TWICE) says; the left shift wraps at 32 bits."""
    shift = np.asarray(shift, np.int64)
    product = wrap32(np.asarray(x, np.int64) << np.maximum(shift, 0)) * np.asarray(multiplier, np.int64)
    places = 31 + np.maximum(-shift, 0)
    if rounding != Rounding.DOWN:
        product += (np.int64(1) << (places - 1)) - ((product < 0) & (rounding == Rounding.HALF_AWAY))
    return product >> places


def requantise(accumulator, multiplier, shift, zero_point, clamp_min, clamp_max, rounding=Rounding.TWICE):
    """Return int8 outputs of int32 accumulators; multiplier and shift broadcast along the last axis (output channels)."""
    if rounding == Rounding.TWICE:
        scaled = multiply_by_quantized_multiplier(accumulator, multiplier, shift)
    else:
        scaled = multiply_and_round_once(accumulator, multiplier, shift, rounding)
    return np.clip(scaled + zero_point, clamp_min, clamp_max).astype(np.int8)
