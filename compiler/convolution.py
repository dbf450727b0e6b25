# SPDX-License-Identifier: BSD-2-Clause
"""A convolution's instructions and weight streams."""

from dataclasses import dataclass

from compiler.emit import DATA, FREE, LayerEmitter, plan_loads
from compiler.tiling import tile_layer
from compiler.weight_stream import check_accumulator, tile_stream


@dataclass(frozen=True)
class Plan:
    """A choice for one layer: `split` as in SHAPE, `sets` weight sets a tile, weight `streams` [output tile][pass], `cycles` estimated."""

    split: int
    sets: int
    tiling: object
    streams: tuple
    cycles: int

    @property
    def blocks(self):
        """Blocks of input channels."""
        return self.tiling.passes[-1].stop

    @property
    def pass_blocks(self):
        """Blocks of a pass; the last one may have fewer."""
        return len(self.tiling.passes[0])

    @property
    def stream_bytes(self):
        """Size of all weight streams."""
        return sum(len(stream.data) for tile in self.streams for stream in tile)


def _estimate(config, tiling, streams, sets):
    cycles = 0
    for strip in tiling.strips:
        for part in strip.rounds:
            pixels = max(part.counts)
            for tile in streams:
                grid = sum(max(pixels, channels * sets) for stream in tile for channels in stream.steps)
                drain = sum(part.counts) * sets * config.columns // config.requantise_lanes
                beats = sum(len(stream.data) for stream in tile) // config.beat_bytes
                cycles += max(grid, drain, beats)
    return cycles


def plan_convolution(config, layer, source_info, output_shape):
    """Return the Plan with the fewest estimated cycles: clusters share the weights or hold different output channels.

    The clusters hold different output channels only where the output's planes divide evenly between them.
    """
    check_accumulator(layer, config)
    blocks = -(-source_info.channels // config.block_channels)
    plans = []
    planes = -(-output_shape[2] // config.columns)
    for split in (0, 1) if config.clusters > 1 and planes % config.clusters == 0 else (0,):
        sets = config.clusters if split else 1
        tiling = tile_layer(config, layer, source_info.shape, output_shape, 1 if split else config.clusters, blocks)
        streams = tuple(
            tuple(tile_stream(config, layer, source_info.zero_point, first, sets, part, part is tiling.passes[-1])
                  for part in tiling.passes)
            for first in range(0, output_shape[2], sets * config.columns))
        plans.append(Plan(split, sets, tiling, streams, _estimate(config, tiling, streams, sets)))
    return min(plans, key=lambda plan: plan.cycles)


def emit_convolution(config, layer, plan, source, target, zero_points, stream_address, waits_for_store):
    """Return the layer's instruction words. `zero_points` are (input, output); the streams lie at `stream_address` in order."""
    emitter = LayerEmitter(config, layer, source, target, plan.tiling, (1 << config.clusters) - 1, waits_for_store)
    emitter.zero_point = zero_points[0]
    emitter.add("DRAIN", zero_point=zero_points[1], clamp_min=layer.clamp_min, clamp_max=layer.clamp_max)
    loads = iter(plan_loads(plan.tiling, len(plan.streams)))
    body = _Body(emitter, plan, loads, stream_address)
    for strip in plan.tiling.strips:
        body.strip(strip, strip is plan.tiling.strips[-1])
    return emitter.words


class _Body:
    """Emits strips; keeps one load ahead of the tiles."""

    def __init__(self, emitter, plan, loads, stream_address):
        self.emitter, self.plan, self.loads, self.stream_address = emitter, plan, loads, stream_address
        self.present, self.next = None, next(loads)
        emitter.load(self.next)

    def advance(self):
        """Make the load that was issued last the present one and issue the one after it."""
        self.present, self.next = self.next, next(self.loads, None)
        if self.next is not None:
            self.emitter.load(self.next)

    def strip(self, strip, last_strip):
        """Emit all rounds of a strip."""
        single = len(self.plan.tiling.passes) == 1
        if single:
            self.advance()
            self.emitter.shape_and_walk(strip, self.present.blocks, self.plan.split)
        for i, part in enumerate(strip.rounds):
            last_round = i == len(strip.rounds) - 1
            self.emitter.add("WEIGHTS", address=self.stream_address, beats=self.plan.stream_bytes // self.emitter.config.beat_bytes)
            if single:
                self.tiles(strip, part)
            for t, tile in enumerate(self.plan.streams):
                last_tile = last_round and t == len(self.plan.streams) - 1
                if single:
                    self.conv(part, tile[0], 0, {
                        "wait_a": DATA if i == t == 0 else 0,
                        "signal_a": FREE[self.present.region] if last_tile and not self.present.last_use else 0})
                else:
                    self.passes(strip, part, tile)
                self.store(strip, part, t, last_tile and last_strip)

    def passes(self, strip, part, tile):
        """Emit one output tile whose input channels take several loads; the partial sums are kept between them."""
        for index, stream in enumerate(tile):
            self.advance()
            self.emitter.shape_and_walk(strip, self.present.blocks, self.plan.split)
            self.tiles(strip, part)
            self.conv(part, stream, index, {
                "wait_a": DATA, "signal_a": 0 if self.present.last_use else FREE[self.present.region],
                "keep": int(index < len(tile) - 1)})

    def tiles(self, strip, part):
        """Set every cluster's run; in a channel split all have the same."""
        for cluster in range(self.emitter.config.clusters):
            run = 0 if self.plan.split else cluster
            self.emitter.tile(cluster, strip, self.present.blocks, self.present.region, part.starts[run], part.counts[run])

    def conv(self, part, stream, index, values):
        """Emit the CONV of pass `index`."""
        self.emitter.add("CONV", pixels=max(part.counts), columns=stream.columns,
                         accumulate=int(index > 0), **values)

    def store(self, strip, part, tile, last):
        """Emit the stores of one output tile: in a channel split one plane a cluster, all of which leave the drain."""
        emitter = self.emitter
        if not self.plan.split:
            emitter.store(tile, strip, part.starts[0], sum(part.counts), last)
            return
        clusters = emitter.config.clusters
        planes = [tile * clusters + c for c in range(clusters)]
        for plane in planes:
            emitter.store(plane, strip, part.starts[0], part.counts[0], last and plane == planes[-1])
