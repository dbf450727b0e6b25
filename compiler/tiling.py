# SPDX-License-Identifier: BSD-2-Clause
"""The ways to cut a layer: strips of input that fit the activation buffer, passes over input blocks, rounds of output pixels."""

from dataclasses import dataclass

from accel.errors import UserError
from compiler.isa_limits import most
from compiler.rounds import raster_rounds, rectangle_rounds

MOST_BLOCKS = most("SHAPE", "blocks")
MOST_ROWS = most("SHAPE", "height")
# Ways to cut the rows that are compared for each number of passes and regions.
MOST_CUTS = 12


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
    """`passes` are ranges of input blocks (more than one: partial sums are kept between them); `regions` strips of at most `region_beats` lie side
    by side."""

    strips: tuple
    passes: tuple
    regions: int
    region_beats: int


@dataclass(frozen=True)
class Geometry:
    """What cutting a layer needs to know: input `shape` and `output_shape` (H, W, C), `window`, runs a round (`clusters`) of at most `limit` pixels.

    pool: the outputs are pooled 2 x 2, so only pixels of whole squares are computed. floor: least cycles of a step. images: so many maps of these
    shapes lie one below the other, and no window reaches from one into the next; rows are numbered through all of them.
    """

    layer: object
    shape: tuple
    output_shape: tuple
    window: object
    clusters: int
    limit: int
    pool: bool = False
    floor: int = 1
    images: int = 1

    @property
    def grain(self):
        """Rows (and columns) that belong together."""
        return 2 if self.pool else 1

    @property
    def rows(self):
        """Output rows to compute of each image."""
        return self.output_shape[0] // self.grain * self.grain

    @property
    def columns(self):
        """Output columns to compute."""
        return self.output_shape[1] // self.grain * self.grain

    def strip(self, output_rows, output_columns):
        """Return the Strip of ranges of outputs, without rounds: rows of one image, or several whole ones."""
        layer, pad = self.layer, self.layer.padding
        return Strip(self.input_rows(output_rows),
                     range(self.shape[1]) if len(output_columns) == self.columns
                     else input_span(output_columns, layer.kernel[1], layer.stride[1], pad.left, self.shape[1]), output_rows, output_columns)

    def input_rows(self, output_rows):
        """Return the range of input rows from the first to the last under the windows of a range of output rows."""
        (first, top), (last, bottom) = divmod(output_rows.start, self.rows), divmod(output_rows.stop - 1, self.rows)
        height, layer = self.shape[0], self.layer
        spans = [input_span(range(row, row + 1), layer.kernel[0], layer.stride[0], layer.padding.top, height) for row in (top, bottom)]
        low = first * height + spans[0].start
        return range(low, max(last * height + spans[1].stop, low + 1))

    def parts(self, output_rows):
        """Return the ranges of output rows of each image in a range."""
        inner = range(output_rows.start // self.rows + 1, (output_rows.stop - 1) // self.rows + 1)
        edges = [output_rows.start, *(image * self.rows for image in inner), output_rows.stop]
        return [range(low, high) for low, high in zip(edges, edges[1:])]

    def reads(self, part):
        """Return the range of input rows under the windows of a Round."""
        return self.input_rows(range(part.first_row, part.last_row + 1))

    def with_rounds(self, strip):
        """Return the Strip with its rounds."""
        cut = rectangle_rounds if self.pool else raster_rounds
        rounds = cut(strip, self.clusters, self.limit, self.floor, len(self.parts(strip.output_rows)))
        return Strip(strip.input_rows, strip.input_columns, strip.output_rows, strip.output_columns, rounds)


def input_span(outputs, kernel, stride, padding, size):
    """Return the range of input rows (or columns) inside 0..size - 1 under the windows of a range of outputs; never empty."""
    first = outputs.start * stride - padding
    last = (outputs.stop - 1) * stride - padding + kernel
    low, high = min(max(first, 0), size - 1), max(min(last, size), 1)
    return range(low, max(high, low + 1))


def _beats(geometry, strip, blocks):
    return len(strip.input_rows) * geometry.window.row_beats(len(strip.input_columns), blocks)


def _row_strips(geometry, heights):
    strips, first = [], 0
    for height in heights:
        strips.append(geometry.strip(range(first, first + height), range(geometry.columns)))
        first += height
    return tuple(strips)


def _heights(geometry):
    """Yield the rows of each strip, the coarsest first: whole images, as few strips as possible; then each image cut alike."""
    yield from _even_heights(geometry.images, geometry.rows)
    for heights in _even_heights(geometry.rows // geometry.grain, geometry.grain):
        if len(heights) > 1:
            yield heights * geometry.images


def _even_heights(total, grain):
    """Yield the ways to cut `total` x `grain` rows, the coarsest first: as many strips as needed, equally high or all but the last one."""
    seen = set()
    for rows in range(total, 0, -1):
        count = -(-total // rows)
        even = tuple(total // count + (i < total % count) for i in range(count))
        full = (rows,) * (total // rows) + ((total % rows,) if total % rows else ())
        for heights in (full, even):
            if heights not in seen:
                seen.add(heights)
                yield tuple(grain * height for height in heights)


def _column_strips(geometry, width):
    grain = geometry.grain
    return tuple(geometry.strip(range(row, row + grain), range(first, min(first + width, geometry.columns)))
                 for row in range(0, geometry.images * geometry.rows, grain) for first in range(0, geometry.columns, width))


def _row_cuts(geometry):
    """Yield tuples of strips of whole rows, the coarsest first."""
    for heights in _heights(geometry):
        yield _row_strips(geometry, heights)


def _column_cuts(geometry):
    """Yield tuples of strips of parts of rows, the coarsest first; none where a window's row is one run of bytes."""
    width, grain = geometry.columns, geometry.grain
    while width > grain and not geometry.window.packed:
        width = -(-width // (2 * grain)) * grain
        yield _column_strips(geometry, width)


def _pass_ranges(window):
    """Yield the ways to cut the input blocks into passes, the fewest first."""
    blocks, seen = window.blocks, set()
    for count in range(1, 2 if window.packed else blocks + 1):
        deepest = -(-blocks // count)
        if deepest not in seen and deepest <= MOST_BLOCKS:
            seen.add(deepest)
            yield tuple(range(first, min(first + deepest, blocks)) for first in range(0, blocks, deepest))


def tilings(geometry, room):
    """Yield all Tilings worth a look, without rounds, in `room` beats: only the whole map where it fits, else the coarsest ways that fit.

    Parts of rows are a last resort: tried only where no strip of whole rows fits with these passes.
    """
    for passes in _pass_ranges(geometry.window):
        by_rows = list(_fitting(geometry, room, _row_cuts(geometry), passes, MOST_CUTS))
        if by_rows and len(by_rows[0].strips) * len(passes) == 1:
            yield by_rows[0]
            return
        yield from by_rows or _fitting(geometry, room, _column_cuts(geometry), passes, 1)


def resident_tilings(geometry):
    """Yield the one Tiling of a map that lies in the buffer by itself; none where no instruction can say it."""
    blocks, strips = range(geometry.window.blocks), next(_row_cuts(geometry))
    if len(blocks) <= MOST_BLOCKS and geometry.images * geometry.shape[0] <= MOST_ROWS and not geometry.window.packed:
        yield Tiling(strips, (blocks,), 1, geometry.images * geometry.shape[0] * geometry.window.row_beats(geometry.shape[1], blocks))


def _fitting(geometry, room, cuts, passes, most):
    """Yield Tilings of those cuts that fit: the `most` coarsest that fit `room` beats, and those of which two do."""
    word, found = geometry.window.word // geometry.window.beat, [0, 0]
    for strips in cuts:
        if max(len(strip.input_rows) for strip in strips) > MOST_ROWS:
            continue
        beats = -(-max(_beats(geometry, strip, passes[0]) for strip in strips) // word) * word
        for regions in (1, 2):
            if beats * regions <= room and found[regions - 1] < most:
                found[regions - 1] += 1
                yield Tiling(strips, passes, regions, beats)
        if found[1] == most:
            return


def refuse(config, layer):
    """Return the UserError that says that no way fits."""
    return UserError(f"layer {layer.name!r}: one window of {layer.kernel[0]}x{layer.kernel[1]} does not fit the {config.activation_words} words of an "
                     f"activation buffer of {config.name}; use a configuration with more activation_words")
