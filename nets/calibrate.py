# SPDX-License-Identifier: BSD-2-Clause
"""Between which values the tensors of a float network lie, from calibration images: all of them, nearly all, or those that cost the least error."""

import math

import numpy as np

from accel.errors import UserError
from nets.float_run import run_layers
from nets.quantise import activation_scale

METHODS = ("minmax", "percentile", "mse")
# Share of a tensor's values, in percent, that a percentile's range keeps on each side of zero.
KEPT = 99.99
# Bins on each side of zero, and ranges that the search for the least error tries: from all of the values down to a quarter.
_BINS, _TRIES = 4096, 61
# Where counting begins: less than what any tensor's values mean.
_LEAST_REACH = 2.0 ** -60
_BATCH = 4


class Extent:
    """low and high: the least and the largest value that was added, or 0 where none is beyond it."""

    def __init__(self):
        self.low = self.high = 0.0

    def add(self, values):
        """Take in float32 `values` of any shape. Raises ValueError where one is infinite or not a number."""
        low, high = float(values.min()), float(values.max())
        if not math.isfinite(low) or not math.isfinite(high):
            raise ValueError("a value is infinite or not a number")
        self.low, self.high = min(self.low, low), max(self.high, high)

    def minmax(self):
        """Return (low, high)."""
        return self.low, self.high


class Histogram(Extent):
    """Counts values in equal bins from -reach to reach, reach a power of two: where a value lies beyond, reach doubles and pairs of bins merge.

    So values may come in any number of batches, of which none is kept.
    """

    def __init__(self):
        super().__init__()
        self.reach, self.counts = _LEAST_REACH, np.zeros(2 * _BINS, np.int64)

    def add(self, values):
        """Count float32 `values` of any shape. Raises ValueError where one is infinite or not a number."""
        super().add(values)
        self._widen(max(-self.low, self.high))
        bins = values.ravel() * np.float32(_BINS / self.reach)
        bins += np.float32(_BINS)
        self.counts += np.bincount(np.minimum(bins.astype(np.int32), 2 * _BINS - 1), minlength=2 * _BINS)

    def _widen(self, largest):
        while self.reach <= largest:
            merged = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts = np.concatenate([np.zeros(_BINS // 2, np.int64), merged, np.zeros(_BINS // 2, np.int64)])
            self.reach *= 2

    def percentile(self, kept=KEPT):
        """Return (low, high) beyond either of which at most 100 - kept percent of all values lie."""
        beyond = self.counts.sum() * (100 - kept) / 100
        edges = np.arange(-_BINS, _BINS + 1) * (self.reach / _BINS)
        below, above = np.cumsum(self.counts), np.cumsum(self.counts[::-1])
        low, high = edges[np.searchsorted(below, beyond, "right")], edges[::-1][np.searchsorted(above, beyond, "right")]
        return max(self.low, min(low, 0.0)), min(self.high, max(high, 0.0))

    def mse(self):
        """Return the (low, high), of those that are a share of all values' range, whose int8 numbers have the least squared error."""
        used = np.flatnonzero(self.counts)
        centres, counts = (used - _BINS + 0.5) * (self.reach / _BINS), self.counts[used]
        best, found = math.inf, None
        for share in np.linspace(1, 0.25, _TRIES):
            scale, zero_point = activation_scale(self.low * share, self.high * share)
            numbers = np.clip(np.round(centres / scale) + zero_point, -128, 127)
            error = float((counts * ((numbers - zero_point) * scale - centres) ** 2).sum())
            if error < best:
                best, found = error, (self.low * share, self.high * share)
        return found


def calibrate(network, images, method):
    """Return {tensor: (low, high)} of a FloatNetwork for float `images` [N, H, W, C]; low <= 0 <= high.

    The ranges of input and output are always min and max: a pixel that is clipped is wrong everywhere, and clipped scores tie.
    Images go through in small batches. Raises UserError for an unknown method, no images, and values that are not finite.
    """
    if method not in METHODS:
        raise UserError(f"there is no calibration method {method!r}: use one of {', '.join(METHODS)}")
    if not len(images):
        raise UserError(f"network {network.name!r} is to be quantised without images: give some to calibrate with, 16 or more")
    extents = {name: Histogram() if _range(network, name, method) != "minmax" else Extent()
               for name in (network.input, *(layer.output for layer in network.layers))}
    for first in range(0, len(images), _BATCH):
        for name, values in run_layers(network, images[first:first + _BATCH]):
            try:
                extents[name].add(values)
            except ValueError as error:
                raise UserError(f"tensor {name!r} of network {network.name!r}: {error}; check weights and images") from error
    return {name: getattr(extent, _range(network, name, method))() for name, extent in extents.items()}


def _range(network, name, method):
    return "minmax" if name in (network.input, network.output) else method
