# SPDX-License-Identifier: BSD-2-Clause
"""The numbers of random layers: weights and their masks, zero points, biases, multipliers, shifts, all from their whole legal range."""

import numpy as np

# The share of layers whose numbers are drawn without regard to what the outputs then are; half of their channels.
WILD_LAYERS, WILD_CHANNELS = 0.3, 0.5


def zero_point(rng):
    """Return -128 to 127, the edges often."""
    return int(rng.choice([-128, -127, 0, 126, 127]) if rng.random() < 0.35 else rng.integers(-128, 128))


def random_weights(rng, shape, least):
    """Return int8 weights of `shape`, `least` to 127; in half of the layers the edges are frequent."""
    weights = rng.integers(least, 128, shape).astype(np.int8)
    if rng.random() < 0.5:
        weights[rng.random(shape) < 0.1] = least
        weights[rng.random(shape) < 0.1] = 127
    return weights


def clear_channels(rng, weights, tile):
    """Clear a random share of the input channels of each tile of output channels, whole filters now and then."""
    density = rng.choice([0.0, 0.25, 0.5, 0.9, 1.0], p=[0.05, 0.2, 0.25, 0.2, 0.3])
    for first in range(0, len(weights), tile):
        weights[first:first + tile, :, :, rng.random(weights.shape[3]) >= density] = 0
    weights[rng.random(len(weights)) < 0.05] = 0
    return weights


def output_numbers(rng, weights, input_zero_point):
    """Return (bias int32, multipliers int32, shifts int8), one a channel: most so that the outputs use their range, some wild."""
    outputs = len(weights)
    spread = np.sqrt(np.maximum(1, np.count_nonzero(weights, axis=(1, 2, 3)))) * 75 * np.hypot(75, input_zero_point)
    bias = rng.integers(-spread, spread)
    multipliers, shifts = _scaled(rng, 60 / spread * 2 ** rng.uniform(-1, 1, outputs))
    if rng.random() < WILD_LAYERS:
        wild = rng.random(outputs) < WILD_CHANNELS
        bias[wild] = rng.integers(-1 << 31, 1 << 31, outputs)[wild]
        multipliers[wild] = _any_multipliers(rng, outputs)[wild]
        shifts[wild] = rng.integers(-31, 31, outputs)[wild]
    return bias.astype(np.int32), multipliers.astype(np.int32), shifts.astype(np.int8)


def _scaled(rng, real):
    """Return multipliers and shifts for factors `real` < 1; in some layers with a larger shift and a smaller multiplier than usual."""
    shifts = np.floor(np.log2(real)).astype(np.int64) + 1
    if rng.random() < 0.4:
        shifts += rng.integers(0, 22, len(real))
    shifts = np.clip(shifts, -31, 30)
    return np.clip(np.round(real * 2.0 ** (31 - shifts)), 0, (1 << 31) - 1).astype(np.int64), shifts


def _any_multipliers(rng, count):
    """Return 0 to 2**31 - 1: the edges, every order of magnitude, and evenly drawn ones."""
    kind = rng.integers(0, 3, count)
    edges = rng.choice([0, 1, (1 << 30) - 1, 1 << 30, (1 << 31) - 1], count)
    return np.where(kind == 0, edges, np.where(kind == 1, (2 ** rng.uniform(0, 31, count)).astype(np.int64), rng.integers(0, 1 << 31, count)))


def scaling(rng, low, high, most):
    """Return a (multiplier, shift): most with a shift from `low` to `high`, some wild with one from -31 to `most`."""
    if rng.random() < WILD_LAYERS / 2:
        return int(_any_multipliers(rng, 1)[0]), int(rng.integers(-31, most + 1))
    return int(rng.integers(1 << 30, 1 << 31)), int(rng.integers(low, high + 1))
