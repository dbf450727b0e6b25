# SPDX-License-Identifier: BSD-2-Clause
"""The compute engine of the golden model: settings, tiles, partial sums."""

import numpy as np

from accel import isa
from accel.golden.fault import ProgramFault
from accel.golden.requantise import requantise
from accel.golden.window import Run
from accel.registers import ERROR_CODES, FILTER_WORDS, TABLE_WORDS

PARAMETERS = np.dtype([("bias", "<i4"), ("multiplier", "<i4"), ("shift", "i1"), ("unused", "V7")])


class Compute:
    """Holds SHAPE, WALK, DRAIN, TILE and MASK settings and executes CONV and POOL.

    `buffers` is int8 [clusters, words, block_channels], shared with load and store engine; `weights` and `operands` are the weight and the
    operand FIFO as iterators of beats (bytes); outputs are appended to the list `outputs` as beats; `filters` are the FILTER_WORDS words of the
    filter mask; `tables` int32 [TABLE_WORDS] those of additions.
    """

    def __init__(self, config, buffers, weights, outputs, filters, operands=iter(()), tables=None):
        self.config, self.buffers, self.weights, self.outputs, self.filters = config, buffers, weights, outputs, filters
        self.operands, self.tables = operands, np.zeros(TABLE_WORDS, np.int32) if tables is None else tables
        self.settings = {"SHAPE": None, "WALK": None, "DRAIN": None}
        self.tiles = [None] * config.clusters
        self.masks = [0] * isa.MASK_WORDS
        # One more place than a tile has pixels: the zero point's share of a dynamic layer.
        self.partial_sums = np.zeros((config.clusters, config.tile_pixels + 1, config.columns), np.int64)
        self.macs = 0

    def setting(self, name, values, position):
        """Execute SHAPE, WALK, DRAIN, TILE or MASK."""
        if name == "SHAPE" and 0 in (values[key] for key in (
                "kernel_height", "kernel_width", "blocks", "stride_y", "stride_x", "height", "width", "output_width")):
            raise ProgramFault(ERROR_CODES.BAD_FIELD, position)
        if name == "DRAIN" and (values["pool_columns"] % 2 or (values["add"] and values["pool_columns"])):
            raise ProgramFault(ERROR_CODES.BAD_FIELD, position)
        if name == "MASK":
            self.masks[values["block"]] = values["channels"]
        elif name == "TILE":
            if values["cluster"] >= self.config.clusters:
                raise ProgramFault(ERROR_CODES.BAD_FIELD, position, values["cluster"])
            self.tiles[values["cluster"]] = values
        else:
            self.settings[name] = values

    def measure(self, beats, values):
        """Execute the measuring part of a STORE of `beats` (bytes): which of their channels are on in part `mask_plane` of the dynamic mask."""
        columns = self.config.columns
        word, plane = divmod(values["mask_plane"], self.config.beats_per_word)
        above = np.array([np.frombuffer(beat, np.int8) for beat in beats]).max(axis=0) > values["limit"]
        flags = sum(1 << plane * columns + column for column in np.flatnonzero(above).tolist())
        if values["mask_first"]:
            self.masks[word] &= ~((1 << columns) - 1 << plane * columns)
        self.masks[word] |= flags

    def _require_settings(self, position, clusters):
        if any(value is None for value in self.settings.values()) or any(self.tiles[c] is None for c in clusters):
            raise ProgramFault(ERROR_CODES.BAD_FIELD, position)
        return self.settings["SHAPE"], self.settings["WALK"], self.settings["DRAIN"]

    def _records(self, count):
        """Return (bias, multiplier, shift), each int64 [count], of the next records of the stream."""
        fields = np.frombuffer(b"".join(next(self.weights) for _ in range(count * self.config.parameter_beats)), PARAMETERS)
        return (fields["bias"].astype(np.int64), fields["multiplier"].astype(np.int64) & 0x7FFFFFFF, fields["shift"].astype(np.int64))

    def _parameters(self, sets, values):
        """Return the records of each weight set; a masked filter's multiplier is 0."""
        columns, result = np.arange(self.config.columns), []
        for s in range(sets):
            on = self.filters[(values["filters"] + s) % FILTER_WORDS] >> columns & 1 if values["planes"] else 1
            bias, multiplier, shift = self._records(self.config.columns)
            result.append((bias, multiplier * on, shift))
        return result

    def _sum_parameters(self):
        """Return the record of the addition for each column: the lanes of the requantiser take the columns in turn."""
        return tuple(np.tile(values, self.config.columns // self.config.requantise_lanes)
                     for values in self._records(self.config.requantise_lanes))

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
        self._count_macs(runs, len(kept), values)

    def _add_depthwise_tap(self, runs, sets, ky, kx, block, channels, kept, values):
        """As _add_tap: the lanes 0 and 1 of a column multiply a pair of bytes of the pixel's beat, further lanes nothing."""
        shape, pairs = self.settings["SHAPE"], np.arange(self.config.columns) // 2 * 2
        beats = {k: [np.frombuffer(next(self.weights), np.int8).astype(np.int64) for _ in range(sets)] for k in channels}
        for first in range(0, len(kept), self.config.lanes):
            step = kept[first:first + self.config.lanes]
            for c, run in enumerate(runs):
                pixels = run.beats(ky, kx, block)
                for lane, k in enumerate(step[:2]):
                    weights = beats[k][c if shape["split"] else 0]
                    self.partial_sums[c, :len(pixels)] += pixels[:, pairs + lane] * weights
                    if shape["dynamic"]:
                        self.partial_sums[c, -1] += shape["zero_point"] * weights
            self._count_macs(runs, 1, values)

    def _count_macs(self, runs, channels, values):
        pixels, split = [len(run) for run in runs], self.settings["SHAPE"]["split"]
        self.macs += channels * (max(pixels) if split else sum(pixels)) * values["columns"]

    def conv(self, values, position):
        """Execute CONV."""
        config, clusters = self.config, range(self.config.clusters)
        shape, walk, drain = self._require_settings(position, clusters)
        lengths = [self.tiles[c]["pixels"] for c in clusters]
        squares = 2 * drain["pool_columns"]
        if values["void"] and drain["add"] and not values["keep"]:
            raise ProgramFault(ERROR_CODES.BAD_FIELD, position)
        if squares and not values["keep"] and (drain["pool_columns"] % 2 or any(length % squares for length in lengths)):
            raise ProgramFault(ERROR_CODES.BAD_FIELD, position)
        if not 1 <= values["pixels"] <= config.tile_pixels - shape["dynamic"] or max(lengths) > values["pixels"]:
            raise ProgramFault(ERROR_CODES.BAD_FIELD, position, values["pixels"])
        sets = config.clusters if shape["split"] else 1
        if not values["accumulate"]:
            self.partial_sums[:] = 0
        parameters, total = [(0, 0, 0)] * sets, None
        if not values["void"]:
            runs = [Run(config, self.buffers[c], self.tiles[c], shape, walk, position) for c in clusters]
            self._accumulate(runs, sets, values)
            if not values["keep"]:
                parameters = self._parameters(sets, values)
                total = self._sum_parameters() if drain["add"] else None
        if not values["keep"]:
            for c in clusters:
                sums = self.partial_sums[c, :lengths[c]] - shape["dynamic"] * self.partial_sums[c, -1]
                numbers = requantise(sums, *parameters[c if shape["split"] else 0], drain["zero_point"], drain["clamp_min"], drain["clamp_max"],
                                     drain["rounding"])
                if drain["add"]:
                    numbers = self._add_operands(numbers, total, drain)
                self.outputs.extend(row.tobytes() for row in _pooled(numbers, drain["pool_columns"]))

    def _add_operands(self, numbers, record, drain):
        """Return int8 [pixels, columns]: `numbers` plus as many beats of the operand FIFO, both as the tables have them, requantised."""
        if not len(numbers):
            return numbers
        others = np.array([np.frombuffer(next(self.operands), np.int8) for _ in numbers])
        own, other = self.tables[:TABLE_WORDS // 2], self.tables[TABLE_WORDS // 2:]
        sums = own[numbers.astype(np.int64) & 0xFF].astype(np.int64) + other[others.astype(np.int64) & 0xFF]
        return requantise(sums, *record, drain["sum_zero_point"], drain["sum_clamp_min"], drain["sum_clamp_max"])

    def _accumulate(self, runs, sets, values):
        shape, bits = self.settings["SHAPE"], range(self.config.block_channels)
        for block, mask in enumerate(self._masks(shape["blocks"])):
            dynamic = self.masks[(shape["first_block"] + block) % isa.MASK_WORDS] if shape["dynamic"] else -1
            channels = [k for k in bits if mask >> k & 1]
            kept = [k for k in channels if dynamic >> k & 1]
            for ky in range(shape["kernel_height"] if channels else 0):
                for kx in range(shape["kernel_width"]):
                    if shape["depthwise"]:
                        self._add_depthwise_tap(runs, sets, ky, kx, block, channels, kept, values)
                    else:
                        self._add_tap(runs, sets, ky, kx, block, channels, kept, values)

    def pool(self, values, position):
        """Execute POOL: one beat for each pixel of cluster 0's run."""
        shape, walk, drain = self._require_settings(position, [0])
        if self.tiles[0]["pixels"] == 0:
            raise ProgramFault(ERROR_CODES.BAD_FIELD, position)
        run = Run(self.config, self.buffers[0], self.tiles[0], {**shape, "zero_point": -128, "packed": 0}, walk, position)
        best = np.full((len(run), self.config.columns), -128)
        for ky in range(shape["kernel_height"]):
            for kx in range(shape["kernel_width"]):
                best = np.maximum(best, run.beats(ky, kx, 0))
        self.outputs.extend(row.tobytes() for row in np.clip(best, drain["clamp_min"], drain["clamp_max"]).astype(np.int8))


def _pooled(numbers, columns):
    """Return int8 [outputs, C] of a tile's int8 [pixels, C]: its pixels, or with `columns` the maximum of each 2 x 2 square of its rows."""
    if not columns:
        return numbers
    squares = numbers.reshape(len(numbers) // (2 * columns), 2, columns // 2, 2, numbers.shape[1])
    return squares.max(axis=(1, 3)).reshape(-1, numbers.shape[1])
