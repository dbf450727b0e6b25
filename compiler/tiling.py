# SPDX-License-Identifier: BSD-2-Clause
"""How a layer is cut: rounds of output pixels, strips of input that fit the activation buffer, passes over input channels."""

from dataclasses import dataclass

from accel.errors import UserError


@dataclass(frozen=True)
class Round:
    """One run of output pixels a cluster: raster positions `starts` in the strip's output, `counts` pixels; together contiguous."""

    starts: tuple
    counts: tuple


@dataclass(frozen=True)
class Strip:
    """What is in the activation buffer at a time: input rows x columns, and the output rows x columns computed from it (ranges)."""

    input_rows: range
    input_columns: range
    output_rows: range
    output_columns: range
    rounds: tuple = ()

    @property
    def pixels(self):
        """Output pixels of the strip."""
        return len(self.output_rows) * len(self.output_columns)


@dataclass(frozen=True)
class Tiling:
    """`passes` are ranges of input blocks (more than one: partial sums are kept between them); `regions` strips fit side by side."""

    strips: tuple
    passes: tuple
    regions: int
    region_words: int


def input_span(outputs, kernel, stride, padding, size):
    """Return the range of input rows (or columns) inside 0..size - 1 under the windows of a range of outputs; never empty."""
    first = outputs.start * stride - padding
    last = (outputs.stop - 1) * stride - padding + kernel
    low, high = min(max(first, 0), size - 1), max(min(last, size), 1)
    return range(low, max(high, low + 1))


def even_runs(total, runs):
    """Return `runs` counts that add up to `total` and differ by at most 1, the larger first."""
    return tuple(total // runs + (i < total % runs) for i in range(runs))


def _strip(layer, shape, output_rows, output_columns):
    pad = layer.padding
    return Strip(input_span(output_rows, layer.kernel[0], layer.stride[0], pad.top, shape[0]),
                 input_span(output_columns, layer.kernel[1], layer.stride[1], pad.left, shape[1]),
                 output_rows, output_columns)


def _words(strip, blocks):
    return len(strip.input_rows) * len(strip.input_columns) * blocks


def _row_strips(layer, shape, output_shape, rows):
    columns = range(output_shape[1])
    return tuple(_strip(layer, shape, range(first, min(first + rows, output_shape[0])), columns)
                 for first in range(0, output_shape[0], rows))


def _column_strips(layer, shape, output_shape, width):
    return tuple(_strip(layer, shape, range(row, row + 1), range(first, min(first + width, output_shape[1])))
                 for row in range(output_shape[0]) for first in range(0, output_shape[1], width))


def _candidates(layer, shape, output_shape):
    """Yield ways to cut the map, the coarsest first: all rows, fewer rows, parts of a row."""
    seen = set()
    for parts in range(1, output_shape[0] + 1):
        rows = -(-output_shape[0] // parts)
        if rows not in seen:
            seen.add(rows)
            yield _row_strips(layer, shape, output_shape, rows)
    width = output_shape[1]
    while width > 1:
        width = -(-width // 2)
        yield _column_strips(layer, shape, output_shape, width)


def tile_layer(config, layer, shape, output_shape, clusters, blocks):
    """Return the Tiling of a layer with input `shape` and `output_shape` (H, W, C), `clusters` of which hold different pixels.

    The coarsest strips are taken of which two fit side by side (so that loading overlaps computing) or of which there is only one;
    where not even one column of outputs fits, the input channels are taken in passes. Raises UserError where nothing fits.
    """
    capacity = config.activation_words
    for count in range(1, blocks + 1):
        deepest = -(-blocks // count)
        passes = tuple(range(first, min(first + deepest, blocks)) for first in range(0, blocks, deepest))
        for strips in _candidates(layer, shape, output_shape):
            words = max(_words(strip, deepest) for strip in strips)
            if words <= (capacity if len(strips) * len(passes) == 1 else capacity // 2):
                regions = 1 if len(strips) * len(passes) == 1 else 2
                return Tiling(tuple(_with_rounds(config, strip, clusters) for strip in strips), passes, regions, capacity // regions)
    raise UserError(f"layer {layer.name!r}: one window of {layer.kernel[0]}x{layer.kernel[1]} does not fit the {capacity} words of an "
                    f"activation buffer of {config.name}; use a configuration with more activation_words")


def _with_rounds(config, strip, clusters):
    count = -(-strip.pixels // (clusters * config.tile_pixels))
    runs = even_runs(strip.pixels, count * clusters)
    rounds, start = [], 0
    for i in range(count):
        counts = runs[i * clusters:(i + 1) * clusters]
        starts = tuple(start + sum(counts[:c]) for c in range(clusters))
        rounds.append(Round(starts, counts))
        start += sum(counts)
    return Strip(strip.input_rows, strip.input_columns, strip.output_rows, strip.output_columns, tuple(rounds))
