# SPDX-License-Identifier: BSD-2-Clause
"""Emits one layer's operations: loads, geometry, tiles and stores. Their order: compiler/loads.py; what waits for what: compiler/schedule.py."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Home:
    """Where a map lies in every cluster's buffer: plane k of pixel p is beat `base + p * pixel_step + k * plane_step`."""

    base: int
    pixel_step: int
    plane_step: int


@dataclass(frozen=True)
class Measured:
    """How the stores of a tensor find which of its maps take part: those with a number above `limit`; from part `plane` of the dynamic mask on."""

    limit: int
    plane: int


@dataclass(frozen=True)
class Site:
    """Where a layer finds its input and leaves its output: Placements in memory, and in the activation buffers.

    `reads` and `writes` are the names of the tensors. `base`: the first beat of the input's region or, where the input is `resident`, of the map
    that an earlier layer's stores have copied there. `home`: where the output's copy goes, None where it is only in memory. flat: the source is
    read as one pixel, plane by plane. `mask`: the first word of the dynamic mask that the input's stores measure, None where they do not.
    `measured`: how the output's stores are, None where they are not.
    """

    reads: str
    writes: str
    source: object
    target: object
    base: int = 0
    resident: bool = False
    home: Home | None = None
    flat: bool = False
    mask: int | None = None
    measured: Measured | None = None


