# SPDX-License-Identifier: BSD-2-Clause
"""Arranges filters in tiles so that those of a tile read the same inputs: what a tile has to compute is what any of its filters reads.

First greedily, tile by tile: the filter with the fewest inputs, then each time the one that adds the fewest to those of the tile. Then pairs
of filters of two tiles change places for as long as that helps. All numbers are whole ones in float64, so that every machine finds the same order.
"""

import numpy as np

# What the search may cost, in multiplications: beyond it it looks at fewer inputs, evenly spaced, and at fewer exchanges.
_MOST_READS, _MOST_WORK, _MOST_SWEEPS = 1 << 21, 1 << 33, 200
# Of what the tiles of the given order read, what the least possible must be less by: a few weights that happen to be 0 are not worth a search.
_LEAST_GAIN = 1 / 32


def tile_order(reads, weights, columns, labels):
    """Return int [filters], which filter takes each position, tiles being runs of `columns` positions.

    reads bool [filters, inputs]; weights int [inputs]: what it costs that a tile reads it. A filter only takes a position with its own of `labels`
    [filters]. The same for the same arguments, and the given order where the filters of each tile read the same already, or very nearly.
    """
    starts = np.arange(0, len(reads), columns)
    tiles = np.arange(len(reads)) // columns
    given = np.bincount(tiles) @ np.logical_or.reduceat(reads, starts) @ weights
    if given - reads.sum(axis=0) @ weights <= _LEAST_GAIN * given:
        return np.arange(len(reads))
    differs = np.flatnonzero(reads.any(axis=0) & ~reads.all(axis=0))
    differs = differs[::-(-len(differs) * len(reads) // _MOST_READS)]
    reads, weights = reads[:, differs].astype(np.float64), weights[differs].astype(np.float64)
    order = _greedy(reads, weights, columns, labels)
    for _ in range(min(_MOST_SWEEPS, _MOST_WORK // (len(reads) * reads.size))):
        if not _exchange(order, reads, weights, tiles, starts, labels):
            break
    return order


def _greedy(reads, weights, columns, labels):
    """Return an order that is filled position by position."""
    by_input, size = np.ascontiguousarray(reads.T), reads @ weights
    order, free = np.zeros(len(reads), int), np.ones(len(reads), bool)
    for position in range(len(reads)):
        if position % columns == 0:
            absent, added = np.ones(len(weights), bool), size.copy()
        fitting = np.flatnonzero(free & (labels == labels[position]))
        fitting = fitting[added[fitting] == added[fitting].min()]
        chosen = fitting[size[fitting].argmax()]
        order[position], free[chosen] = chosen, False
        new = np.flatnonzero(absent & (reads[chosen] > 0))
        absent[new] = False
        added -= weights[new] @ by_input[new]
    return order


def _exchange(order, reads, weights, tiles, starts, labels):
    """Exchange pairs of filters in `order`, the best first and each tile at most once; returns whether any."""
    placed = reads[order]
    readers = np.add.reduceat(placed, starts)
    alone = placed * (readers[tiles] == 1) * weights
    # change[i, j]: what the tile of position i then reads more, if the filter of position j comes in the place of its own.
    change = alone @ placed.T + ((readers == 0) * weights @ placed.T)[tiles] - alone.sum(axis=1)[:, np.newaxis]
    change += change.T
    change[(tiles[:, np.newaxis] == tiles) | (labels[:, np.newaxis] != labels)] = 0
    found = False
    while change.min() < 0:
        one, other = np.unravel_index(change.argmin(), change.shape)
        order[[one, other]] = order[[other, one]]
        done = np.isin(tiles, tiles[[one, other]])
        change[done], change[:, done], found = 0, 0, True
    return found
