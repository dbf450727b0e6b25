# SPDX-License-Identifier: BSD-2-Clause
"""A convolution's sums of products, exact and quick: floating point products of matrices wherever these cannot round."""

import numpy as np

# Magnitudes up to which every integer is a float32: below it no sum of products of integers rounds, in whatever order it is taken.
_FLOAT32_EXACT = 1 << 24
# Numbers of the matrix of windows that is made at a time: more of them only leave the processor's caches.
_BLOCK = 1 << 21


def convolution_sums(maps, layer, zero_point):
    """Return int64 [N, H', W', O]: for each output of the Conv2D `layer` the sum of (x - zero_point) * weight, x int8 `maps` [N, H, W, C].

    The bias is not in it; padding counts as zero_point. Exact: float32 is taken where the weights prove that no partial sum exceeds 2**24,
    else float64, which holds integers to 2**53.
    """
    weights = layer.kept_weights
    largest = max(127 - zero_point, zero_point + 128) * int(np.abs(weights.astype(np.int64)).sum(axis=(1, 2, 3)).max())
    kind = np.float32 if largest <= _FLOAT32_EXACT else np.float64
    height, width = layer.map_shape(maps.shape[1:])
    sums = np.empty((len(maps), height, width, len(weights)), np.int64)
    step = max(1, _BLOCK // (height * width * maps.shape[3] * layer.kernel[0] * layer.kernel[1]))
    compute = _depthwise if layer.depthwise else _grouped
    for first in range(0, len(maps), step):
        centred = _padded(maps[first:first + step], layer.padding, zero_point, kind)
        compute(sums[first:first + step], centred, layer, weights.astype(kind))
    return sums


def _padded(maps, padding, zero_point, kind):
    count, height, width, channels = maps.shape
    padded = np.zeros((count, height + padding.top + padding.bottom, width + padding.left + padding.right, channels), kind)
    np.subtract(maps, zero_point, dtype=kind, out=padded[:, padding.top:padding.top + height, padding.left:padding.left + width])
    return padded


def taps(padded, layer):
    """Yield (row, column) of the window of `layer` and the view [N, H', W', C] of what it meets there, for each place of its kernel.

    padded: maps [N, H, W, C] of any type, with the layer's padding around them already.
    """
    (down, right), kernel = layer.stride, layer.kernel
    height, width = ((size - window) // step + 1 for size, window, step in zip(padded.shape[1:3], kernel, layer.stride, strict=True))
    for row, column in np.ndindex(*kernel):
        yield (row, column), padded[:, row:row + (height - 1) * down + 1:down, column:column + (width - 1) * right + 1:right]


def _depthwise(sums, padded, layer, weights):
    total = np.zeros(sums.shape, padded.dtype)
    for (row, column), view in taps(padded, layer):
        total += view * weights[:, row, column, 0]
    sums[...] = total


def _grouped(sums, padded, layer, weights):
    outputs, inputs = len(weights) // layer.groups, weights.shape[3]
    windows = np.empty((*sums.shape[:3], *layer.kernel, inputs), padded.dtype)
    for group in range(layer.groups):
        low, first = group * inputs, group * outputs
        for (row, column), view in taps(padded, layer):
            windows[:, :, :, row, column] = view[..., low:low + inputs]
        matrix = weights[first:first + outputs].reshape(outputs, -1).T
        product = windows.reshape(-1, matrix.shape[0]) @ matrix
        sums[..., first:first + outputs] = product.reshape(*sums.shape[:3], outputs)
