# SPDX-License-Identifier: BSD-2-Clause
"""Post-training quantisation to TFLite int8: scales from float ranges, weights symmetric per output channel."""

import math

import numpy as np

from compiler.numbers import quantize_multiplier

# Of the 2**31 that a bias and the sum beside it may be together, the most that is left to the bias.
_MOST_BIAS = 1 << 30


def activation_scale(low, high):
    """Return (scale, zero point) of an int8 tensor with real values from low to high; 0 is always exact."""
    low, high = min(float(low), 0.0), max(float(high), 0.0)
    scale = (high - low) / 255 or 1.0
    return scale, int(np.clip(round(-128 - low / scale), -128, 127))


def quantise_activations(values, scale, zero_point):
    """Return int8 of real `values`."""
    return np.clip(np.round(np.asarray(values) / scale) + zero_point, -128, 127).astype(np.int8)


def dequantise(numbers, scale, zero_point):
    """Return float32 of int8 `numbers`."""
    return (np.asarray(numbers, np.float32) - np.float32(zero_point)) * np.float32(scale)


def quantise_layer(weights, bias, input_scale, output_scale):
    """Return {weights, bias, multipliers, shifts} for float weights [O, H, W, I] and bias [O], as the fields of a Conv2D.

    A weight's scale is its filter's largest magnitude / 127; the bias has scale input_scale * weight scale, as TFLite's. Where a bias would leave
    less than half of int32 to the sums, the weights are so small beside it that its filter gets a larger scale. Raises ValueError where a scale is
    beyond TFLite's multipliers.
    """
    largest = np.abs(weights).max(axis=(1, 2, 3))
    scales = np.maximum(np.where(largest > 0, largest, 1.0) / 127, np.abs(bias) / (input_scale * _MOST_BIAS))
    pairs = [quantize_multiplier(float(input_scale * scale / output_scale)) for scale in scales]
    return {
        "weights": np.clip(np.round(weights / scales[:, None, None, None]), -127, 127).astype(np.int8),
        "bias": np.round(bias / (input_scale * scales)).astype(np.int32),
        "multipliers": [multiplier for multiplier, _ in pairs],
        "shifts": [shift for _, shift in pairs],
    }


def clamp(info, limits):
    """Return {clamp_min, clamp_max} of a layer that writes the tensor `info` and clips to the real `limits` (low, high), or None."""
    low, high = quantise_activations(limits or (-math.inf, math.inf), info.scale, info.zero_point).tolist()
    return {"clamp_min": low, "clamp_max": high}
