# SPDX-License-Identifier: BSD-2-Clause
"""Structured filter pruning: whole filters, and input channels of each tile of output channels, by saliency (sum of magnitudes)."""

import numpy as np


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