class LayerEmitter:
    """Adds the operations of a layer with a Geometry to a Schedule, at a Site; `cluster_mask`: the clusters in use."""

    def __init__(self, schedule, config, geometry, site, cluster_mask):
        self.schedule, self.config, self.cut, self.site, self.cluster_mask = schedule, config, geometry, site, cluster_mask
        self.layer, self.window = geometry.layer, geometry.window
        self.shape = height, width, channels = site.source.shape
        self.source = replace(site.source, shape=(1, height, width * channels)) if self.window.packed else site.source
        self.add, self.set = schedule.add, schedule.set
        self.loaded, self.begun, self.waited = {}, set(), site.mask is None

    def load(self, job, index):
        """Load piece `index` of a job, once its rows are stored and its place is no longer read."""
        strip, blocks, rows = job.strip, job.blocks, job.pieces[index]
        width, columns = self.shape[1], len(strip.input_columns)
        row_beats = self.window.row_beats(columns, blocks)
        destination = job.base + (rows.start - strip.input_rows.start) * row_beats
        needs = self.stores_of(rows) + self.schedule.readers_of(range(destination, destination + len(rows) * row_beats))
        if self.window.packed:
            words = range(row_beats // self.config.beats_per_word)
            pieces = self._segment(rows.start, len(rows), words, destination, row_beats)
        else:
            pitch = self.window.planes(blocks)
            segments = [(row * width + strip.input_columns.start, columns) for row in rows] if columns != width else [
                (rows.start * width, len(rows) * width)]
            pieces = []
            for first, pixels in segments:
                pieces += self._segment(first, pixels, blocks, destination, pitch)
                destination += pixels * pitch
        for layout, values in pieces:
            self.set("LOAD_SHAPE", **layout)
            op = self.add("LOAD", needs, clusters=self.cluster_mask, **values)
        self.loaded.setdefault(job.number, []).append((rows, op))

    def stores_of(self, rows):
        """Return the Ops after which rows of the source are stored. A flattened source is one row, which is all of the map."""
        return self.schedule.stores_of(self.site.reads, None if self.site.flat else rows)

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

    def geometry(self, job, column, width, **values):
        """Set SHAPE and WALK for tiles of a job whose rows of `width` outputs begin at output column `column`; `values`: other fields of SHAPE."""
        window, strip, blocks = self.window, job.strip, job.blocks
        (kernel_height, kernel_width), (stride_y, stride_x) = window.kernel, self.layer.stride
        columns = len(strip.input_columns)
        row_bytes, pixel_bytes = window.row_beats(columns, blocks) * window.beat, window.pixel_bytes(blocks)
        tap_step, pixel_step = 0 if window.packed else pixel_bytes, stride_x * pixel_bytes
        values = {"blocks": len(blocks), **values}
        self.set("SHAPE", kernel_height=kernel_height, kernel_width=kernel_width, stride_y=stride_y, stride_x=stride_x * window.unit,
                 height=self.cut.shape[0] if self._whole_images(strip) else len(strip.input_rows), width=columns * window.unit,
                 first_x=self._x(strip, column) * window.unit, output_width=width, packed=int(window.packed), **values)
        self.set("WALK", pixel_step=pixel_step, row_step=stride_y * row_bytes - (width - 1) * pixel_step, tap_step=tap_step,
                 tap_row_step=row_bytes - (kernel_width - 1) * tap_step)

    def _whole_images(self, strip):
        """Whether a strip holds several images, whose rows then count from 0 each."""
        return len(strip.output_rows) > self.cut.rows

    def _x(self, strip, column):
        return column * self.layer.stride[1] - self.layer.padding.left - strip.input_columns.start

    def tile(self, cluster, job, run, column, plane=0):
        """Set a cluster's run (output row, output column, pixels) of rows that begin at output column `column`, from the job's plane `plane` on."""
        row, first, pixels = run
        strip, window = job.strip, self.window
        image, place = divmod(row, self.cut.rows)
        y = place * self.layer.stride[0] - self.layer.padding.top
        x = self._x(strip, first)
        buffer_row = image * self.cut.shape[0] + y - strip.input_rows.start
        address = (job.base + buffer_row * window.row_beats(len(strip.input_columns), job.blocks) + plane) * window.beat
        self.set("TILE", cluster=cluster, address=address + x * window.pixel_bytes(job.blocks), y=y if self._whole_images(strip) else buffer_row,
                 x=x * window.unit, output_x=first - column, pixels=pixels)

    def compute(self, name, job, rows, **values):
        """Emit a CONV or POOL that reads input rows `rows` (a range) of a job, once they are there.

        Where the input's stores find the mask the layer's first operation waits for all of them.
        No operation waits for the reads before a copy: the copy's data come from a tile computed after them. What reads the last row waits for all
        rows, so that no copy of them comes after a load that takes the map's place.
        """
        strip = job.strip
        last = rows.stop == strip.input_rows.stop
        if self.site.resident:
            needs = self.stores_of(range(rows.start, self.shape[0]) if last else rows)
        else:
            needs = [op for piece, op in self.loaded[job.number] if piece.start < rows.stop or last]
        if not self.waited:
            needs, self.waited = [*needs, *self.schedule.stores_of(self.site.reads)], True
        op = self.add(name, needs, rows, **values)
        height = self.shape[0] if self.site.resident else len(strip.input_rows)
        self.schedule.read(range(job.base, job.base + height * self.window.row_beats(len(strip.input_columns), job.blocks)), op)

    def store(self, plane, row, column, beats):
        """Store `beats` beats of a plane from a place of the target map on, row by row; compiler/link.py joins what nobody waits for."""
        target, home = self.site.target, self.site.home
        height, width, _ = target.shape
        while beats:
            count = min(beats, width - column)
            pixel = row * width + column
            address = target.address + (plane * height * width + pixel) * self.config.beat_bytes
            copy = {"copy_clusters": 0, "copy_destination": 0, "copy_pitch": 0} if home is None else {
                "copy_clusters": (1 << self.config.clusters) - 1, "copy_pitch": home.pixel_step,
                "copy_destination": home.base + pixel * home.pixel_step + plane * home.plane_step}
            self.schedule.store(self.site.writes, row, height, address=address, beats=count, **copy, **self._measure(plane))
            row, column, beats = row + 1, 0, beats - count

    def _measure(self, plane):
        """Return the fields of a STORE of a plane that say how it is measured: the plane's first one begins its part of the mask anew."""
        measured = self.site.measured
        if measured is None:
            return {}
        first = plane not in self.begun
        self.begun.add(plane)
        return {"measure": 1, "limit": measured.limit, "mask_plane": measured.plane + plane, "mask_first": int(first)}
