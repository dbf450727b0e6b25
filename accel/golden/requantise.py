# SPDX-License-Identifier: BSD-2-Clause
"""The drain's arithmetic on whole arrays: TFLite's int8 requantisation."""

import numpy as np


def _wrap32(values):
    return ((values + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)


def requantise(partial_sums, bias, multiplier, shift, zero_point, clamp_min, clamp_max, rounding=0):
    """Return int8 outputs of int64 `partial_sums` [pixels, columns]; bias, multiplier, shift are int64 [columns].

    shift > 0 shifts left before the multiplication and wraps at 32 bits. rounding 0: MultiplyByQuantizedMultiplier of TFLite's reference
    kernels (double rounding): for multipliers >= 0 its doubling high multiplication is (a * b + 2**30) >> 31, and its right shift rounds half
    away from zero. rounding 1: the exact product is rounded once, half away from zero; 2: down; 3: once, half up.
    """
    total = _wrap32(partial_sums + bias)
    left, right = np.maximum(shift, 0), np.maximum(-shift, 0)
    product = _wrap32(total << left) * multiplier
    if rounding == 0:
        high = (product + (1 << 30)) >> 31
        mask = (np.int64(1) << right) - 1
        threshold = (mask >> 1) + (high < 0)
        rounded = (high >> right) + ((high & mask) > threshold)
    elif rounding == 2:
        rounded = product >> (31 + right)
    else:
        rounded = (product + (np.int64(1) << (30 + right)) - (product < 0) * (rounding == 1)) >> (31 + right)
    return np.clip(rounded + zero_point, clamp_min, clamp_max).astype(np.int8)
