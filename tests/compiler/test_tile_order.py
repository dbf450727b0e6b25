# SPDX-License-Identifier: BSD-2-Clause
"""Filters that read the same inputs come into one tile: found again where a shuffle hid them, near the best otherwise, the same every time."""

import numpy as np
import pytest

from compiler.tile_order import tile_order


def left(reads, order, columns, weights=None):
    """Return what the tiles read, each for itself."""
    tiles = np.logical_or.reduceat(reads[order], np.arange(0, len(reads), columns))
    return int((tiles @ (np.ones(reads.shape[1], int) if weights is None else weights)).sum())


def arrange(reads, columns, weights=None, labels=None):
    count, inputs = reads.shape
    order = tile_order(reads, np.ones(inputs, int) if weights is None else weights, columns, np.zeros(count, int) if labels is None else labels)
    assert sorted(order) == list(range(count))
    return order


@pytest.mark.parametrize("seed", range(5))
def test_filters_of_a_kind_are_found_again(seed):
    rng = np.random.default_rng(seed)
    kinds, holes = rng.permutation(np.arange(64) // 16), rng.random((4, 100)) < 0.5
    reads = ~holes[kinds]
    assert left(reads, arrange(reads, 16), 16) == (~holes).sum() < left(reads, np.arange(64), 16)


@pytest.mark.parametrize("seed", range(5))
def test_no_exchange_of_two_filters_is_left_that_would_help(seed):
    rng = np.random.default_rng(seed)
    reads, weights, labels = rng.random((22, 30)) < 0.25, rng.integers(1, 9, 30), rng.integers(0, 2, 22)
    order = arrange(reads, 4, weights, labels)
    best = left(reads, order, 4, weights)
    assert best < left(reads, np.arange(22), 4, weights)
    for one in range(22):
        for other in range(one):
            if labels[order[one]] == labels[order[other]]:
                swapped = order.copy()
                swapped[[one, other]] = order[[other, one]]
                assert left(reads, swapped, 4, weights) >= best


def test_a_filter_takes_only_positions_with_its_own_label():
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 3, 50)
    np.testing.assert_array_equal(labels[arrange(rng.random((50, 40)) < 0.2, 8, labels=labels)], labels)


@pytest.mark.parametrize("weights", [[1, 9], [9, 1]])
def test_what_a_heavy_input_costs_decides(weights):
    """Of filters that read input 0, both, input 1 and nothing, the last one goes with the one whose input costs less."""
    reads, weights = np.array([[1, 0], [1, 1], [0, 1], [0, 0]], bool), np.array(weights)
    assert left(reads, arrange(reads, 2, weights), 2, weights) == weights.sum() + weights.min()


@pytest.mark.parametrize("reads", [np.ones((40, 9), bool), np.zeros((40, 9), bool), np.repeat(np.eye(4, 9, dtype=bool), 16, axis=0),
                                   np.random.default_rng(1).random((64, 500)) < 0.98], ids=["all", "none", "in order", "nearly all"])
def test_where_little_could_be_gained_the_order_is_the_given_one(reads):
    assert list(arrange(reads, 16)) == list(range(len(reads)))


def test_the_same_order_is_found_again():
    reads = np.random.default_rng(2).random((384, 256)) < 0.3
    np.testing.assert_array_equal(arrange(reads, 16), arrange(reads, 16))


def test_a_layer_that_is_too_large_to_look_at_whole_is_ordered_by_a_part_of_it():
    rng = np.random.default_rng(4)
    kinds = rng.permutation(np.arange(1024) // 16)
    reads = (rng.random((64, 5000)) < 0.5)[kinds]
    assert left(reads, arrange(reads, 16), 16) == reads.sum() // 16
