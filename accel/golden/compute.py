# SPDX-License-Identifier: BSD-2-Clause
"""The compute engine of the golden model: settings, tiles, partial sums."""

import numpy as np

from accel.golden.fault import ProgramFault
from accel.golden.requantise import requantise
from accel.registers import ERROR_CODES


class Compute:
    """Holds SHAPE, WALK, DRAIN and TILE settings and executes CONV and POOL.

    `buffers` is int8 [clusters, words, block_channels], shared with the load engine; `weights` is the weight FIFO as an iterator of
    beats (bytes); outputs are appended to the list `outputs` as beats.
    """

    def __init__(self, config, buffers, weights, outputs):
        self.config, self.buffers, self.weights, self.outputs = config, buffers, weights, outputs
        self.settings = {"SHAPE": None, "WALK": None, "DRAIN": None}
        self.tiles = [None] * config.clusters
        self.partial_sums = np.zeros((config.clusters, config.tile_pixels, config.columns), np.int64)
        self.macs = 0

    def setting(self, name, values, position):
        """Execute SHAPE, WALK, DRAIN or TILE."""
        if name == "SHAPE" and 0 in (values[key] for key in (
                "kernel_height", "kernel_width", "blocks", "stride_y", "stride_x", "height", "width", "output_width")):
            raise ProgramFault(ERROR_CODES.BAD_FIELD, position)
        if name == "TILE":
            if values["cluster"] >= self.config.clusters:
                raise ProgramFault(ERROR_CODES.BAD_FIELD, position, values["cluster"])
            self.tiles[values["cluster"]] = values
        else:
            self.settings[name] = values

    def _require_settings(self, position, clusters):
        if any(value is None for value in self.settings.values()) or any(self.tiles[c] is None for c in clusters):
            raise ProgramFault(ERROR_CODES.BAD_FIELD, position)
        return self.settings["SHAPE"], self.settings["WALK"], self.settings["DRAIN"]

    def _pixels(self, tile, shape, walk):
        """Yield (word address, y, x) under the window's top left for each pixel of a run."""
        address, y, x, column = tile["address"], tile["y"], tile["x"], tile["output_x"]
        for _ in range(tile["pixels"]):
            yield address, y, x
            if column == shape["output_width"] - 1:
                address, y, x, column = address + walk["row_step"], y + shape["stride_y"], shape["first_x"], 0
            else:
                address, x, column = address + walk["pixel_step"], x + shape["stride_x"], column + 1

    def _word(self, cluster, address, position):
        if not 0 <= address < self.config.activation_words:
            raise ProgramFault(ERROR_CODES.BUFFER, position, address)
        return self.buffers[cluster, address]

    def _tap_offset(self, walk, shape, ky, kx):
        return ky * (walk["tap_row_step"] + (shape["kernel_width"] - 1) * walk["tap_step"]) + kx * walk["tap_step"]

    def _window_words(self, cluster, shape, walk, ky, kx, block, position):
        """Return int64 [pixels, block_channels]: the word under one tap for each pixel of the cluster's run."""
        rows = []
        offset = self._tap_offset(walk, shape, ky, kx) + block
        for address, y, x in self._pixels(self.tiles[cluster], shape, walk):
            if 0 <= y + ky < shape["height"] and 0 <= x + kx < shape["width"]:
                rows.append(self._word(cluster, address + offset, position))
            else:
                rows.append(np.full(self.config.block_channels, shape["zero_point"], np.int8))
        return np.array(rows, np.int64).reshape(-1, self.config.block_channels)

    def _parameters(self, sets):
        records = []
        for _ in range(sets * self.config.columns):
            records.append(b"".join(next(self.weights) for _ in range(self.config.parameter_beats)))
        fields = np.frombuffer(b"".join(records), np.dtype(
            [("bias", "<i4"), ("multiplier", "<i4"), ("shift", "i1"), ("unused", "V7")])).reshape(sets, -1)
        return [tuple(fields[name][s].astype(np.int64) for name in ("bias", "multiplier", "shift")) for s in range(sets)]

    def _masks(self, blocks):
        """Yield each block's mask, taking a header from the stream where a group begins."""
        for block in range(blocks):
            place = block % self.config.masks_per_header
            if place == 0:
                header = int.from_bytes(b"".join(next(self.weights) for _ in range(self.config.header_beats)), "little")
            yield block, (header >> place * self.config.block_channels) & ((1 << self.config.block_channels) - 1)

    def conv(self, values, position):
        """Execute CONV; beats of the tile go to `outputs` unless it keeps its partial sums."""
        config = self.config
        clusters = range(config.clusters)
        shape, walk, drain = self._require_settings(position, clusters)
        runs = [tile["pixels"] for tile in self.tiles]
        if not 1 <= values["pixels"] <= config.tile_pixels or max(runs) > values["pixels"]:
            raise ProgramFault(ERROR_CODES.BAD_FIELD, position, values["pixels"])
        sets = config.clusters if shape["split"] else 1
        parameters = None if values["keep"] else self._parameters(sets)
        if not values["accumulate"]:
            self.partial_sums[:] = 0
        for block, mask in self._masks(shape["blocks"]):
            channels = [k for k in range(config.block_channels) if mask >> k & 1]
            for ky in range(shape["kernel_height"] if channels else 0):
                for kx in range(shape["kernel_width"]):
                    beats = [[np.frombuffer(next(self.weights), np.int8).astype(np.int64) for _ in range(sets)] for _ in channels]
                    for c in clusters:
                        words = self._window_words(c, shape, walk, ky, kx, block, position)
                        matrix = np.array([beat[c if shape["split"] else 0] for beat in beats])
                        self.partial_sums[c, :runs[c]] += words[:, channels] @ matrix
                    lanes_pixels = len(channels) * (max(runs) if shape["split"] else sum(runs))
                    self.macs += lanes_pixels * values["columns"]
        if not values["keep"]:
            for c in clusters:
                outputs = requantise(
                    self.partial_sums[c, :runs[c]], *parameters[c if shape["split"] else 0],
                    drain["zero_point"], drain["clamp_min"], drain["clamp_max"])
                self.outputs.extend(row.tobytes() for row in outputs)

    def pool(self, values, position):
        """Execute POOL: one beat for each pixel of cluster 0's run."""
        shape, walk, drain = self._require_settings(position, [0])
        if values["plane"] >= self.config.beats_per_word or self.tiles[0]["pixels"] == 0:
            raise ProgramFault(ERROR_CODES.BAD_FIELD, position)
        low = values["plane"] * self.config.columns
        for address, y, x in self._pixels(self.tiles[0], shape, walk):
            best = np.full(self.config.columns, -128, np.int8)
            for ky in range(shape["kernel_height"]):
                for kx in range(shape["kernel_width"]):
                    if 0 <= y + ky < shape["height"] and 0 <= x + kx < shape["width"]:
                        word = self._word(0, address + self._tap_offset(walk, shape, ky, kx), position)
                        best = np.maximum(best, word[low:low + self.config.columns])
            self.outputs.append(np.clip(best, drain["clamp_min"], drain["clamp_max"]).astype(np.int8).tobytes())
