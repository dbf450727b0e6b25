# SPDX-License-Identifier: BSD-2-Clause
"""Plans a convolution: of all ways to lay out, cut and split it, the one with the fewest estimated cycles, and its weight streams."""

from dataclasses import dataclass, replace

from accel.errors import UserError
from accel.isa import MASK_WORDS
from compiler.estimate import Estimator, tile_work
from compiler.tiling import Geometry, refuse, resident_tilings, tilings
from compiler.weight_stream import Streamed, check_accumulator, tile_stream
from compiler.window import packed_window, plain_window


@dataclass(frozen=True)
class Plan(Streamed):
    """A choice for one layer: `split` as in SHAPE, `sets` weight sets a tile, `streams` one TileStream an output tile, `cycles` estimated,
    `score` the cycles with a price on memory traffic."""

    geometry: Geometry
    split: int
    sets: int
    tiling: object
    streams: tuple
    cycles: int
    score: float


def _check(config, layer, channels):
    check_accumulator(layer, config)
    if layer.dynamic_mask is not None and channels > MASK_WORDS * config.block_channels:
        raise UserError(f"layer {layer.name!r} has a dynamic mask for {channels} channels, but at most "
                        f"{MASK_WORDS * config.block_channels} are possible on {config.name}")


class ConvolutionPlanner:
    """Plans a convolution of `images` maps of `shape`, which lie one below the other at `placement`.

    Clusters share the weights or hold different output channels (only where the output's planes divide evenly between them). `output_shape`
    is the convolution's own, of one map; pool: the 2 x 2 maximum of its outputs is what is stored. Raises UserError where the layer
    is beyond the configuration. `trailer` ends each weight stream. expected: float [input channels], where the accelerator itself finds which maps
    take part the share of images in which each does; None where it does not.
    """

    def __init__(self, config, layer, zero_point, placement, shape, output_shape, pool=False, images=1, trailer=b"", expected=None):
        self.config, self.layer, self.output_shape, self.trailer = config, layer, output_shape, trailer
        _check(config, layer, shape[2])
        dynamic = int(layer.dynamic_mask is not None or expected is not None)
        # The drain of a dynamic layer subtracts the zero point's share of what took part.
        self.folded_zero_point = 0 if dynamic else zero_point
        planes = -(-output_shape[2] // config.columns)
        windows = [plain_window(config, layer.kernel, shape[2]), packed_window(config, layer, shape, not placement.planar)]
        self.ways = []
        for window in filter(None, windows):
            for split in (0, 1) if config.clusters > 1 and planes % config.clusters == 0 else (0,):
                sets = config.clusters if split else 1
                geometry = Geometry(layer, shape, output_shape, window, 1 if split else config.clusters, config.tile_pixels - dynamic, pool,
                                    config.lanes * sets, images)
                work = tile_work(config, layer, window, output_shape[2], sets, expected)
                self.ways.append((split, sets, geometry, Estimator(config, geometry, placement, work, split, dynamic)))

    def plan(self, room, resident=False):
        """Return the Plan with the fewest estimated cycles, without streams, in `room` beats of buffer; resident: the input is there by itself.

        Raises UserError where nothing fits.
        """
        best = None
        for split, sets, geometry, estimator in self.ways:
            for tiling in resident_tilings(geometry) if resident else tilings(geometry, room):
                tiling = replace(tiling, strips=tuple(map(geometry.with_rounds, tiling.strips)))
                cycles, score = estimator.cycles(tiling, resident)
                if best is None or score < best.score:
                    best = Plan(geometry, split, sets, tiling, (), cycles, score)
        if best is None:
            raise refuse(self.config, self.layer)
        return best

    def with_streams(self, plan):
        """Return the Plan with its streams."""
        return replace(plan, streams=tuple(
            tile_stream(self.config, self.layer, plan.geometry.window, self.folded_zero_point, first, plan.sets, plan.tiling.passes,
                        trailer=self.trailer)
            for first in range(0, self.output_shape[2], plan.sets * self.config.columns)))
