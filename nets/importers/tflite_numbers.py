# SPDX-License-Identifier: BSD-2-Clause
"""The scales and ranges that TFLite's kernels compute when they are prepared: in float32 where they do, in float64 where they do.

Source of the formulas: TensorFlow Lite's kernels (kernel_util.cc, conv.cc, add.cc, mul.cc, reduce.cc, activations.cc), tried against the interpreter.
"""

import math

import numpy as np

from accel.errors import UserError
from compiler.ir import Add
from compiler.numbers import quantize_multiplier

# ActivationFunctionType by its numbers, and the real ranges that those leave which are clamps.
ACTIVATIONS = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT")
_RANGES = {"NONE": (-math.inf, math.inf), "RELU": (0.0, math.inf), "RELU_N1_TO_1": (-1.0, 1.0), "RELU6": (0.0, 6.0)}


def activation_range(activation, scale, zero_point):
    """Return (lowest, highest) int8 number that the activation of a name leaves. Raises UserError for one that is no clamp."""
    if activation not in _RANGES:
        raise UserError(f"the fused activation {activation} is no clamp")
    low, high = _RANGES[activation]
    return max(-128, _quantised(low, scale, zero_point, -128)), min(127, _quantised(high, scale, zero_point, 127))


def _quantised(real, scale, zero_point, unbounded):
    if math.isinf(real):
        return unbounded
    return zero_point + int(half_away(np.float64(np.float32(real) / np.float32(scale))))


def half_away(values):
    """Return float64 `values` rounded to integers, halves away from zero, as C's round()."""
    whole = np.trunc(values)
    return whole + np.sign(values) * (np.abs(values - whole) >= 0.5)


def product_scale(first, second, output):
    """Return first * second / output, computed in float64 from float32 scales: how int8 convolutions and fully connected layers scale their sums."""
    return float(first) * float(second) / float(output)


def half_short_product_scale(first, second, output):
    """Return first * second / output with the product in float32, as uint8 convolutions scale their sums."""
    return float(np.float32(first) * np.float32(second)) / float(output)


def quotient(source, target):
    """Return source / target in float64, as QUANTIZE and MEAN compute it."""
    return float(source) / float(target)


def short_quotient(source, target):
    """Return source / target in float32, as RELU and its kin compute it."""
    return float(np.float32(source) / np.float32(target))


def short_product_scale(first, second, output):
    """Return first * second / output in float32, as MUL computes it."""
    return float(np.float32(first) * np.float32(second) / np.float32(output))


def mean_scaling(real, count):
    """Return (multiplier, shift) of a sum over `count` numbers at scale `real`: MEAN divides its multiplier by the count."""
    multiplier, shift = quantize_multiplier(real)
    more = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << more) // count, shift - more


def addition_scaling(first, second, output):
    """Return ((multiplier, shift) of the first input, of the second, of their sum)."""
    largest = 2 * max(float(first), float(second))
    return tuple(quantize_multiplier(real) for real in (float(first) / largest, float(second) / largest,
                                                        largest / ((1 << Add.left_shift) * float(output))))


def rounded_scaling(real, largest):
    """Return the (multiplier, shift) whose product with any sum to +-`largest`, rounded once half away from zero, is round(sum * real) in float64.

    FULLY_CONNECTED computes the latter. Equality is tried where it can break: at the sums next to a half, for every result that fits int8.
    Raises ValueError where no multiplier near the scale gives it.
    """
    nearest, shift = quantize_multiplier(real)
    if nearest == 0:
        return 0, 0
    if largest << max(shift, 0) >= 1 << 31:
        raise ValueError(f"sums to {largest} do not fit 32 bits at the scale {real}")
    places = np.floor((np.arange(256) + 0.5) / real).astype(np.int64)
    sums = np.unique(np.concatenate([places - 1, places, places + 1]).clip(0, largest))
    wanted = half_away(sums * real)
    for multiplier in (nearest, nearest - 1, nearest + 1):
        if 0 < multiplier < 1 << 31 and (_rounded_product(sums, multiplier, shift) == wanted).all():
            return multiplier, shift
    raise ValueError(f"no multiplier of 31 bits scales sums by {real} as TFLite does")


def _rounded_product(sums, multiplier, shift):
    """Return sums * multiplier * 2**(shift - 31) of sums >= 0, halves rounded up."""
    return ((sums << max(shift, 0)) * multiplier + (1 << (30 + max(-shift, 0)))) >> (31 + max(-shift, 0))


def concatenation_table(scale, zero_point, output_scale, output_zero_point):
    """Return int8 [256]: each number at another scale, in float32, as CONCATENATION of uint8 maps computes it."""
    factor = np.float32(scale) * (np.float32(1) / np.float32(output_scale))
    # In uint8 numbers, as the kernel does: the float32 bias is that of their zero point.
    bias = np.float32(-np.float32(zero_point + 128)) * factor
    return _clipped(half_away(np.arange(256, dtype=np.float32) * factor + bias) + output_zero_point)


def logistic_table(scale, zero_point, output_scale, output_zero_point):
    """Return int8 [256]: the sigmoid of each number, in float32, as LOGISTIC's table has it."""
    reals = np.float32(scale) * (np.arange(-128, 128) - zero_point).astype(np.float32)
    sigmoid = np.float32(1) / (np.float32(1) + np.exp(-reals.astype(np.float64)).astype(np.float32))
    return _clipped(half_away(sigmoid * (np.float32(1) / np.float32(output_scale))) + output_zero_point)


def _clipped(numbers):
    return np.clip(numbers, -128, 127).astype(np.int8)
