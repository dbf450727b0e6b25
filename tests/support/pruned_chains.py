# SPDX-License-Identifier: BSD-2-Clause
"""Chains of convolutions written by hand, in which what each layer's STOREs measure is the dynamic mask of the next, and the same chains in numpy."""

from dataclasses import dataclass, replace

import numpy as np

from accel import isa
from accel.golden.requantise import requantise
from tests.support.addition_programs import Program

DATA, COPIED, STORED, RELOADED = range(4)


@dataclass(frozen=True)
class Layer:
    """A convolution with ReLU of whole planes.

    weights int8 [outputs, KH, KW, inputs]; bias, multiplier, shift int64 [outputs]; pads (top, left, bottom, right). limit: an output map none of whose
    values is above it is left out by the next layer, where that is dynamic; None: nothing is measured. dynamic: this layer leaves out channels.
    split: clusters hold different planes. copies: the outputs are copied into the buffers, else loaded back from memory. planes_first: all pixels of a
    plane come before the next plane. merged: neighbouring runs of a plane are one STORE where they can be.
    """

    weights: np.ndarray
    bias: np.ndarray
    multiplier: np.ndarray
    shift: np.ndarray
    pads: tuple
    stride: int
    zero_point: int
    out_zero_point: int
    limit: int | None
    dynamic: bool
    split: bool
    copies: bool
    planes_first: bool
    merged: bool
    pixels: int

    def size(self, height, width):
        """Return (rows, columns) of the output of a map of this size."""
        top, left, bottom, right = self.pads
        return ((height + top + bottom - self.weights.shape[1]) // self.stride + 1, (width + left + right - self.weights.shape[2]) // self.stride + 1)

    def run(self, inputs, kept):
        """Return (outputs int8 [OH, OW, outputs], bool [outputs]: the maps above the limit) of int8 [H, W, inputs] of which `kept` take part."""
        top, left, bottom, right = self.pads
        centred = np.where(kept, inputs.astype(np.int64) - self.zero_point, 0)
        padded = np.pad(centred, ((top, bottom), (left, right), (0, 0)))
        (rows, columns), step = self.size(*inputs.shape[:2]), self.stride
        sums = np.zeros((rows, columns, len(self.weights)), np.int64)
        for ky in range(self.weights.shape[1]):
            for kx in range(self.weights.shape[2]):
                taps = padded[ky:ky + rows * step:step, kx:kx + columns * step:step][:rows, :columns]
                sums += taps @ self.weights[:, ky, kx].T.astype(np.int64)
        outputs = requantise(sums, self.bias, self.multiplier, self.shift, self.out_zero_point, self.out_zero_point, 127)
        return outputs, np.ones(len(self.weights), bool) if self.limit is None else outputs.max(axis=(0, 1)) > self.limit


@dataclass(frozen=True)
class Chain:
    """Layers one after the other from `image`, int8 [H, W, channels]. masks: MASKs of words that nobody uses before each layer. first: the number of
    the first mask word of the first layer's outputs."""

    image: np.ndarray
    layers: tuple
    first: int
    masks: int = 0

    def unpruned(self):
        """Return the same chain without measuring and masks."""
        return replace(self, layers=tuple(replace(layer, limit=None, dynamic=False) for layer in self.layers))

    def expected(self):
        """Return (the outputs of each layer, bool of its maps that are on)."""
        data, kept, found = self.image, np.ones(self.image.shape[2], bool), []
        for layer in self.layers:
            data, above = layer.run(data, kept if layer.dynamic else np.ones(len(kept), bool))
            kept = above
            found.append((data, kept))
        return found


def random_chain(seed, config, layers=2, threshold=0, dead=0.5, zero_point=None, most_planes=5):
    """Return a Chain that fits the configuration; a share of about `dead` of each layer's filters gives nothing but the zero
    point; with 0 nearly all give more. most_planes: of a tensor."""
    rng = np.random.default_rng([seed, 5])
    spans = int(rng.integers(3, 8)), int(rng.integers(3, 8))
    point = int(rng.choice([-128, 0, 17])) if zero_point is None else zero_point

    def planes(pixels):
        return int(rng.integers(1, min(most_planes, config.activation_beats // 2 // pixels) + 1))

    channels = planes(spans[0] * spans[1]) * config.columns
    image = rng.integers(point, 128, (*spans, channels)).astype(np.int8)
    chain, size = [], spans
    for index in range(layers):
        kernel, stride = (int(n) for n in rng.integers(1, 4, 2)), int(rng.choice([1, 1, 2]))
        kernel = tuple(min(n, side) for n, side in zip(kernel, size, strict=True))
        pads = tuple(int(rng.integers(0, n)) for n in kernel * 2)
        size = tuple((side + low + high - n) // stride + 1 for side, low, high, n in zip(size, pads[:2], pads[2:], kernel, strict=True))
        outputs = planes(size[0] * size[1]) * config.columns
        weights = rng.integers(-127, 128, (outputs, *kernel, channels)).astype(np.int8)
        spread = 75 * 75 * np.sqrt(kernel[0] * kernel[1] * channels)
        bias = rng.integers(-spread, spread, outputs) + (0 if dead else int(2 * spread))
        bias[rng.random(outputs) < dead] = -(1 << 24)
        out_point = int(rng.choice([-128, 0, 17])) if zero_point is None else zero_point
        layer = Layer(
            weights, bias, rng.integers(1 << 30, 1 << 31, outputs), np.full(outputs, int(np.round(np.log2(100 / spread)))), pads, stride, point, out_point,
            min(out_point + threshold, 127), index > 0, bool(rng.integers(2)), bool(rng.integers(2)), bool(rng.integers(2)), bool(rng.integers(2)),
            int(rng.integers(1, config.tile_pixels)))
        # A static mask: input channels that no filter of a tile has weights for, another one for each group of tiles.
        sets = config.clusters * config.columns if layer.split else config.columns
        for first in range(0, outputs, sets):
            weights[first:first + sets, :, :, rng.random(channels) < 0.3] = 0
        chain.append(layer)
        channels, point = outputs, out_point
    return Chain(image, tuple(chain), int(rng.integers(isa.MASK_WORDS)), int(rng.integers(2) * rng.integers(60)))


class _Writer:
    """Writes a Chain's program; `places`: [(byte offset in memory, array int8 [planes, OH * OW, columns])] of what the layers must leave."""

    def __init__(self, chain, config, rng):
        self.chain, self.config, self.program = chain, config, Program(config, rng)
        self.found, self.places = chain.expected(), []
        beats = sum(outputs.size for outputs, _ in self.found) // config.columns
        self.program.begin(outputs=beats)
        self.address = self.program.outputs
        # Tensors lie in the two halves of the buffers in turn, and their masks in the two halves of the mask.
        self.halves = 0, config.activation_beats // 2

    def write(self):
        chain, config, program = self.chain, self.config, self.program
        height, width, channels = chain.image.shape
        planes = channels // config.columns
        self._load(program.put(_planar(chain.image, config.columns).tobytes()), planes, height * width, self.halves[0], signal_a=isa.semaphore(DATA))
        waits = {"wait_a": isa.semaphore(DATA)}
        for index, layer in enumerate(chain.layers):
            outputs, _ = self.found[index]
            last = index + 1 == len(chain.layers)
            for number in range(chain.masks):
                program.add("MASK", block=(self._word(index) + 8 + number % 8) % isa.MASK_WORDS, channels=int(program.rng.integers(1 << 32)))
            self._settings(index, (height, width, planes))
            base, out_planes, pixels = self.halves[(index + 1) % 2], outputs.shape[2] // config.columns, outputs.shape[0] * outputs.shape[1]
            tiles = self._tiles(layer, pixels)
            stores = self._stores(layer, index, [run for _, _, runs in tiles for run in runs if run[2]], out_planes, pixels, base, last)
            streams = {group: self._stream(layer, planes, group) for group, _, _ in tiles}
            for group, first, runs in tiles:
                self._tile(index, (width, planes), outputs.shape[1], streams[group], runs, waits)
                waits = {}
                # A STORE stands where its first beats are drained: the FIFO need not hold a layer.
                for run in runs:
                    program.words += stores.pop(run[:2], [])
            self.places.append((self.address, _planar(outputs, config.columns)))
            if not last:
                waits = {"wait_a": isa.semaphore(COPIED)}
                if not layer.copies:
                    self._load(self.address, out_planes, pixels, base, wait_a=isa.semaphore(STORED), signal_a=isa.semaphore(RELOADED))
                    waits = {"wait_a": isa.semaphore(RELOADED)}
            self.address += outputs.size
            program.add("LAYER", index=index)
            height, width, planes = *outputs.shape[:2], out_planes
        return program, self.places

    def _word(self, index):
        """Return the number of the first mask word of layer `index`'s outputs."""
        return self.chain.first + index % 2 * 16

    def _load(self, address, planes, pixels, base, **sync):
        """Load a planar tensor into all buffers, pixel by pixel, from beat `base` on."""
        config, beat = self.config, self.config.beat_bytes
        self.program.add("LOAD_SHAPE", item_bytes=beat, item_step=planes, source_pitch=pixels * beat, row_step=1 - (pixels - 1) * planes)
        self.program.add("LOAD", address=address, rows=planes, length=pixels * beat, destination=base, clusters=(1 << config.clusters) - 1, **sync)

    def _settings(self, index, shape):
        """Write SHAPE, WALK and DRAIN of a layer over (rows, columns, planes)."""
        layer, config, add = self.chain.layers[index], self.config, self.program.add
        (height, width, planes), (_, columns) = shape, layer.size(*shape[:2])
        step, kernel = planes * config.beat_bytes, layer.weights.shape[1:3]
        add("SHAPE", kernel_height=kernel[0], kernel_width=kernel[1], blocks=-(-planes // config.beats_per_word), stride_y=layer.stride,
            stride_x=layer.stride, height=height, width=width, first_x=-layer.pads[1], output_width=columns, zero_point=layer.zero_point,
            split=layer.split, dynamic=layer.dynamic, first_block=self._word(index - 1) % isa.MASK_WORDS)
        add("WALK", pixel_step=layer.stride * step, row_step=layer.stride * (width - columns + 1) * step, tap_step=step,
            tap_row_step=(width - kernel[1] + 1) * step)
        add("DRAIN", zero_point=layer.out_zero_point, clamp_min=layer.out_zero_point, clamp_max=127)

    def _tiles(self, layer, pixels):
        """Return a layer's tiles in order: [(first plane, first pixel, [(plane, first pixel, pixels)] of the clusters)]."""
        clusters, planes = self.config.clusters, len(layer.weights) // self.config.columns
        groups = range(0, planes, clusters if layer.split else 1)
        firsts = range(0, pixels, layer.pixels * (1 if layer.split else clusters))
        order = [(group, first) for group in groups for first in firsts]
        if not layer.planes_first:
            order = [(group, first) for first in firsts for group in groups]
        tiles = []
        for group, first in order:
            if layer.split:
                runs = [(group + c, first, min(layer.pixels, pixels - first) if group + c < planes else 0) for c in range(clusters)]
            else:
                begins = [min(first + c * layer.pixels, pixels) for c in range(clusters)]
                runs = [(group, begin, min(layer.pixels, pixels - begin)) for begin in begins]
            tiles.append((group, first, runs))
        return tiles

    def _tile(self, index, shape, columns, stream, runs, waits):
        """Write one tile over a map of (columns, planes)."""
        layer, config, add, (address, data) = self.chain.layers[index], self.config, self.program.add, stream
        add("WEIGHTS", address=address, beats=len(data) // config.beat_bytes)
        for c, (_, begin, count) in enumerate(runs):
            oy, ox = divmod(begin, columns)
            y, x = oy * layer.stride - layer.pads[0], ox * layer.stride - layer.pads[1]
            place = self.halves[index % 2] + (y * shape[0] + x) * shape[1]
            add("TILE", cluster=c, address=place * config.beat_bytes if count else 0, y=y, x=x, output_x=ox, pixels=count)
        add("CONV", pixels=max(count for _, _, count in runs), columns=config.columns * (config.clusters if layer.split else 1), **waits)

    def _stream(self, layer, planes, group):
        """Return (address, bytes) of the stream of a tile of the output planes from `group` on."""
        config, parts, sets = self.config, [], self.config.clusters if layer.split else 1
        size = config.block_channels
        weights = np.zeros((sets * config.columns, *layer.weights.shape[1:3], -(-planes // config.beats_per_word) * size), np.int8)
        own = slice(group * config.columns, min((group + sets) * config.columns, len(layer.weights)))
        weights[:own.stop - own.start, ..., :layer.weights.shape[3]] = layer.weights[own]
        masks = weights.any(axis=(0, 1, 2)).reshape(-1, size)
        for first in range(0, len(masks), config.masks_per_header):
            bits = np.packbits(masks[first:first + config.masks_per_header].reshape(-1), bitorder="little").tobytes()
            parts.append(bits.ljust(config.beat_bytes, b"\0"))
            for block in range(first, min(first + config.masks_per_header, len(masks))):
                for ky, kx in np.ndindex(*layer.weights.shape[1:3]):
                    parts += [weights[:, ky, kx, block * size + channel].tobytes() for channel in np.flatnonzero(masks[block])]
        for k in range(sets * config.columns):
            parts.append(self._record(layer, own.start + k) if own.start + k < own.stop else bytes(16))
        data = b"".join(parts)
        return self.program.put(data), data

    def _record(self, layer, output):
        bias = layer.bias[output]
        if not layer.dynamic:
            bias = bias - layer.zero_point * layer.weights[output].astype(np.int64).sum()
        return np.array([bias, layer.multiplier[output]], "<i4").tobytes() + np.int8(layer.shift[output]).tobytes() + bytes(7)

    def _stores(self, layer, index, runs, planes, pixels, base, last):
        """Return {(plane, first pixel): [STORE]} of a layer's runs [(plane, first pixel, pixels)], in the order of the output FIFO."""
        config, stores, seen, words = self.config, [], set(), {}
        for plane, first, count in runs:
            if layer.merged and stores and stores[-1][0] == plane and sum(stores[-1][1:]) == first:
                stores[-1][2] += count
            else:
                stores.append([plane, first, count])
        for number, (plane, first, count) in enumerate(stores):
            values, final = {}, number + 1 == len(stores)
            if layer.copies and not last:
                values = {"copy_clusters": (1 << config.clusters) - 1, "copy_destination": base + first * planes + plane, "copy_pitch": planes}
                values["copy_signal"] = isa.semaphore(COPIED) if final else 0
            elif final and not last:
                values = {"signal_a": isa.semaphore(STORED)}
            if layer.limit is not None:
                values |= {"measure": 1, "limit": layer.limit, "mask_first": int(plane not in seen),
                           "mask_plane": (self._word(index) * config.beats_per_word + plane) % (isa.MASK_WORDS * config.beats_per_word)}
                seen.add(plane)
            words[plane, first] = [isa.encode("STORE", address=self.address + (plane * pixels + first) * config.beat_bytes, beats=count, **values)]
        return words


def _planar(tensor, columns):
    """Return int8 [planes, H * W, columns] of [H, W, channels]."""
    return tensor.reshape(-1, tensor.shape[2] // columns, columns).transpose(1, 0, 2).copy()


def write_chain(chain, config, seed=0):
    """Return (Program, [(address, int8 [planes, pixels, columns])]): what each layer must leave in memory, says numpy."""
    return _Writer(chain, config, np.random.default_rng([seed, 6])).write()
