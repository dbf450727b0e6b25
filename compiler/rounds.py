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


def _runs_of_image(size, limit, clusters, floor, images):
    """Return into how many runs to cut each of several images of `size` (pixels, or rows of squares), at most `limit` a run.

    Of all numbers the one with the fewest cycles a step is taken, a run of n lasting n and at least `floor`; of equals the smallest.
    """
    least = -(-size // limit)
    return min(range(least, min(least + clusters, size) + 1), key=lambda runs: -(-images * runs // clusters) * max(-(-size // runs), floor))


def _padded(counts, clusters):
    """Return the counts with zeros up to a multiple of `clusters`."""
    return (*counts, *(0,) * (-len(counts) % clusters))


def raster_rounds(strip, clusters, limit, floor=1, images=1):
    """Return the Rounds of a strip: `clusters` runs of at most `limit` pixels, all about equally long, one after the other.

    Where the strip holds several images no run reaches from one into the next, and a round's runs may be of different ones.
    """
    first, width = strip.output_columns.start, len(strip.output_columns)
    total = len(strip.output_rows) * width // images
    if images == 1:
        counts = even_runs(total, -(-total // (clusters * limit)) * clusters)
    else:
        counts = _padded(even_runs(total, _runs_of_image(total, limit, clusters, floor, images)) * images, clusters)
    runs = []
    for start, pixels in zip(_starts(0, counts), counts, strict=True):
        row, column = divmod(start, width)
        runs.append((strip.output_rows.start + row, first + column, pixels))
    groups = [tuple(runs[i:i + clusters]) for i in range(0, len(runs), clusters)]
    return tuple(Round(first, width, group, ((*group[0][:2], sum(pixels for _, _, pixels in group)),)) for group in groups)


def rectangle_rounds(strip, clusters, limit, floor, images=1):
    """Return the Rounds of a strip whose outputs are pooled 2 x 2: each run a rectangle of at most `limit` pixels of one of its images.

    Of all widths the one with the fewest cycles a step is taken, a step lasting at least `floor` cycles; of equals the widest.
    """
    def cuts(width):
        return _cuts(strip, clusters, limit // (4 * width), width, floor, images)

    def cycles(width):
        widths, heights = cuts(width)
        return sum(max(4 * max(heights[i:i + clusters]) * columns, floor) for i in range(0, len(heights), clusters) for columns in widths)

    return _rectangles(strip, clusters, *cuts(min(range(min(limit // 4, len(strip.output_columns) // 2), 0, -1), key=cycles)))


def _cuts(strip, clusters, height, width, floor, images):
    """Return (widths, heights) of rectangles of at most `height` x `width` squares; each `clusters` heights make a round."""
    square_rows, square_columns = len(strip.output_rows) // 2 // images, len(strip.output_columns) // 2
    widths = even_runs(square_columns, -(-square_columns // width))
    if images == 1:
        return widths, even_runs(square_rows, -(-square_rows // (clusters * height)) * clusters)
    runs = _runs_of_image(square_rows, height, clusters, -(-floor // (4 * width)), images)
    return widths, _padded(even_runs(square_rows, runs) * images, clusters)


def _rectangles(strip, clusters, widths, heights):
    """Return Rounds of rectangles of so many squares."""
    tops = _starts(strip.output_rows.start // 2, heights)
    rounds = []
    for i in range(0, len(heights), clusters):
        for left, columns in zip(_starts(strip.output_columns.start // 2, widths), widths, strict=True):
            rows = list(zip(tops[i:i + clusters], heights[i:i + clusters], strict=True))
            rounds.append(Round(2 * left, 2 * columns, tuple((2 * top, 2 * left, 4 * count * columns) for top, count in rows),
                                tuple((top + row, left, columns) for top, count in rows for row in range(count)), 2 * columns))
    return tuple(rounds)
