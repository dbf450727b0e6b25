# SPDX-License-Identifier: BSD-2-Clause
"""A max pool: its plan, and its operations, strip by strip, plane by plane, on cluster 0."""

from dataclasses import dataclass

from compiler.emit import LayerEmitter
from compiler.estimate import load_cycles
from compiler.isa_limits import most
from compiler.loads import Loader, jobs_of, whole
from compiler.tiling import Geometry, refuse, resident_tilings, tilings
from compiler.window import plain_window

_MOST_PIXELS = min(most("TILE", "pixels"), most("STORE", "beats"))
# Least cycles of a window.
_LEAST_CYCLES = 4


@dataclass(frozen=True)
class PoolPlan:
    """A choice for one pool; `score`: its estimated cycles."""

    geometry: Geometry
    tiling: object
    score: float


class PoolPlanner:
    """Plans a max pool of `images` maps of `shape`, which lie one below the other at `placement`."""

    def __init__(self, config, layer, placement, shape, output_shape, images=1):
        self.config, self.placement = config, placement
        self.geometry = Geometry(layer, shape, output_shape, plain_window(config, layer.kernel, shape[2]), 1, _MOST_PIXELS, images=images)

    def plan(self, room, resident=False):
        """Return the PoolPlan in `room` beats of buffer, or for a `resident` input: the coarsest tiling of which one strip is all, or two fit side
        by side so that loading overlaps; else the coarsest that fits. Raises UserError where none does.
        """
        fallback = None
        for tiling in resident_tilings(self.geometry) if resident else tilings(self.geometry, room):
            if max(strip.pixels for strip in tiling.strips) > _MOST_PIXELS:
                continue
            fallback = fallback or tiling
            if tiling.regions == 2 or len(tiling.strips) * len(tiling.passes) == 1:
                fallback = tiling
                break
        if fallback is None:
            raise refuse(self.config, self.geometry.layer)
        return PoolPlan(self.geometry, fallback, self._score(fallback, resident))

    def _score(self, tiling, resident):
        height, width = self.geometry.layer.kernel
        work = sum(strip.pixels for strip in tiling.strips) * self.placement.planes * max(_LEAST_CYCLES, height * width)
        loads = [load_cycles(self.config, self.geometry, self.placement, len(strip.input_columns), len(strip.input_rows), blocks)
                 for strip in tiling.strips for blocks in tiling.passes]
        if resident:
            return work
        return max(work, sum(loads)) + loads[0] if tiling.regions == 2 else work + sum(loads)


def emit_max_pool(schedule, config, layer, plan, site):
    """Add the layer's operations to a Schedule, at a Site. The input channels may be cut into passes: planes are independent of each other."""
    tiling = plan.tiling
    emitter = LayerEmitter(schedule, config, plan.geometry, site, 1)
    emitter.set("DRAIN", clamp_min=layer.clamp_min, clamp_max=layer.clamp_max)
    jobs = jobs_of([(strip, part) for strip in tiling.strips for part in tiling.passes], tiling, site.base, None if site.resident else whole)
    loader = Loader(jobs, tiling.regions, emitter.load)
    for number, job in enumerate(jobs):
        loader.before(number, 0)
        _emit_strip(emitter, job)


def _emit_strip(emitter, job):
    config, strip, blocks = emitter.config, job.strip, job.blocks
    column = strip.output_columns.start
    emitter.geometry(job, column, len(strip.output_columns))
    planes = range(blocks.start * config.beats_per_word, min(blocks.stop * config.beats_per_word, emitter.site.target.planes))
    for plane in planes:
        for rows in emitter.cut.parts(strip.output_rows):
            pixels = len(rows) * len(strip.output_columns)
            emitter.tile(0, job, (rows.start, column, pixels), column, plane - planes.start)
            emitter.compute("POOL", job, emitter.cut.input_rows(rows))
            emitter.store(plane, rows.start, column, pixels)
