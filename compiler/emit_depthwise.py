# SPDX-License-Identifier: BSD-2-Clause
"""The instructions of a layer that works on each channel by itself, from its plan."""

from functools import partial
from itertools import accumulate

from compiler.emit import LayerEmitter
from compiler.loads import Loader, jobs_of, row_pieces


def emit_channels(schedule, config, plan, site, stream_address, filters, addition=None):
    """Add the layer's operations to a Schedule, at a Site.

    The streams of `plan` lie at `stream_address` in order; `filters` is the word of the filter mask of the first output plane, or None where the
    filters are always on; `addition` is what the outputs are added to, or None.
    """
    emitter = LayerEmitter(schedule, config, plan.geometry, site, (1 << config.clusters) - 1)
    if addition is not None:
        addition.load_tables(schedule)
    _Body(emitter, plan, stream_address, filters, addition).emit()


class _Body:
    """Emits job by job, in each round by round, all planes of a round one after the other."""

    def __init__(self, emitter, plan, stream_address, filters, addition):
        self.emitter, self.plan, self.filters, self.addition = emitter, plan, filters, addition
        self.addresses = list(accumulate((len(stream.data) for stream in plan.streams), initial=stream_address))

    def emit(self):
        """Emit all jobs: each strip with each of its passes."""
        plan, tiling, site = self.plan, self.plan.tiling, self.emitter.site
        turns = [(strip, variants, blocks, groups) for strip, variants in zip(tiling.strips, plan.variants, strict=True)
                 for blocks, groups in zip(tiling.passes, plan.groups, strict=True)]
        cut = None if site.resident else partial(row_pieces, self.emitter.config, plan.geometry, blocks=tiling.passes[0])
        jobs = jobs_of([(strip, blocks) for strip, _, blocks, _ in turns], tiling, site.base, cut)
        loader = Loader(jobs, tiling.regions, self.emitter.load)
        for number, (job, (strip, variants, _, groups)) in enumerate(zip(jobs, turns, strict=True)):
            for turn, (part, variant) in enumerate(zip(strip.rounds, variants, strict=True)):
                loader.before(number, turn)
                for planes in groups:
                    self._tile(job, part, variant, planes)

    def _tile(self, job, part, variant, planes):
        plan, emitter = self.plan, self.emitter
        self._settings(job, part, planes)
        index = plan.stream_index(variant, planes)
        stream, fields = plan.streams[index], self._filter_fields(planes)
        if self.addition is not None:
            self.addition.load_operands(emitter.schedule, planes, part.stores)
        emitter.add("WEIGHTS", address=self.addresses[index], beats=len(stream.data) // emitter.config.beat_bytes, **fields)
        last = len(stream.convs) - 1
        for i in range(last + 1):
            emitter.compute("CONV", job, plan.geometry.reads(part), pixels=part.pixels, columns=self._columns(planes), accumulate=int(i > 0),
                            keep=int(i < last), **fields)
        for plane in planes:
            for row, column, beats in part.stores:
                emitter.store(plane, row, column, beats)

    def _settings(self, job, part, planes):
        """Set what a tile needs: all clusters have the same plane, or all the same run; where planes are fewer than clusters, some have no pixels."""
        work, plan, emitter, config = self.plan.work, self.plan, self.emitter, self.emitter.config
        layer, sums = plan.geometry.layer, {} if self.addition is None else self.addition.drain_fields
        emitter.set("DRAIN", zero_point=work.output, clamp_min=layer.clamp_min, clamp_max=layer.clamp_max, pool_columns=part.pool,
                    rounding=layer.rounding, **sums)
        emitter.geometry(job, part.column, part.width, zero_point=work.padding, split=plan.split, depthwise=1, blocks=1)
        first = job.blocks.start * config.beats_per_word
        for cluster in range(config.clusters):
            row, column, pixels = part.runs[0 if plan.apart else cluster]
            plane = planes[min(cluster, len(planes) - 1)] if plan.apart else planes[0]
            emitter.tile(cluster, job, (row, column, 0 if plan.apart and cluster >= len(planes) else pixels), part.column, plane=plane - first)

    def _columns(self, planes):
        """Return CONV.columns: the channels of the planes, or where all have the same weights those of one."""
        config, channels = self.emitter.config, self.emitter.shape[2]
        first = planes.start * config.columns
        return min((len(planes) if self.plan.split else 1) * config.columns, channels - first)

    def _filter_fields(self, planes):
        whole = {} if self.addition is None else {"whole": 1}
        return whole if self.filters is None else {"filters": self.filters + planes.start, "planes": len(planes), **whole}
