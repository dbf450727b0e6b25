# SPDX-License-Identifier: BSD-2-Clause
"""Emits one layer's instructions from its tiling.

Order and semaphores: strips alternate between the regions of the activation buffer. The load of the next strip stands before the CONVs of the
present one, so that it overlaps them; it waits until the strip that held its region before has been read. A layer's first load waits
for the last store of the layer before it. Each wait is for a signal from earlier in the program, so full queues cannot deadlock.
"""

from dataclasses import dataclass

from accel import isa

DATA = isa.semaphore(0)
WRITTEN = isa.semaphore(1)
FREE = (isa.semaphore(2), isa.semaphore(3))


@dataclass(frozen=True)
class Load:
    """One strip (one pass over its input blocks) in region `region`; `first_use` when nothing of this layer was there before."""

    strip: object
    blocks: range
    region: int
    first_use: bool
    last_use: bool


def plan_loads(tiling, repeats):
    """Return the Loads of a layer in order: each strip, and with several passes each pass `repeats` times for each round."""
    if len(tiling.passes) == 1:
        jobs = [(strip, tiling.passes[0]) for strip in tiling.strips]
    else:
        jobs = [(strip, blocks) for strip in tiling.strips for _ in range(len(strip.rounds) * repeats) for blocks in tiling.passes]
    return assign_regions(tiling, jobs)


def assign_regions(tiling, jobs):
    """Return Loads for (strip, blocks) pairs in order, alternating between the regions."""
    count = len(jobs)
    return [Load(strip, blocks, i % tiling.regions, i < tiling.regions, i + tiling.regions >= count)
            for i, (strip, blocks) in enumerate(jobs)]


class LayerEmitter:
    """Collects the instructions of one layer. `source` and `target` are Placements, `clusters` the clusters in use (a bit mask for LOAD)."""

    def __init__(self, config, layer, source, target, tiling, cluster_mask, waits_for_store):
        self.config, self.layer, self.source, self.target = config, layer, source, target
        self.tiling, self.cluster_mask, self.waits_for_store = tiling, cluster_mask, waits_for_store
        self.words = []

    def add(self, name, **values):
        """Append one instruction."""
        self.words.append(isa.encode(name, **values))

    def region_base(self, region):
        """Return the first word of a region."""
        return region * self.tiling.region_words

    def load(self, load):
        """Load a strip's rows, columns and input blocks; signals DATA when they are there."""
        strip, source, config = load.strip, self.source, self.config
        pitch = config.beats_per_word * len(load.blocks)
        width = source.shape[1]
        destination = config.beats_per_word * self.region_base(load.region)
        columns = len(strip.input_columns)
        if columns == width:
            segments = [(strip.input_rows.start * width, len(strip.input_rows) * width)]
        else:
            segments = [(row * width + strip.input_columns.start, columns) for row in strip.input_rows]
        pieces = []
        for first, pixels in segments:
            pieces += self._segment(first, pixels, load.blocks, destination, pitch)
            destination += pixels * pitch
        shape = None
        for i, (layout, values) in enumerate(pieces):
            if layout != shape:
                self.add("LOAD_SHAPE", **layout)
                shape = layout
            if i == 0:
                values["wait_a"] = 0 if load.first_use else FREE[load.region]
                if self.waits_for_store:
                    values["wait_b"], self.waits_for_store = WRITTEN, False
            if i == len(pieces) - 1:
                values["signal_a"] = DATA
            self.add("LOAD", clusters=self.cluster_mask, **values)

    def _segment(self, first, pixels, blocks, destination, pitch):
        """Return [(LOAD_SHAPE fields, LOAD fields)] for `pixels` neighbouring pixels from raster position `first`."""
        source, beat = self.source, self.config.beat_bytes
        if not source.planar:
            return self._dense_segment(first, pixels, blocks, destination, pitch)
        height, width, _ = source.shape
        plane_bytes = height * width * beat
        first_plane = blocks.start * self.config.beats_per_word
        planes = min(blocks.stop * self.config.beats_per_word, source.planes) - first_plane
        address = source.address + first_plane * plane_bytes + first * beat
        if height * width == 1:
            layout = {"item_bytes": beat, "item_step": 1}
            return [(layout, {"address": address, "rows": 1, "length": planes * beat, "destination": destination})]
        layout = {"item_bytes": beat, "source_pitch": plane_bytes, "item_step": pitch, "row_step": 1 - (pixels - 1) * pitch}
        return [(layout, {"address": address, "rows": planes, "length": pixels * beat, "destination": destination})]

    def _dense_segment(self, first, pixels, blocks, destination, pitch):
        source, config = self.source, self.config
        channels = source.shape[2]
        low = blocks.start * config.block_channels
        high = min(channels, blocks.stop * config.block_channels)
        address = source.address + first * channels + low
        step = pitch - (-(-(high - low) // config.beat_bytes) - 1)
        if high - low == channels:
            layout = {"item_bytes": channels, "item_step": step}
            return [(layout, {"address": address, "rows": 1, "length": pixels * channels, "destination": destination})]
        layout = {"item_bytes": high - low, "source_pitch": channels, "row_step": step}
        return [(layout, {"address": address, "rows": pixels, "length": high - low, "destination": destination})]

    def shape_and_walk(self, strip, blocks, split):
        """Set the geometry for tiles of a strip with the input blocks `blocks` in the buffer."""
        layer, row_words = self.layer, len(strip.input_columns) * len(blocks)
        (kernel_height, kernel_width), (stride_y, stride_x) = layer.kernel, layer.stride
        output_width = len(strip.output_columns)
        self.add("SHAPE", kernel_height=kernel_height, kernel_width=kernel_width, blocks=len(blocks), stride_y=stride_y,
                 stride_x=stride_x, height=len(strip.input_rows), width=len(strip.input_columns),
                 first_x=self._x(strip, 0), output_width=output_width, zero_point=self.zero_point, split=split)
        pixel_step = stride_x * len(blocks)
        self.add("WALK", pixel_step=pixel_step, row_step=stride_y * row_words - (output_width - 1) * pixel_step,
                 tap_step=len(blocks), tap_row_step=row_words - (kernel_width - 1) * len(blocks))

    zero_point = 0

    def _x(self, strip, column):
        return (strip.output_columns.start + column) * self.layer.stride[1] - self.layer.padding.left - strip.input_columns.start

    def tile(self, cluster, strip, blocks, region, start, pixels, block=0):
        """Set a cluster's run: `pixels` outputs from raster position `start` of the strip."""
        row, column = divmod(start, len(strip.output_columns))
        y = (strip.output_rows.start + row) * self.layer.stride[0] - self.layer.padding.top - strip.input_rows.start
        x = self._x(strip, column)
        address = self.region_base(region) + (y * len(strip.input_columns) + x) * len(blocks) + block
        self.add("TILE", cluster=cluster, address=address, y=y, x=x, output_x=column, pixels=pixels)

    def store(self, plane, strip, start, pixels, last):
        """Store `pixels` beats of a plane: contiguous in memory where the strip has whole rows, else a piece of one row."""
        width = self.target.shape[1]
        first = strip.output_rows.start * width + strip.output_columns.start + start
        address = self.target.address + (plane * self.target.shape[0] * width + first) * self.config.beat_bytes
        self.add("STORE", address=address, beats=pixels, signal_a=WRITTEN if last else 0)
