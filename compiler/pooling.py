# SPDX-License-Identifier: BSD-2-Clause
"""A max pool's instructions: strip by strip, plane by plane, on cluster 0."""

from compiler.emit import DATA, FREE, LayerEmitter
from compiler.estimate import LATENCY, load_cycles
from compiler.loads import Loader, jobs_of, whole
from compiler.tiling import Geometry, refuse, tilings
from compiler.window import plain_window

# What TILE.pixels and STORE.beats can say.
_MOST_PIXELS = (1 << 12) - 1
# What a window takes at least: a quarter of its beat is clamped a cycle.
LEAST_CYCLES = 4


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


def _geometry(config, layer, source, target):
    window = plain_window(config, layer.kernel, source.shape[2])
    return Geometry(layer, source.shape, target.shape, window, 1, _MOST_PIXELS)


def max_pool_cycles(config, layer, source, target):
    """Return the estimated cycles of the layer, `source` and `target` being Placements: a window position a cycle, no window less than LEAST_CYCLES."""
    geometry = _geometry(config, layer, source, target)
    tiling = _tiling(config, geometry)
    loads = [load_cycles(config, geometry, source, len(strip.input_columns), len(strip.input_rows), blocks)
             for strip in tiling.strips for blocks in tiling.passes]
    height, width, _ = target.shape
    windows = height * width * target.planes * max(LEAST_CYCLES, layer.window[0] * layer.window[1])
    overlapped = loads[0] + max(windows, sum(loads[1:])) if tiling.regions == 2 else sum(loads) + windows
    return round(overlapped + LATENCY * (1 if tiling.regions == 2 else len(loads)))


def emit_max_pool(config, layer, source, target, waits_for_store):
    """Return the layer's instruction words. The input channels may be cut into passes: planes are independent of each other."""
    geometry = _geometry(config, layer, source, target)
    window, tiling = geometry.window, _tiling(config, geometry)
    emitter = LayerEmitter(config, layer, window, source, target, tiling.region_words, 1, waits_for_store)
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
        block, half = divmod(plane - planes.start, config.beats_per_word)
        emitter.tile(0, job, (strip.output_rows.start, column, strip.pixels), column, block)
        emitter.add("POOL", plane=half, wait_a=DATA if plane == planes.start else 0,
                    signal_a=FREE[job.region] if plane == planes[-1] and job.before else 0)
        emitter.store(plane, strip.output_rows.start, column, strip.pixels)
