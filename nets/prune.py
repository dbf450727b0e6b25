# SPDX-License-Identifier: BSD-2-Clause
"""Structured filter pruning: whole filters, and input channels of each tile of output channels, by saliency (sum of magnitudes)."""

import numpy as np

# What a pruner must know of the hardware: output channels of a tile, input channels of a block, input channels that a step takes.
COLUMNS, BLOCK, UNIT = 16, 32, 4


def keep_filters(weights, count):
    """Return the indices, ascending, of the `count` filters of weights [O, H, W, I] with the largest sum of magnitudes."""
    saliency = np.abs(weights).sum(axis=(1, 2, 3))
    return np.sort(np.argsort(-saliency, kind="stable")[:count])


def connection_mask(weights, columns, block, kept):
    """Return bool [O, I]: which input channels each filter keeps.

    Filters of one tile of `columns` output channels share their mask; in each block of `block` input channels the `kept` most salient
    ones stay (all, where the block has fewer).
    """
    outputs, inputs = weights.shape[0], weights.shape[3]
    mask = np.zeros((outputs, inputs), bool)
    for first in range(0, outputs, columns):
        saliency = np.abs(weights[first:first + columns]).sum(axis=(0, 1, 2))
        for low in range(0, inputs, block):
            order = low + np.argsort(-saliency[low:low + block], kind="stable")[:kept]
            mask[first:first + columns, order] = True
    return mask


def quad_mask(weights, density, columns=COLUMNS, block=BLOCK, groups=1):
    """Return bool [O, I]: of weights [O, H, W, I of a group], the most salient connections, `density` of all, rounded up.

    Connections go by units: for each tile of `columns` filters, 4 input channels of a block of `block` (fewer, where a block ends). In each block
    the most salient 4 channels are a unit, the next 4 another; a layer keeps its most salient units, and each tile one at least. Tiles and
    blocks do not straddle groups.
    """
    outputs, inputs = weights.shape[0], weights.shape[3]
    mask = np.zeros((outputs, inputs), bool)
    units = []
    for start in range(0, outputs, outputs // groups):
        for first in range(start, start + outputs // groups, columns):
            rows = slice(first, min(first + columns, start + outputs // groups))
            own = _units(np.abs(weights[rows]).sum(axis=(0, 1, 2)), block)
            best = max(range(len(own)), key=lambda number: own[number][0])
            mask[rows, own.pop(best)[1]] = True
            units += [(saliency / (rows.stop - rows.start), rows, channels) for saliency, channels in own]
    units.sort(key=lambda unit: -unit[0])
    missing = density * mask.size - np.count_nonzero(mask)
    for _, rows, channels in units:
        if missing <= 0:
            break
        mask[rows, channels] = True
        missing -= len(channels) * (rows.stop - rows.start)
    return mask


def _units(saliency, block):
    """Return [(saliency, input channels)] of one tile's units, from the saliency of each input channel."""
    units = []
    for low in range(0, len(saliency), block):
        order = low + np.argsort(-saliency[low:low + block], kind="stable")
        units += [(float(saliency[channels].sum()), channels) for channels in (order[i:i + UNIT] for i in range(0, len(order), UNIT))]
    return units
