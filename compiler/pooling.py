# SPDX-License-Identifier: BSD-2-Clause
"""A max pool's instructions: strip by strip, plane by plane, on cluster 0."""

from compiler.emit import DATA, FREE, LayerEmitter
from compiler.loads import Loader, jobs_of, whole
from compiler.tiling import Geometry, refuse, tilings
from compiler.window import plain_window

# What TILE.pixels and STORE.beats can say.
_MOST_PIXELS = (1 << 12) - 1


def _tiling(config, geometry):
    """Return the coarsest Tiling of which one strip is all, or two fit side by side so that loading overlaps; else the coarsest that fits."""
    fallback = None
    for tiling in tilings(config, geometry):
        if max(strip.pixels for strip in tiling.strips) > _MOST_PIXELS:
            continue
        if tiling.regions == 2 or len(tiling.strips) * len(tiling.passes) == 1:
            return tiling
        fallback = fallback or tiling
    if fallback is None:
        raise refuse(config, geometry.layer)
    return fallback


def emit_max_pool(config, layer, source, target, waits_for_store):
    """Return the layer's instruction words. The input channels may be cut into passes: planes are independent of each other."""
    window = plain_window(config, layer.kernel, source.shape[2])
    tiling = _tiling(config, Geometry(layer, source.shape, target.shape, window, 1, _MOST_PIXELS))
    emitter = LayerEmitter(config, layer, window, source, target, tiling.region_beats, 1, waits_for_store)
    emitter.set("DRAIN", clamp_min=layer.clamp_min, clamp_max=layer.clamp_max)
    jobs = jobs_of([(strip, part) for strip in tiling.strips for part in tiling.passes], tiling.regions, whole)
    loader = Loader(jobs, tiling.regions, emitter.load)
    for number, job in enumerate(jobs):
        loader.before(number, 0)
        _emit_strip(emitter, job)
    return emitter.finish()


def _emit_strip(emitter, job):
    config, strip, blocks = emitter.config, job.strip, job.blocks
    column = strip.output_columns.start
    emitter.geometry(job, column, len(strip.output_columns))
    planes = range(blocks.start * config.beats_per_word, min(blocks.stop * config.beats_per_word, emitter.target.planes))
    for plane in planes:
        emitter.tile(0, job, (strip.output_rows.start, column, strip.pixels), column, plane - planes.start)
        emitter.add("POOL", wait_a=DATA if plane == planes.start else 0,
                    signal_a=FREE[job.region] if plane == planes[-1] and job.before else 0)
        emitter.store(plane, strip.output_rows.start, column, strip.pixels)
