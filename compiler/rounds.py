# SPDX-License-Identifier: BSD-2-Clause
"""Rounds: which output pixels the clusters work on at a time, as runs in raster order or as rectangles for a fused pool."""

from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True)
class Round:
    """Runs of output pixels, one a cluster (or one for all in a channel split).

    A run is (row, column, pixels); it wraps after `width` pixels of a row to output column `column`. `stores` are the linear pieces
    (row, column, beats) of the target map that the runs drain to, in order; `pool` is DRAIN.pool_columns.
    """

    column: int
    width: int
    runs: tuple
    stores: tuple
    pool: int = 0

    @property
    def pixels(self):
        """Pixels per step: those of the longest run."""
        return max(pixels for _, _, pixels in self.runs)

    @property
    def drained(self):
        """Pixels of all runs."""
        return sum(pixels for _, _, pixels in self.runs)

    @property
    def first_row(self):
        """The first output row of the layer that any run reaches."""
        return min(row for row, _, pixels in self.runs if pixels)

    @property
    def last_row(self):
        """The last output row of the layer that any run reaches."""
        return max(row + (column - self.column + pixels - 1) // self.width for row, column, pixels in self.runs if pixels)


def even_runs(total, runs):
    """Return `runs` counts that add up to `total` and differ by at most 1, the larger first."""
    return tuple(total // runs + (i < total % runs) for i in range(runs))


def _starts(first, counts):
    return list(accumulate(counts[:-1], initial=first))


def raster_rounds(strip, clusters, limit):
    """Return the Rounds of a strip: `clusters` runs of at most `limit` pixels, all about equally long, one after the other."""
    first, width = strip.output_columns.start, len(strip.output_columns)
    total = len(strip.output_rows) * width
    count = -(-total // (clusters * limit))
    counts = even_runs(total, count * clusters)
    runs = []
    for start, pixels in zip(_starts(0, counts), counts, strict=True):
        row, column = divmod(start, width)
        runs.append((strip.output_rows.start + row, first + column, pixels))
    groups = [tuple(runs[i:i + clusters]) for i in range(0, len(runs), clusters)]
    return tuple(Round(first, width, group, ((*group[0][:2], sum(pixels for _, _, pixels in group)),)) for group in groups)


def rectangle_rounds(strip, clusters, limit, floor):
    """Return the Rounds of a strip whose outputs are pooled 2 x 2: each run a rectangle of at most `limit` pixels.

    Of all widths the one with the fewest cycles a step is taken, a step lasting at least `floor` cycles; of equals the widest.
    """
    def cycles(width):
        widths, heights = _cuts(strip, clusters, limit // (4 * width), width)
        return sum(max(4 * height * columns, floor) for height in heights[::clusters] for columns in widths)

    width = min(range(min(limit // 4, len(strip.output_columns) // 2), 0, -1), key=cycles)
    return _rectangles(strip, clusters, limit // (4 * width), width)


def _cuts(strip, clusters, height, width):
    """Return (widths, heights) of rectangles of at most `height` x `width` squares; each `clusters` heights make a round, the largest first."""
    square_rows, square_columns = len(strip.output_rows) // 2, len(strip.output_columns) // 2
    return (even_runs(square_columns, -(-square_columns // width)),
            even_runs(square_rows, -(-square_rows // (clusters * height)) * clusters))


def _rectangles(strip, clusters, height, width):
    """Return Rounds of rectangles of at most `height` x `width` squares."""
    widths, heights = _cuts(strip, clusters, height, width)
    tops = _starts(strip.output_rows.start // 2, heights)
    rounds = []
    for i in range(0, len(heights), clusters):
        for left, columns in zip(_starts(strip.output_columns.start // 2, widths), widths, strict=True):
            rows = list(zip(tops[i:i + clusters], heights[i:i + clusters], strict=True))
            rounds.append(Round(2 * left, 2 * columns, tuple((2 * top, 2 * left, 4 * count * columns) for top, count in rows),
                                tuple((top + row, left, columns) for top, count in rows for row in range(count)), 2 * columns))
    return tuple(rounds)
