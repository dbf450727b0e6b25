# SPDX-License-Identifier: BSD-2-Clause
"""Programs of depthwise layers, written by hand: random tiles of every shape, and averages over whole windows."""

from dataclasses import dataclass, field

import numpy as np

from accel import isa
from accel.golden.requantise import requantise

BASE = 0x4000_0000
LOADED, USED = isa.semaphore(0), isa.semaphore(1)
TWICE, ONCE, DOWN = range(3)


@dataclass
class Layer:
    """A depthwise convolution of `inputs` int8 [planes, H, W, columns] with `weights` int8 [planes, columns, KH, KW].

    pads: (top, left, bottom, right), filled with zero_point. bias, multiplier, shift: int64 [planes, columns]. numbers: (zero point, least,
    largest, rounding) of the outputs. split: clusters hold neighbouring planes, else neighbouring pixels. dynamic: None, or the bits 0 and 1 of the
    dynamic mask. pixels: of a tile and cluster at most.
    """

    inputs: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    multiplier: np.ndarray
    shift: np.ndarray
    numbers: tuple
    zero_point: int = 0
    stride: tuple = (1, 1)
    pads: tuple = (0, 0, 0, 0)
    split: bool = False
    dynamic: int | None = None
    pixels: int = 8

    @property
    def size(self):
        """(rows, columns) of the output."""
        rows, columns = self.inputs.shape[1:3]
        return ((rows + self.pads[0] + self.pads[2] - self.weights.shape[2]) // self.stride[0] + 1,
                (columns + self.pads[1] + self.pads[3] - self.weights.shape[3]) // self.stride[1] + 1)

    def expected(self):
        """Return the int8 outputs [planes, OH, OW, columns]; the dynamic mask must be None or full."""
        top, left, bottom, right = self.pads
        padded = np.pad(self.inputs.astype(np.int64), ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=self.zero_point)
        if self.dynamic is not None:
            padded = padded - self.zero_point
        rows, columns = self.size
        sums = np.zeros((len(padded), rows, columns, padded.shape[3]), np.int64)
        for ky in range(self.weights.shape[2]):
            for kx in range(self.weights.shape[3]):
                taps = padded[:, ky:ky + rows * self.stride[0]:self.stride[0], kx:kx + columns * self.stride[1]:self.stride[1]]
                sums += taps[:, :rows, :columns] * self.weights[:, None, None, :, ky, kx]
        return np.stack([scale(sums[p], self.bias[p], self.multiplier[p], self.shift[p], self.numbers) for p in range(len(sums))])


def scale(sums, bias, multiplier, shift, numbers):
    """Return int8 outputs of int64 sums [..., columns] in exact integers; rounding twice, and shifts to the left, as the golden model has them."""
    zero_point, least, largest, rounding = numbers
    if rounding == TWICE or (shift > 0).any():
        return requantise(sums, bias, multiplier, shift, *numbers)
    product, half = (sums + bias) * multiplier, np.int64(1) << (30 - shift)
    rounded = product // (2 * half) if rounding == DOWN else np.sign(product) * ((np.abs(product) + half) // (2 * half))
    return np.clip(rounded + zero_point, least, largest).astype(np.int8)


@dataclass
class Program:
    """`memory` from BASE on, with `words` in it from byte `address` on; `window`: all of it. `outputs` are (first byte, expected int8 array or
    None where only the golden model knows)."""

    memory: bytearray
    words: list
    address: int
    window: tuple
    outputs: list = field(default_factory=list)


def program_of(layers, config):
    """Return the Program of `layers`, one after the other, each loaded when the one before has read its inputs."""
    builder = _Builder(config)
    for number, layer in enumerate(layers):
        builder.add(layer, number)
    builder.words.append(isa.encode("END"))
    address = builder.put(isa.to_bytes(builder.words))
    return Program(builder.memory, builder.words, address, (BASE, BASE + len(builder.memory)), builder.outputs)


class _Builder:
    def __init__(self, config):
        self.config, self.memory, self.outputs = config, bytearray(), []
        self.words = [isa.encode("BEGIN", isa_version=isa.ISA_VERSION, config_hash=config.hash)]

    def put(self, data):
        """Append bytes to the memory, on a beat's boundary; returns their address."""
        self.memory += bytes(-len(self.memory) % self.config.beat_bytes)
        address = BASE + len(self.memory)
        self.memory += data
        return address

    def emit(self, name, **values):
        self.words.append(isa.encode(name, **values))

    def add(self, layer, number):
        config = self.config
        planes, rows, columns, _ = layer.inputs.shape
        words = -(-planes // config.beats_per_word)
        if rows * columns * words > config.activation_words:
            raise ValueError(f"a map of {rows} x {columns} with {planes} planes does not fit the buffer")
        self.pitch = words * config.block_channels
        out_rows, out_columns = layer.size
        self.target = self.put(bytes(planes * out_rows * out_columns * config.columns))
        self.outputs.append((self.target, layer.expected() if layer.dynamic in (None, 3) else None))
        self.load(layer, words * config.beats_per_word, wait=number > 0)
        self.settings(layer)
        tiles = list(self.tiles(layer))
        for i, (first_plane, runs) in enumerate(tiles):
            self.tile(layer, first_plane, runs, LOADED if i == 0 else 0, USED if i == len(tiles) - 1 else 0)
        self.emit("LAYER", index=number)

    def load(self, layer, pitch, wait):
        planes, rows, columns, _ = layer.inputs.shape
        beat = self.config.beat_bytes
        self.emit("LOAD_SHAPE", item_bytes=beat, source_pitch=columns * beat, item_step=pitch, row_step=pitch)
        for plane in range(planes):
            self.emit("LOAD", address=self.put(layer.inputs[plane].tobytes()), rows=rows, length=columns * beat, destination=plane,
                      clusters=(1 << self.config.clusters) - 1, wait_a=USED if wait and plane == 0 else 0,
                      signal_a=LOADED if plane == planes - 1 else 0)

    def settings(self, layer):
        height, width = layer.inputs.shape[1:3]
        kernel, stride, pitch = layer.weights.shape[2:], layer.stride, self.pitch
        self.emit("SHAPE", kernel_height=kernel[0], kernel_width=kernel[1], blocks=1, stride_y=stride[0], stride_x=stride[1], height=height,
                  width=width, first_x=-layer.pads[1], output_width=layer.size[1], zero_point=layer.zero_point, split=int(layer.split),
                  dynamic=int(layer.dynamic is not None), first_block=5, depthwise=1)
        self.emit("WALK", pixel_step=stride[1] * pitch, row_step=(stride[0] * width - (layer.size[1] - 1) * stride[1]) * pitch, tap_step=pitch,
                  tap_row_step=(width - kernel[1] + 1) * pitch)
        zero_point, least, largest, rounding = layer.numbers
        self.emit("DRAIN", zero_point=zero_point, clamp_min=least, clamp_max=largest, rounding=rounding)
        if layer.dynamic is not None:
            self.emit("MASK", block=5, channels=layer.dynamic)

    def tiles(self, layer):
        """Yield (first plane, runs [(first pixel, pixels)] of the clusters)."""
        clusters, total = self.config.clusters, layer.size[0] * layer.size[1]
        most = min(layer.pixels, self.config.tile_pixels - (layer.dynamic is not None))
        for plane in range(0, len(layer.inputs), clusters if layer.split else 1):
            first = 0
            while first < total:
                runs = []
                for c in range(clusters):
                    there = not layer.split or plane + c < len(layer.inputs)
                    runs.append((first, min(most, total - first) if there else 0))
                    if not layer.split:
                        first += runs[-1][1]
                if layer.split:
                    first += runs[0][1]
                yield plane, runs

    def tile(self, layer, first_plane, runs, wait, signal):
        config, (height, width) = self.config, layer.size
        planes = [min(first_plane + c, len(layer.inputs) - 1) if layer.split else first_plane for c in range(config.clusters)]
        for c, (first, pixels) in enumerate(runs):
            y, x = first // width * layer.stride[0] - layer.pads[0], first % width * layer.stride[1] - layer.pads[1]
            self.emit("TILE", cluster=c, address=(y * layer.inputs.shape[2] + x) * self.pitch + planes[c] * config.columns, y=y, x=x,
                      output_x=first % width, pixels=pixels)
        sets = planes if layer.split else planes[:1]
        stream = self.stream(layer, sets)
        self.emit("WEIGHTS", address=self.put(stream), beats=len(stream) // config.beat_bytes)
        self.emit("CONV", pixels=max(pixels for _, pixels in runs), columns=len(sets) * config.columns, wait_a=wait, signal_a=signal)
        for c, (first, pixels) in enumerate(runs):
            if pixels:
                address = self.target + (planes[c] * width * height + first) * config.beat_bytes
                self.emit("STORE", address=address, beats=pixels)

    def stream(self, layer, planes):
        """Return a tile's weight stream for the sets of `planes`."""
        config, even = self.config, np.arange(self.config.columns) % 2 == 0
        parts = [(3).to_bytes(config.beat_bytes, "little")]
        for ky in range(layer.weights.shape[2]):
            for kx in range(layer.weights.shape[3]):
                for columns in (even, ~even):
                    parts += [np.where(columns, layer.weights[p, :, ky, kx], 0).astype(np.int8).tobytes() for p in planes]
        for p in planes:
            for bias, multiplier, shift in zip(layer.bias[p], layer.multiplier[p], layer.shift[p], strict=True):
                parts.append(np.array([bias, multiplier], "<i4").tobytes() + np.int8(shift).tobytes() + bytes(7))
        return b"".join(parts)


def random_layer(rng, config):
    """Return a Layer that fits the configuration: any window, stride, padding, zero points, planes, rounding; a channel split or a dynamic mask."""
    kernel, stride = rng.integers(1, 6, 2), rng.integers(1, 4, 2)
    planes = int(rng.integers(1, 5))
    words = -(-planes // config.beats_per_word)
    side = min(12, int(np.sqrt(config.activation_words // words)))
    pads = [int(rng.integers(0, size)) for size in (*kernel, *kernel)]
    rows, columns = (int(rng.integers(max(1, size - a - b), side + 1)) for size, a, b in zip(kernel, pads[:2], pads[2:], strict=True))
    least = -127 if config.macs_per_multiplier == 2 else -128
    weights = rng.integers(least, 128, (planes, config.columns, *kernel)).astype(np.int8)
    weights[rng.random(weights.shape) < 0.1] = rng.choice([least, 127, 0])
    spread = 75 * 75 * np.sqrt(kernel[0] * kernel[1])
    shape = planes, config.columns
    bounds = sorted(int(n) for n in rng.integers(-128, 128, 2)) if rng.random() < 0.3 else (-128, 127)
    return Layer(
        rng.integers(-128, 128, (planes, rows, columns, config.columns)).astype(np.int8), weights, rng.integers(-spread, spread, shape),
        rng.integers(1 << 30, 1 << 31, shape), np.int64(np.round(np.log2(80 / spread))) + rng.integers(-1, 2, shape),
        (int(rng.integers(-128, 128)), *bounds, int(rng.integers(3))), int(rng.choice([-128, 0, 127, rng.integers(-128, 128)])),
        tuple(int(n) for n in stride), tuple(pads), bool(rng.integers(2)), (None, None, 3, 3, int(rng.integers(4)))[rng.integers(5)],
        int(rng.integers(1, config.tile_pixels + 1)))


def average_layer(rng, config, window):
    """Return a Layer that averages a map of `window` (rows, columns); half of the sums are exact ties of both signs, where they can be."""
    rows, columns = window
    n, shape = rows * columns, (config.beats_per_word, config.columns)
    inputs = rng.integers(-128, 128, (config.beats_per_word, n, config.columns)).astype(np.int8)
    for plane, column in zip(*np.nonzero(rng.random(shape) < 0.5), strict=True):
        # Half of the window's bytes one higher than the others.
        inputs[plane, :, column] = rng.integers(-128, 127) + rng.permutation(np.arange(n) < n // 2)
    ones = np.ones((*shape, rows, columns), np.int8)
    # A window of one byte would need 2**31.
    multiplier, shift = (-(-(1 << 31) // n), 0) if n > 1 else (1 << 30, 1)
    return Layer(inputs.reshape(-1, rows, columns, config.columns), ones, np.zeros(shape, np.int64), np.full(shape, multiplier),
                 np.full(shape, shift), (0, -128, 127, ONCE))


def averages(inputs):
    """Return what TFLite's AVERAGE_POOL_2D gives for the whole map `inputs` int8 [planes, H, W, columns]: int8 [planes, 1, 1, columns]."""
    sums, n = inputs.astype(np.int64).sum(axis=(1, 2), keepdims=True), inputs.shape[1] * inputs.shape[2]
    return (np.sign(sums) * ((np.abs(sums) + n // 2) // n)).astype(np.int8)
