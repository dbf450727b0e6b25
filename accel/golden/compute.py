# SPDX-License-Identifier: BSD-2-Clause
"""The compute engine of the golden model: settings, tiles, partial sums."""

import numpy as np

from accel.golden.fault import ProgramFault
from accel.golden.requantise import requantise
from accel.golden.window import Run
from accel.registers import ERROR_CODES, FILTER_WORDS

PARAMETERS = np.dtype([("bias", "<i4"), ("multiplier", "<i4"), ("shift", "i1"), ("unused", "V7")])


class Compute:
    """Holds SHAPE, WALK, DRAIN, TILE and MASK settings and executes CONV and POOL.

    `buffers` is int8 [clusters, words, block_channels], shared with the load engine; `weights` is the weight FIFO as an iterator of
    beats (bytes); outputs are appended to the list `outputs` as beats; `filters` are the FILTER_WORDS words of the filter mask.
    """

    def __init__(self, config, buffers, weights, outputs, filters):
        self.config, self.buffers, self.weights, self.outputs, self.filters = config, buffers, weights, outputs, filters
        self.settings = {"SHAPE": None, "WALK": None, "DRAIN": None}
        self.tiles = [None] * config.clusters
        self.masks = [0] * 32
        # One more place than a tile has pixels: the zero point's share of a dynamic layer.
        self.partial_sums = np.zeros((config.clusters, config.tile_pixels + 1, config.columns), np.int64)
        self.macs = 0

    def setting(self, name, values, position):
        """Execute SHAPE, WALK, DRAIN, TILE or MASK."""
        if name == "SHAPE" and 0 in (values[key] for key in (
                "kernel_height", "kernel_width", "blocks", "stride_y", "stride_x", "height", "width", "output_width")):
            raise ProgramFault(ERROR_CODES.BAD_FIELD, position)
        if name == "DRAIN" and values["pool_columns"] % 2:
            raise ProgramFault(ERROR_CODES.BAD_FIELD, position)
        if name == "MASK":
            self.masks[values["block"]] = values["channels"]
        elif name == "TILE":
            if values["cluster"] >= self.config.clusters:
                raise ProgramFault(ERROR_CODES.BAD_FIELD, position, values["cluster"])
            self.tiles[values["cluster"]] = values
        else:
            self.settings[name] = values

    def _require_settings(self, position, clusters):
        if any(value is None for value in self.settings.values()) or any(self.tiles[c] is None for c in clusters):
            raise ProgramFault(ERROR_CODES.BAD_FIELD, position)
        return self.settings["SHAPE"], self.settings["WALK"], self.settings["DRAIN"]

    def _parameters(self, sets, values):
        """Return (bias, multiplier, shift), each int64 [columns], of each weight set; a masked filter's multiplier is 0."""
        count = sets * self.config.columns
        data = b"".join(next(self.weights) for _ in range(count * self.config.parameter_beats))
        fields = np.frombuffer(data, PARAMETERS).reshape(sets, -1)
        columns = np.arange(self.config.columns)
        result = []
        for s in range(sets):
            on = self.filters[(values["filters"] + s) % FILTER_WORDS] >> columns & 1 if values["planes"] else 1
            multiplier = (fields["multiplier"][s].astype(np.int64) & 0x7FFFFFFF) * on
            result.append((fields["bias"][s].astype(np.int64), multiplier, fields["shift"][s].astype(np.int64)))
        return result

    def _masks(self, blocks):
        """Yield each block's static mask, taking a header from the stream where a group begins."""
        bits, config = self.config.block_channels, self.config
        for block in range(blocks):
            place = block % config.masks_per_header
            if place == 0:
                header = int.from_bytes(next(self.weights), "little")
            yield header >> place * bits & ((1 << bits) - 1)

    def _add_tap(self, runs, sets, ky, kx, block, channels, kept, values):
        """Add one kernel position of one block to the partial sums; `channels` are in the stream, `kept` take part."""
        shape = self.settings["SHAPE"]
        beats = {k: [np.frombuffer(next(self.weights), np.int8).astype(np.int64) for _ in range(sets)] for k in channels}
        # Only a packed step's address depends on its first channel.
        size = self.config.lanes if shape["packed"] else max(1, len(kept))
        for first in range(0, len(kept), size):
            step = kept[first:first + size]
            for c, run in enumerate(runs):
                matrix = np.array([beats[k][c if shape["split"] else 0] for k in step])
                activations = run.activations(ky, kx, block, step)
                self.partial_sums[c, :len(activations)] += activations @ matrix
                if shape["dynamic"]:
                    self.partial_sums[c, -1] += shape["zero_point"] * matrix.sum(axis=0)
        pixels = [len(run) for run in runs]
        self.macs += len(kept) * (max(pixels) if shape["split"] else sum(pixels)) * values["columns"]

    def conv(self, values, position):
        """Execute CONV."""
        config, clusters = self.config, range(self.config.clusters)
        shape, walk, drain = self._require_settings(position, clusters)
        lengths = [self.tiles[c]["pixels"] for c in clusters]
        squares = 2 * drain["pool_columns"]
        if squares and not values["keep"] and (drain["pool_columns"] % 2 or any(length % squares for length in lengths)):
            raise ProgramFault(ERROR_CODES.BAD_FIELD, position)
        if not 1 <= values["pixels"] <= config.tile_pixels - shape["dynamic"] or max(lengths) > values["pixels"]:
            raise ProgramFault(ERROR_CODES.BAD_FIELD, position, values["pixels"])
        sets = config.clusters if shape["split"] else 1
        if not values["accumulate"]:
            self.partial_sums[:] = 0
        parameters = [(0, 0, 0)] * sets
        if not values["void"]:
            runs = [Run(config, self.buffers[c], self.tiles[c], shape, walk, position) for c in clusters]
            self._accumulate(runs, sets, values)
            if not values["keep"]:
                parameters = self._parameters(sets, values)
        if not values["keep"]:
            for c in clusters:
                sums = self.partial_sums[c, :lengths[c]] - shape["dynamic"] * self.partial_sums[c, -1]
                numbers = requantise(sums, *parameters[c if shape["split"] else 0], drain["zero_point"], drain["clamp_min"], drain["clamp_max"])
                self.outputs.extend(row.tobytes() for row in _pooled(numbers, drain["pool_columns"]))

    def _accumulate(self, runs, sets, values):
        shape, bits = self.settings["SHAPE"], range(self.config.block_channels)
        for block, mask in enumerate(self._masks(shape["blocks"])):
            dynamic = self.masks[(shape["first_block"] + block) % 32] if shape["dynamic"] else -1
            channels = [k for k in bits if mask >> k & 1]
            kept = [k for k in channels if dynamic >> k & 1]
            for ky in range(shape["kernel_height"] if channels else 0):
                for kx in range(shape["kernel_width"]):
                    self._add_tap(runs, sets, ky, kx, block, channels, kept, values)

    def pool(self, values, position):
        """Execute POOL: one beat for each pixel of cluster 0's run."""
        shape, walk, drain = self._require_settings(position, [0])
        if values["plane"] >= self.config.beats_per_word or self.tiles[0]["pixels"] == 0:
            raise ProgramFault(ERROR_CODES.BAD_FIELD, position)
        low = values["plane"] * self.config.columns
        run = Run(self.config, self.buffers[0], self.tiles[0], {**shape, "zero_point": -128}, walk, position)
        channels = range(low, low + self.config.columns)
        best = np.full((len(run), self.config.columns), -128)
        for ky in range(shape["kernel_height"]):
            for kx in range(shape["kernel_width"]):
                best = np.maximum(best, run.activations(ky, kx, 0, channels))
        self.outputs.extend(row.tobytes() for row in np.clip(best, drain["clamp_min"], drain["clamp_max"]).astype(np.int8))


def _pooled(numbers, columns):
    """Return int8 [outputs, C] of a tile's int8 [pixels, C]: its pixels, or with `columns` the maximum of each 2 x 2 square of its rows."""
    if not columns:
        return numbers
    squares = numbers.reshape(len(numbers) // (2 * columns), 2, columns // 2, 2, numbers.shape[1])
    return squares.max(axis=(1, 3)).reshape(-1, numbers.shape[1])
