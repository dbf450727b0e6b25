# SPDX-License-Identifier: BSD-2-Clause
"""Plans a layer that works on each channel by itself: clusters take different pixels of a plane, or different planes."""

from dataclasses import dataclass, replace

from compiler.depthwise import depthwise_stream
from compiler.estimate import LATENCY, MEMORY_SHARE, TRAFFIC_PRICE, WAIT, load_cycles
from compiler.loads import row_pieces
from compiler.rounds import raster_rounds
from compiler.tiling import Geometry, Strip, refuse, resident_tilings, tilings
from compiler.weight_stream import Streamed, check_accumulator
from compiler.window import plain_window

# Cycles of a tile's beginning beside those of its beats.
PREPARATION = 6


@dataclass(frozen=True)
class ChannelPlan(Streamed):
    """A choice for one layer of ChannelWork `work`. apart: each cluster has a plane of its own; split: and weights of its own.

    `tiling` has strips with rounds; `variants` [strip][round] names each round's variant. `groups` [pass] are ranges of planes. The stream of
    variant v and the planes from p on is `streams[order.index((v, p))]`, with p = 0 where the work is uniform. `cycles` are estimated,
    `score` has a price on memory traffic besides.
    """

    work: object
    geometry: Geometry
    apart: bool
    split: int
    tiling: object
    variants: tuple
    groups: tuple
    order: tuple
    streams: tuple
    cycles: int
    score: float

    def stream_index(self, variant, planes):
        """Return which of `streams` a round's variant and planes take."""
        return self.order.index((variant, 0 if self.work.uniform else planes.start))


def _cut_by_rows(part, map_width):
    """Return the Round with a store a row, unless its rows are whole: then its runs are one piece of memory."""
    if part.width == map_width:
        return part
    stores = []
    for row, column, pixels in part.runs:
        while pixels:
            beats = min(pixels, part.column + part.width - column)
            stores.append((row, column, beats))
            row, column, pixels = row + 1, part.column, pixels - beats
    return replace(part, stores=tuple(stores))


def _overlap(one, other):
    return range(max(one.start, other.start), min(one.stop, other.stop))


def _with_rounds(geometry, strip, bands):
    """Return (Strip with rounds, the variant of each round): the strip's outputs band by band, images together where bands hold all their rows."""
    if geometry.pool:
        strip = geometry.with_rounds(strip)
        return strip, (0,) * len(strip.rounds)
    rounds, variants, images = [], [], geometry.parts(strip.output_rows)
    together = len(bands[0][0]) == geometry.rows
    for image in [strip.output_rows] if together else images:
        top = image.start // geometry.rows * geometry.rows
        for rows, columns, variant in bands:
            rows = image if together else _overlap(range(top + rows.start, top + rows.stop), image)
            columns = _overlap(columns, strip.output_columns)
            if rows and columns:
                parts = raster_rounds(Strip(strip.input_rows, strip.input_columns, rows, columns), geometry.clusters, geometry.limit, geometry.floor,
                                      len(images) if together else 1)
                rounds += [_cut_by_rows(part, geometry.output_shape[1]) for part in parts]
                variants += [variant] * len(parts)
    return Strip(strip.input_rows, strip.input_columns, strip.output_rows, strip.output_columns, tuple(rounds)), tuple(variants)


def _groups(config, tiling, planes, apart):
    """Return for each pass its planes as ranges, one plane each or as many as there are clusters."""
    size, groups = config.clusters if apart else 1, []
    for blocks in tiling.passes:
        low, high = blocks.start * config.beats_per_word, min(blocks.stop * config.beats_per_word, planes)
        groups.append(tuple(range(first, min(first + size, high)) for first in range(low, high, size)))
    return tuple(groups)


def _streams(config, work, plan, trailer):
    firsts = [0] if work.uniform else [group.start for groups in plan.groups for group in groups]
    order = tuple((variant, first) for variant in range(len(work.variants)) for first in firsts)
    sets = config.clusters if plan.split else 1
    return order, tuple(depthwise_stream(config, work.variants[variant], work.folded, first * config.columns, sets, trailer)
                        for variant, first in order)


