# SPDX-License-Identifier: BSD-2-Clause
"""Emits one layer's instructions: loads, geometry, tiles and stores. See compiler/loads.py for the order."""

from dataclasses import replace

from accel import isa

DATA = isa.semaphore(0)
WRITTEN = isa.semaphore(1)
FREE = (isa.semaphore(2), isa.semaphore(3))

_MOST_BEATS = (1 << 14) - 1


class LayerEmitter:
    """Collects the instructions of one layer: `words` are complete after finish().

    `source` and `target` are Placements, `window` how the layer's windows lie in the buffer, `cluster_mask` the clusters in use. The first load waits
    for the last store of the layer before where `waits_for_store` says so.
    """

    def __init__(self, config, layer, window, source, target, region_words, cluster_mask, waits_for_store):
        self.config, self.layer, self.window, self.target = config, layer, window, target
        self.shape = source.shape
        height, width, channels = source.shape
        self.source = replace(source, shape=(1, height, width * channels)) if window.packed else source
        self.region_words, self.cluster_mask, self.waits_for_store = region_words, cluster_mask, waits_for_store
        self.words, self.settings, self.last_store = [], {}, None

    def add(self, name, **values):
        """Append one instruction."""
        self.words.append(isa.encode(name, **values))

    def set(self, name, **values):
        """Append a setting, unless it stands already."""
        key = name, values.get("cluster", 0)
        if self.settings.get(key) != values:
            self.settings[key] = values
            self.add(name, **values)

    def load(self, job, index):
        """Load piece `index` of a job; gives DATA when it is there."""
        strip, blocks, rows = job.strip, job.blocks, job.pieces[index]
        config, width = self.config, self.shape[1]
        columns = len(strip.input_columns)
        row_beats = config.beats_per_word * self.window.row_words(columns, blocks)
        destination = config.beats_per_word * job.region * self.region_words + (rows.start - strip.input_rows.start) * row_beats
        if self.window.packed:
            words = range(self.window.row_words(columns, blocks))
            pieces = self._segment(rows.start, len(rows), words, destination, row_beats)
        else:
            pitch = config.beats_per_word * len(blocks)
            segments = [(row * width + strip.input_columns.start, columns) for row in rows] if columns != width else [
                (rows.start * width, len(rows) * width)]
            pieces = []
            for first, pixels in segments:
                pieces += self._segment(first, pixels, blocks, destination, pitch)
                destination += pixels * pitch
        for i, (layout, values) in enumerate(pieces):
            self.set("LOAD_SHAPE", **layout)
            if i == index == 0:
                values["wait_a"] = FREE[job.region] if job.after else 0
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

    def geometry(self, job, column, width, **values):
        """Set SHAPE and WALK for tiles of a job whose rows of `width` outputs begin at output column `column`; `values`: other fields of SHAPE."""
        window, strip, blocks = self.window, job.strip, job.blocks
        (kernel_height, kernel_width), (stride_y, stride_x) = window.kernel, self.layer.stride
        columns = len(strip.input_columns)
        row_bytes, pixel_bytes = window.row_words(columns, blocks) * window.word, window.pixel_bytes(blocks)
        tap_step, pixel_step = 0 if window.packed else pixel_bytes, stride_x * pixel_bytes
        values = {"blocks": len(blocks), **values}
        self.set("SHAPE", kernel_height=kernel_height, kernel_width=kernel_width, stride_y=stride_y, stride_x=stride_x * window.unit,
                 height=len(strip.input_rows), width=columns * window.unit, first_x=self._x(strip, column) * window.unit, output_width=width,
                 packed=int(window.packed), **values)
        self.set("WALK", pixel_step=pixel_step, row_step=stride_y * row_bytes - (width - 1) * pixel_step, tap_step=tap_step,
                 tap_row_step=row_bytes - (kernel_width - 1) * tap_step)

    def _x(self, strip, column):
        return column * self.layer.stride[1] - self.layer.padding.left - strip.input_columns.start

    def tile(self, cluster, job, run, column, block=0, plane=0):
        """Set a cluster's run (output row, output column, pixels) of rows that begin at output column `column`, from a pixel's word and plane on."""
        row, first, pixels = run
        strip, window = job.strip, self.window
        y = row * self.layer.stride[0] - self.layer.padding.top - strip.input_rows.start
        x = self._x(strip, first)
        word = job.region * self.region_words + y * window.row_words(len(strip.input_columns), job.blocks) + block
        address = word * window.word + plane * self.config.columns + x * window.pixel_bytes(job.blocks)
        self.set("TILE", cluster=cluster, address=address, y=y, x=x * window.unit, output_x=first - column,
                 pixels=pixels)

    def store(self, plane, row, column, beats):
        """Store `beats` beats of a plane from a place of the target map on; continues the store before where memory does.

        A store stands where its first beats are drained, so all that it waits for follows it in the program.
        """
        height, width, _ = self.target.shape
        address = self.target.address + (plane * height * width + row * width + column) * self.config.beat_bytes
        if self.last_store is not None:
            place, first, count = self.last_store
            if first + count * self.config.beat_bytes == address and count + beats <= _MOST_BEATS:
                self._put_store(place, first, count + beats)
                return
        self.words.append(0)
        self._put_store(len(self.words) - 1, address, beats)

    def _put_store(self, place, address, beats, signal=0):
        self.last_store = place, address, beats
        self.words[place] = isa.encode("STORE", address=address, beats=beats, signal_a=signal)

    def finish(self):
        """Let the layer's last store give WRITTEN; returns the words."""
        self._put_store(*self.last_store, WRITTEN)
        return self.words
