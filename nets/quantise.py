# SPDX-License-Identifier: BSD-2-Clause
"""Post-training quantisation to TFLite int8: scales from float ranges, weights symmetric per output channel."""

import numpy as np

from compiler.numbers import quantize_multiplier


def activation_scale(low, high):
    """Return (scale, zero point) of an int8 tensor with real values from low to high; 0 is always exact."""
    low, high = min(float(low), 0.0), max(float(high), 0.0)
    scale = (high - low) / 255 or 1.0
    return scale, int(np.clip(round(-128 - low / scale), -128, 127))


def quantise_activations(values, scale, zero_point):
    """Return int8 of real `values`."""
    return np.clip(np.round(np.asarray(values) / scale) + zero_point, -128, 127).astype(np.int8)


def quantise_layer(weights, bias, input_scale, output_scale):
    """Return {weights, bias, multipliers, shifts} for float weights [O, H, W, I] and bias [O], as the fields of a Conv2D.

    A weight's scale is its filter's largest magnitude / 127; the bias has scale input_scale * weight scale, as TFLite's.
    """
    largest = np.abs(weights).max(axis=(1, 2, 3))
    scales = np.where(largest > 0, largest, 1.0) / 127
    pairs = [quantize_multiplier(float(input_scale * scale / output_scale)) for scale in scales]
    return {
        "weights": np.clip(np.round(weights / scales[:, None, None, None]), -127, 127).astype(np.int8),
        "bias": np.clip(np.round(bias / (input_scale * scales)), -(1 << 31), (1 << 31) - 1).astype(np.int32),
        "multipliers": [multiplier for multiplier, _ in pairs],
        "shifts": [shift for _, shift in pairs],
    }
