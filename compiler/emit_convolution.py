# SPDX-License-Identifier: BSD-2-Clause
"""A convolution's instructions from its plan."""

from functools import partial
from itertools import groupby

from compiler.emit import LayerEmitter
from compiler.loads import Loader, jobs_of, row_pieces, whole


def emit_convolution(schedule, config, layer, plan, site, zero_points, stream_address, filters, addition=None):
    """Add the layer's operations to a Schedule, at a Site.

    `zero_points` are (input, output); the streams lie at `stream_address` in order; `filters` is the word of the filter mask of the first output
    plane, or None where the filters are always on; `addition` is what the outputs are added to, or None.
    """
    window = plan.geometry.window
    emitter = LayerEmitter(schedule, config, plan.geometry, site, (1 << config.clusters) - 1)
    if layer.dynamic_mask is not None:
        for block in range(window.blocks):
            channels = layer.dynamic_mask[block * window.word:(block + 1) * window.word]
            emitter.add("MASK", block=block, channels=sum(1 << c for c, kept in enumerate(channels) if kept))
    if addition is not None:
        addition.load_tables(schedule)
    body = _Body(emitter, plan, zero_points, stream_address, filters, addition)
    if len(plan.tiling.passes) == 1:
        body.rounds()
    else:
        body.passes()


class _Body:
    """Emits rounds and tiles."""

    def __init__(self, emitter, plan, zero_points, stream_address, filters, addition):
        self.emitter, self.plan, self.zero_points = emitter, plan, zero_points
        self.filters, self.addition = filters, addition
        self.addresses = [stream_address]
        for stream in plan.streams:
            self.addresses.append(self.addresses[-1] + len(stream.data))

    def rounds(self):
        """Emit a layer in one pass: each round works on all output tiles."""
        tiling, site = self.plan.tiling, self.emitter.site
        cut = None if site.resident else partial(row_pieces, self.emitter.config, self.plan.geometry, blocks=tiling.passes[0])
        jobs = jobs_of([(strip, tiling.passes[0]) for strip in tiling.strips], tiling, site.base, cut)
        loader = Loader(jobs, tiling.regions, self.emitter.load)
        for number, job in enumerate(jobs):
            for turn, part in enumerate(job.strip.rounds):
                loader.before(number, turn)
                self._geometry(job, part)
                for tile, stream in enumerate(self.plan.streams):
                    self._operands(tile, part)
                    self._weights(tile)
                    for index in range(len(stream.convs)):
                        self._conv(job, tile, part, index)
                    self._store(tile, part)

    def passes(self):
        """Emit a layer whose input channels take several loads: each round and output tile takes them in turn, its partial sums are kept."""
        tiling = self.plan.tiling
        turns = [(strip, part, tile) for strip in tiling.strips for part in strip.rounds for tile in range(len(self.plan.streams))]
        groups = [[list(convs) for _, convs in groupby(range(len(stream.convs)), stream.convs.__getitem__)] for stream in self.plan.streams]
        loads = [(strip, tiling.passes[self.plan.streams[tile].convs[group[0]]]) for strip, _, tile in turns for group in groups[tile]]
        jobs = jobs_of(loads, tiling, self.emitter.site.base, whole)
        loader = Loader(jobs, tiling.regions, self.emitter.load)
        number = 0
        for _, part, tile in turns:
            self._weights(tile)
            for group in groups[tile]:
                job = jobs[number]
                loader.before(number, 0)
                self._geometry(job, part)
                if group is groups[tile][-1]:
                    self._operands(tile, part)
                for index in group:
                    self._conv(job, tile, part, index)
                number += 1
            self._store(tile, part)

    def _geometry(self, job, part):
        """Set what a round needs; in a channel split all clusters have the same run."""
        layer, split = self.emitter.layer, self.plan.split
        mask = 0 if layer.dynamic_mask is not None else self.emitter.site.mask
        dynamic = {} if mask is None else {"dynamic": 1, "first_block": mask + job.blocks.start}
        sums = {} if self.addition is None else self.addition.drain_fields
        self.emitter.set("DRAIN", zero_point=self.zero_points[1], clamp_min=layer.clamp_min, clamp_max=layer.clamp_max, pool_columns=part.pool,
                         rounding=layer.rounding, **sums)
        self.emitter.geometry(job, part.column, part.width, zero_point=self.zero_points[0], split=split, **dynamic)
        for cluster in range(self.emitter.config.clusters):
            self.emitter.tile(cluster, job, part.runs[0 if split else cluster], part.column)

    def _filter_fields(self, tile):
        sets, whole = self.plan.sets, {} if self.addition is None else {"whole": 1}
        return whole if self.filters is None else {"filters": self.filters + tile * sets, "planes": sets, **whole}

    def _weights(self, tile):
        beats = len(self.plan.streams[tile].data) // self.emitter.config.beat_bytes
        self.emitter.add("WEIGHTS", address=self.addresses[tile], beats=beats, **self._filter_fields(tile))

    def _conv(self, job, tile, part, index):
        """Emit CONV `index` of an output tile's several: all but the last keep their partial sums."""
        stream = self.plan.streams[tile]
        self.emitter.compute("CONV", job, self.plan.geometry.reads(part), pixels=part.pixels, columns=stream.columns, accumulate=int(index > 0),
                             keep=int(index < len(stream.convs) - 1), **self._filter_fields(tile))

    def _planes(self, tile):
        """Return the output planes of one tile: in a channel split one a cluster."""
        return range(tile * self.plan.sets, (tile + 1) * self.plan.sets)

    def _operands(self, tile, part):
        if self.addition is not None:
            self.addition.load_operands(self.emitter.schedule, self._planes(tile), part.stores)

    def _store(self, tile, part):
        for plane in self._planes(tile):
            for row, column, beats in part.stores:
                self.emitter.store(plane, row, column, beats)
