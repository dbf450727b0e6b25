# SPDX-License-Identifier: BSD-2-Clause
"""Estimates a convolution's cycles, so that the ways to compute it can be compared."""

from dataclasses import dataclass

import numpy as np

from compiler.loads import row_pieces
from compiler.weight_stream import tile_parts

# Share of the memory port's beats that long runs reach, and cycles from asking for a run to its first beat in the buffer.
MEMORY_SHARE = 0.85
LATENCY = 60
# Cycles that a round loses by waiting for a load that is there.
WAIT = 60
# Cycles that each run of neighbouring bytes costs a load beside its beats.
RUN = 4
# What a cycle of memory traffic costs beside the time that it takes.
TRAFFIC_PRICE = 0.03


@dataclass(frozen=True)
class TileWork:
    """What the tiles of a layer multiply: `kept` and `stored` channels [tiles, parts, blocks] (they differ where a dynamic mask takes some out).

    Where the mask is not known `kept` are float, those expected.
    """

    kept: np.ndarray
    stored: np.ndarray
    taps: int
    sets: int

    def _steps(self, config, pixels, kept, stored):
        """Return the cycles [tiles, parts, blocks] of the steps at one kernel position."""
        if kept.dtype.kind == "f":
            # The last step of a block has any number of channels: as many as not leave one or more lanes idle.
            count = np.minimum(np.minimum(kept, kept / config.lanes + (config.lanes - 1) / (2 * config.lanes)), -(-stored // config.lanes))
            return count * np.maximum(pixels, np.minimum(config.lanes, stored) * self.sets)
        full, rest = kept // config.lanes, kept % config.lanes
        return full * np.maximum(pixels, config.lanes * self.sets) + (rest > 0) * np.maximum(pixels, rest * self.sets)

    def grid(self, config, pixels, blocks):
        """Return the grid's cycles [tiles] for the range `blocks`, a step taking as long as its pixels or the beats of its weights."""
        kept, stored = self.kept[:, :, blocks.start:blocks.stop], self.stored[:, :, blocks.start:blocks.stop]
        return self.taps * np.maximum(self._steps(config, pixels, kept, stored), stored * self.sets).sum(axis=(1, 2))

    def beats(self, config, passes):
        """Return the beats [tiles] of the streams."""
        headers = 0
        for blocks in passes:
            busy = self.stored[:, :, blocks.start:blocks.stop].any(axis=2).sum(axis=1)
            headers = headers + busy * -(-len(blocks) // config.masks_per_header)
        return headers + self.stored.sum(axis=(1, 2)) * self.taps * self.sets + self.sets * config.columns * config.parameter_beats


def tile_work(config, layer, window, outputs, sets, expected=None):
    """Return the TileWork of a convolution whose tiles hold `sets` planes of `outputs` channels; expected: as ConvolutionPlanner has it."""
    firsts = range(0, outputs, sets * config.columns)
    stored = np.zeros((len(firsts), 2, window.blocks), np.int64)
    known = layer.dynamic_mask if expected is None else expected
    mask = np.ones(window.blocks * window.word, bool if expected is None else float)
    kept = np.zeros(stored.shape, np.int64 if expected is None else float)
    if known is not None:
        mask[:len(known)] = known
    for i, first in enumerate(firsts):
        for part, (_, active) in enumerate(tile_parts(config, layer, window, first, sets)):
            stored[i, part] = active.reshape(window.blocks, -1).sum(axis=1)
            kept[i, part] = (active * mask).reshape(window.blocks, -1).sum(axis=1)
    return TileWork(kept, stored, window.kernel[0] * window.kernel[1], sets)


def load_cycles(config, geometry, placement, columns, rows, blocks):
    """Return the cycles that loading `rows` rows of `columns` pixels of the range `blocks` takes."""
    if geometry.window.packed:
        return rows * -(-columns * geometry.shape[2] // config.beat_bytes) / MEMORY_SHARE
    low, high = blocks.start * config.block_channels, min(blocks.stop * config.block_channels, geometry.shape[2])
    planes = -(-(high - low) // config.beat_bytes)
    chunks = columns * rows * planes
    if placement.planar:
        return chunks / MEMORY_SHARE + RUN * planes * (1 if columns == geometry.shape[1] else rows)
    if high - low < geometry.shape[2]:
        return chunks / MEMORY_SHARE + RUN * columns * rows
    return max(chunks, columns * rows * (high - low) / config.beat_bytes / MEMORY_SHARE)


class Estimator:
    """Estimates tilings of one layer with given `geometry` and TileWork `work`; dynamic: 1 where a step takes a pixel more for the zero point."""

    def __init__(self, config, geometry, placement, work, split, dynamic=0):
        self.config, self.geometry, self.placement, self.work, self.split, self.dynamic = config, geometry, placement, work, split, dynamic
        self.known = {}

    def _tiles(self, part, blocks):
        """Return (grid cycles, drain cycles) [tiles] of a round."""
        key = part.pixels, part.drained, blocks
        if key not in self.known:
            clusters = self.config.clusters if self.split else 1
            drain = part.drained * clusters * self.config.columns // self.config.requantise_lanes
            self.known[key] = self.work.grid(self.config, part.pixels + self.dynamic, blocks), drain
        return self.known[key]

    def cycles(self, tiling, resident=False):
        """Return (cycles, score) of a layer so tiled, its strips with rounds: both estimated, the score with a price on memory traffic.

        Where the grid is the limit, traffic costs little, but it is never free: it makes everything wait longer for memory. resident: nothing
        is loaded.
        """
        beats = self.work.beats(self.config, tiling.passes)
        cycles, traffic = self._single(tiling, beats, resident) if len(tiling.passes) == 1 else self._passes(tiling, beats)
        last = tiling.strips[-1].rounds[-1]
        cycles = max(cycles, traffic) + last.drained * self.config.columns / self.config.requantise_lanes + LATENCY
        return round(cycles), cycles + TRAFFIC_PRICE * traffic

    def _load(self, strip, rows, blocks):
        return load_cycles(self.config, self.geometry, self.placement, len(strip.input_columns), rows, blocks)

    def _traffic(self, part, beats):
        """Return the cycles in which memory serves a round's weights and stores."""
        stored = sum(count for _, _, count in part.stores) * self.work.sets * len(beats)
        return (beats.sum() + stored) / MEMORY_SHARE

    def _single(self, tiling, beats, resident):
        """Follow loads and rounds in time; returns (cycles, traffic)."""
        blocks, ends, loaded, now, traffic = tiling.passes[0], [], 0.0, 0.0, 0.0
        for k, strip in enumerate(tiling.strips):
            if k >= tiling.regions:
                loaded = max(loaded, ends[k - tiling.regions])
            pieces, takes = ((), ()) if resident else row_pieces(self.config, self.geometry, strip, blocks)
            arrivals = {}
            for piece, take in zip(pieces, takes, strict=True):
                cycles = self._load(strip, len(piece), blocks)
                loaded, traffic = loaded + cycles, traffic + cycles
                arrivals[take] = loaded + LATENCY
            for i, part in enumerate(strip.rounds):
                grid, drain = self._tiles(part, blocks)
                if i in arrivals:
                    now = max(now + WAIT, arrivals[i])
                now += np.maximum(np.maximum(grid, drain), beats / MEMORY_SHARE).sum()
                traffic += self._traffic(part, beats)
            ends.append(now)
        return now, traffic

    def _passes(self, tiling, beats):
        """Each tile of each round loads its passes anew; with two regions a load overlaps the CONV before. Returns (cycles, traffic)."""
        now, traffic = 0.0, 0.0
        for strip in tiling.strips:
            loads = np.array([self._load(strip, len(strip.input_rows), blocks) for blocks in tiling.passes])
            busy = np.stack([self.work.stored[:, :, blocks.start:blocks.stop].any(axis=(1, 2)) for blocks in tiling.passes], axis=1)
            asked = busy * loads
            for part in strip.rounds:
                grids = np.stack([self._tiles(part, blocks)[0] for blocks in tiling.passes], axis=1)
                if tiling.regions == 2:
                    cycles = np.maximum(grids + WAIT * busy, asked + LATENCY * busy).sum(axis=1)
                else:
                    cycles = (grids + asked + LATENCY * busy).sum(axis=1)
                drain = self._tiles(part, tiling.passes[0])[1]
                now += np.maximum(np.maximum(cycles, drain), beats / MEMORY_SHARE + asked.sum(axis=1)).sum()
                traffic += self._traffic(part, beats) + asked.sum()
        return now + loads[0] + LATENCY, traffic
