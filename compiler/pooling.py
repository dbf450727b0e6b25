# SPDX-License-Identifier: BSD-2-Clause
"""A max pool's instructions: strip by strip, plane by plane, on cluster 0."""

from compiler.emit import DATA, FREE, LayerEmitter, assign_regions
from compiler.tiling import tile_layer


def emit_max_pool(config, layer, source_info, source, target, waits_for_store):
    """Return the layer's instruction words. The input channels may be cut into passes: planes are independent of each other."""
    blocks = -(-source_info.channels // config.block_channels)
    tiling = tile_layer(config, layer, source.shape, target.shape, 1, blocks)
    emitter = LayerEmitter(config, layer, source, target, tiling, 1, waits_for_store)
    emitter.add("DRAIN", clamp_min=layer.clamp_min, clamp_max=layer.clamp_max)
    jobs = [(strip, part) for strip in tiling.strips for part in tiling.passes]
    loads = assign_regions(tiling, jobs)
    emitter.load(loads[0])
    for i, load in enumerate(loads):
        if i + 1 < len(loads):
            emitter.load(loads[i + 1])
        _emit_strip(emitter, load, i == len(loads) - 1)
    return emitter.words


def _emit_strip(emitter, load, last_load):
    config, strip = emitter.config, load.strip
    emitter.shape_and_walk(strip, load.blocks, 0)
    planes = range(load.blocks.start * config.beats_per_word,
                   min(load.blocks.stop * config.beats_per_word, emitter.target.planes))
    for plane in planes:
        block, half = divmod(plane - planes.start, config.beats_per_word)
        if half == 0:
            emitter.tile(0, strip, load.blocks, load.region, 0, strip.pixels, block)
        last = plane == planes[-1]
        emitter.add("POOL", plane=half, wait_a=DATA if plane == planes.start else 0,
                    signal_a=FREE[load.region] if last and not load.last_use else 0)
        emitter.store(plane, strip, 0, strip.pixels, last and last_load)
