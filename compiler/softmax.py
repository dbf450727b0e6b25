# SPDX-License-Identifier: BSD-2-Clause
"""TFLite's int8 softmax in whole numbers: fixed point as in its reference kernel (reference/softmax.h) and gemmlowp's fixedpoint.h.

Raw numbers of the form Qm.n have n = 31 - m bits behind the point. exp(beta * scale * difference) of all 256 differences from the largest input is
a table, so that what is left to do for a pixel is a sum, one reciprocal and a multiplication an output.
"""

import math

import numpy as np

from compiler.numbers import INT32_MAX, INT32_MIN, quantize_multiplier, rounding_divide_by_pot, saturating_rounding_doubling_high_mul

# Differences are Q5.26, sums Q12.19.
DIFFERENCE_BITS, SUM_BITS = 5, 12

# exp(-2**e) as Q0.31 for the bits of a difference from -1/4 up.
_POWERS = ((-2, 1672461947), (-1, 1302514674), (0, 790015084), (1, 290630308), (2, 39332535), (3, 720401), (4, 242))
_EXP_MINUS_EIGHTH, _THIRD = 1895147668, 715827883
# 48/17 and -32/17 as Q2.29.
_FIRST_GUESS, _FIRST_SLOPE = 1515870810, -1010580540

_multiply = saturating_rounding_doubling_high_mul


def exp_of_negative(raw):
    """Return exp of int64 `raw` <= 0 (Q5.26) as Q0.31: a polynomial for the part below 1/4, a factor for each bit above."""
    quarter = 1 << (31 - DIFFERENCE_BITS - 2)
    low = (raw & (quarter - 1)) - quarter
    x = (low << DIFFERENCE_BITS) + (1 << 28)
    square = _multiply(x, x)
    cube, fourth = _multiply(square, x), _multiply(square, square)
    series = rounding_divide_by_pot(_multiply(rounding_divide_by_pot(fourth, 2) + cube, _THIRD) + square, 1)
    result = _EXP_MINUS_EIGHTH + _multiply(_EXP_MINUS_EIGHTH, x + series)
    for exponent, factor in _POWERS:
        result = np.where((low - raw) >> (31 - DIFFERENCE_BITS + exponent) & 1, _multiply(result, factor), result)
    return np.where(raw == 0, INT32_MAX, result)


def exp_table(scale, beta):
    """Return int32 [256]: entry d is exp(-beta * scale * d) as Q0.31, 0 where that is too small. scale and beta count as float32."""
    real = float(np.float32(beta)) * float(np.float32(scale)) * (1 << (31 - DIFFERENCE_BITS))
    # From a factor of 16 on every difference is too small to count, whatever the factor.
    multiplier, shift = quantize_multiplier(min(real, (1 << 30) - 1.0))
    most = math.floor(((1 << DIFFERENCE_BITS) - 1) * 2.0 ** (31 - DIFFERENCE_BITS - shift))
    differences = np.arange(256)
    near = differences[differences <= most]
    table = np.zeros(256, np.int32)
    table[:len(near)] = exp_of_negative(_multiply(-near << shift, multiplier))
    return table


def reciprocal(raw):
    """Return (1 / (1 + x) as Q0.31, int64 `bits`) where the sums `raw` > 0 (Q12.19) are (1 + x) * 2**bits: three steps of Newton's method."""
    length = np.frexp(raw.astype(np.float64))[1]  # of numbers below 2**53 exactly
    half = raw << (31 - length)
    guess = _FIRST_GUESS + _multiply(half, _FIRST_SLOPE)
    for _ in range(3):
        guess = guess + np.clip(_multiply(guess, (1 << 29) - _multiply(half, guess)) << 2, INT32_MIN, INT32_MAX)
    return np.clip(guess << 1, INT32_MIN, INT32_MAX), length - (32 - SUM_BITS)


def softmax(maps, scale, beta):
    """Return int8 [..., C] of int8 `maps` [..., C] with `scale`: the softmax of the last axis, scale 1/256 and zero point -128."""
    table = exp_table(scale, beta).astype(np.int64)
    terms = table[maps.max(axis=-1, keepdims=True).astype(np.int64) - maps]
    factor, bits = reciprocal(rounding_divide_by_pot(terms, SUM_BITS).sum(axis=-1, keepdims=True))
    outputs = rounding_divide_by_pot(_multiply(factor, terms), bits + 31 - 8)
    return np.clip(outputs - 128, -128, 127).astype(np.int8)
