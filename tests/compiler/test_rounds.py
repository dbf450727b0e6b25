# SPDX-License-Identifier: BSD-2-Clause
"""Rounds cover each output once, in runs that a tile can hold, and say where in memory the drained beats belong."""

import numpy as np
import pytest

from compiler.rounds import even_runs, raster_rounds, rectangle_rounds
from compiler.tiling import Strip


def strip_of(rows, columns):
    return Strip(range(1), range(1), rows, columns)


def pixels_of(part, run):
    """Return the (row, column) of each pixel of a run, in order."""
    row, column, count = run
    places = column - part.column + np.arange(count)
    return [(row + int(place) // part.width, part.column + int(place) % part.width) for place in places]


@pytest.mark.parametrize("clusters, limit", [(1, 8), (2, 32), (3, 31)])
@pytest.mark.parametrize("rows, columns", [(range(5), range(7)), (range(3, 4), range(10, 37)), (range(2, 34), range(32))])
def test_raster_rounds_cover_the_strip_in_order_and_evenly(rows, columns, clusters, limit):
    rounds = raster_rounds(strip_of(rows, columns), clusters, limit)
    covered = [pixel for part in rounds for run in part.runs for pixel in pixels_of(part, run)]
    assert covered == [(row, column) for row in rows for column in columns]
    counts = [run[2] for part in rounds for run in part.runs]
    assert max(counts) <= limit and max(counts) - min(counts) <= 1
    for part in rounds:
        assert part.drained == sum(beats for _, _, beats in part.stores)


@pytest.mark.parametrize("clusters, limit", [(1, 8), (2, 32), (3, 31), (2, 7)])
@pytest.mark.parametrize("rows, columns", [(range(6), range(8)), (range(4, 6), range(10, 36)), (range(2, 34), range(32)), (range(14), range(2))])
def test_rectangles_cover_the_strip_and_drain_its_squares_in_order(rows, columns, clusters, limit):
    rounds = rectangle_rounds(strip_of(rows, columns), clusters, limit, 4)
    covered, squares = [], []
    for part in rounds:
        assert part.pool == part.width and part.width % 2 == 0
        drained = []
        for run in part.runs:
            pixels = pixels_of(part, run)
            assert len(pixels) <= limit and len(pixels) % (2 * part.width) == 0
            covered += pixels
            drained += [(row // 2, column // 2) for row, column in pixels if row % 2 == column % 2 == 0]
        assert drained == [(row, column + i) for row, column, beats in part.stores for i in range(beats)]
        squares += drained
    assert sorted(covered) == [(row, column) for row in rows for column in columns]
    assert len(squares) == len(covered) // 4


@pytest.mark.parametrize("clusters, limit", [(1, 8), (2, 32), (3, 31), (6, 32)])
@pytest.mark.parametrize("images, height, width", [(2, 4, 4), (5, 2, 6), (8, 8, 8), (3, 10, 2)])
@pytest.mark.parametrize("pool", [False, True])
def test_no_run_reaches_from_one_image_into_the_next(clusters, limit, images, height, width, pool):
    strip = strip_of(range(height, (images + 1) * height), range(width))
    cut = rectangle_rounds if pool else raster_rounds
    rounds = cut(strip, clusters, limit, 4, images)
    covered = []
    for part in rounds:
        assert len(part.runs) == clusters and 0 < part.pixels <= limit
        assert part.drained // (4 if pool else 1) == sum(beats for _, _, beats in part.stores)
        for run in part.runs:
            pixels = pixels_of(part, run)
            assert len({row // height for row, _ in pixels}) <= 1
            covered += pixels
    assert sorted(covered) == [(row, column) for row in strip.output_rows for column in range(width)]


def test_runs_of_several_images_share_a_round():
    part, = raster_rounds(strip_of(range(16), range(4)), 4, 32, 4, 4)
    assert part.runs == ((0, 0, 16), (4, 0, 16), (8, 0, 16), (12, 0, 16))


def test_a_map_of_32_by_32_is_pooled_in_full_tiles():
    rounds = rectangle_rounds(strip_of(range(32), range(32)), 2, 32, 4)
    assert len(rounds) == 16
    assert {(part.width, *(run[2] for run in part.runs)) for part in rounds} == {(16, 32, 32)}


def test_even_runs_differ_by_one_at_most():
    assert even_runs(11, 4) == (3, 3, 3, 2)