def _cycles(config, plan, placement, resident):
    """Follow loads and rounds in time; returns (cycles, score), both estimated, the score with a price on memory traffic."""
    tiling, geometry, work = plan.tiling, plan.geometry, plan.work
    taps, sets = geometry.layer.kernel[0] * geometry.layer.kernel[1], config.clusters if plan.split else 1
    now, loaded, ends, traffic = 0.0, 0.0, [], 0.0
    for strip in tiling.strips:
        for blocks, groups in zip(tiling.passes, plan.groups, strict=True):
            if len(ends) >= tiling.regions:
                loaded = max(loaded, ends[-tiling.regions])
            pieces, takes = ((), ()) if resident else row_pieces(config, geometry, strip, blocks)
            arrivals = {}
            for piece, take in zip(pieces, takes, strict=True):
                cycles = load_cycles(config, geometry, placement, len(strip.input_columns), len(piece), blocks)
                loaded, traffic = loaded + cycles, traffic + cycles
                arrivals[take] = loaded + LATENCY
            for turn, part in enumerate(strip.rounds):
                if turn in arrivals:
                    now = max(now + WAIT, arrivals[turn])
                parameters = sets * config.columns * config.parameter_beats
                beats = 1 + 2 * taps * sets + parameters
                # The next tile's first step is prepared behind the parameters, while the last step runs.
                grid = taps * max(part.pixels, 2 * sets) + max(0, parameters + 2 * sets + PREPARATION - part.pixels)
                for group in groups:
                    drained = part.drained * (len(group) if plan.apart else 1)
                    now += max(grid, drained * config.columns // config.requantise_lanes, beats / MEMORY_SHARE)
                    traffic += (beats + drained) / MEMORY_SHARE
            ends.append(now)
    last = tiling.strips[-1].rounds[-1]
    total = max(now, traffic) + last.drained * config.columns / config.requantise_lanes + LATENCY
    return round(total), total + TRAFFIC_PRICE * traffic


class ChannelPlanner:
    """Plans a layer of ChannelWork on `images` maps of `shape`, which lie one below the other at `placement`.

    Channels are places; `output_shape` is that of the windows of one map, as the bands of `work` are; pool: the 2 x 2 maximum of the outputs is
    stored; `trailer` ends each stream.
    """

    def __init__(self, config, work, placement, shape, output_shape, pool=False, images=1, trailer=b""):
        self.config, self.work, self.placement, self.trailer = config, work, placement, trailer
        for variant in work.variants:
            check_accumulator(variant, config)
        layer, window = work.variants[0], plain_window(config, work.variants[0].kernel, shape[2])
        self.ways = []
        for apart in (False, True) if config.clusters > 1 and placement.planes > 1 else (False,):
            split = int(apart and not work.uniform)
            geometry = Geometry(layer, shape, output_shape, window, 1 if apart else config.clusters, config.tile_pixels, pool,
                                2 * (config.clusters if split else 1), images)
            self.ways.append((apart, split, geometry))

    def plan(self, room, resident=False):
        """Return the ChannelPlan with the fewest estimated cycles, without streams, in `room` beats of buffer; resident: the input is there by itself.

        Raises UserError where nothing fits.
        """
        best = None
        for apart, split, geometry in self.ways:
            for tiling in resident_tilings(geometry) if resident else tilings(geometry, room):
                strips, variants = zip(*(_with_rounds(geometry, strip, self.work.bands) for strip in tiling.strips), strict=True)
                tiling = replace(tiling, strips=strips)
                groups = _groups(self.config, tiling, self.placement.planes, apart)
                plan = ChannelPlan(self.work, geometry, apart, split, tiling, variants, groups, (), (), 0, 0.0)
                cycles, score = _cycles(self.config, plan, self.placement, resident)
                plan = replace(plan, cycles=cycles, score=score)
                if best is None or plan.score < best.score:
                    best = plan
        if best is None:
            raise refuse(self.config, self.work.variants[0])
        return best

    def with_streams(self, plan):
        """Return the ChannelPlan with its streams."""
        order, streams = _streams(self.config, self.work, plan, self.trailer)
        return replace(plan, order=order, streams=streams)
