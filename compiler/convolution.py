# SPDX-License-Identifier: BSD-2-Clause
"""Plans a convolution: of all ways to lay out, cut and split it, the one with the fewest estimated cycles, and its weight streams."""

from dataclasses import dataclass, replace

from accel.errors import UserError
from compiler.estimate import Estimator, tile_work
from compiler.tiling import Geometry, refuse, tilings
from compiler.weight_stream import check_accumulator, tile_stream
from compiler.window import packed_window, plain_window

# Words that MASK can set.
MOST_DYNAMIC_BLOCKS = 32


@dataclass(frozen=True)
class Plan:
    """A choice for one layer: `split` as in SHAPE, `sets` weight sets a tile, `streams` one TileStream an output tile, `cycles` estimated."""

    geometry: Geometry
    split: int
    sets: int
    tiling: object
    streams: tuple
    cycles: int

    @property
    def stream_bytes(self):
        """Size of all weight streams."""
        return sum(len(stream.data) for stream in self.streams)

    @property
    def last_weight(self):
        """Offset in the streams of the last beat of weights, or None where there are none."""
        end = self.stream_bytes
        for stream in reversed(self.streams):
            end -= len(stream.data)
            if stream.last_weight is not None:
                return end + stream.last_weight
        return None


def _check(config, layer, channels):
    check_accumulator(layer, config)
    if layer.dynamic_mask is not None and channels > MOST_DYNAMIC_BLOCKS * config.block_channels:
        raise UserError(f"layer {layer.name!r} has a dynamic mask for {channels} channels, but at most "
                        f"{MOST_DYNAMIC_BLOCKS * config.block_channels} are possible on {config.name}")


def plan_convolution(config, layer, zero_point, placement, output_shape, pool=False, trailer=b""):
    """Return the Plan with the fewest estimated cycles.

    Clusters share the weights or hold different output channels (only where the output's planes divide evenly between them). `placement` is
    the input's, `output_shape` the convolution's own; pool: the 2 x 2 maximum of its outputs is what is stored; `trailer` ends
    each stream. Raises UserError where nothing fits.
    """
    shape = placement.shape
    _check(config, layer, shape[2])
    dynamic = int(layer.dynamic_mask is not None)
    planes = -(-output_shape[2] // config.columns)
    windows = [plain_window(config, layer.kernel, shape[2]), packed_window(config, layer, shape, not placement.planar)]
    best = None
    for window in filter(None, windows):
        for split in (0, 1) if config.clusters > 1 and planes % config.clusters == 0 else (0,):
            sets = config.clusters if split else 1
            geometry = Geometry(layer, shape, output_shape, window, 1 if split else config.clusters, config.tile_pixels - dynamic, pool,
                                config.lanes * sets)
            estimator = Estimator(config, geometry, placement, tile_work(config, layer, window, output_shape[2], sets), split)
            for tiling in tilings(config, geometry):
                tiling = replace(tiling, strips=tuple(map(geometry.with_rounds, tiling.strips)))
                cycles, score = estimator.cycles(tiling)
                if best is None or score < least:
                    best, least = Plan(geometry, split, sets, tiling, (), cycles), score
    if best is None:
        raise refuse(config, layer)
    streams = tuple(tile_stream(config, layer, best.geometry.window, zero_point, first, best.sets, best.tiling.passes, trailer=trailer)
                    for first in range(0, output_shape[2], best.sets * config.columns))
    return replace(best, streams=streams)
