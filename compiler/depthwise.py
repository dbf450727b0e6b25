# SPDX-License-Identifier: BSD-2-Clause
"""Layers that work on each channel by itself, all as depthwise convolutions: what they multiply and how their outputs are scaled."""

from dataclasses import dataclass, replace

import numpy as np

from accel.errors import UserError
from compiler.ir import AveragePool2D, Conv2D, Rescale
from compiler.isa_limits import most
from compiler.numbers import Rounding
from compiler.weight_stream import TileStream, conv_stream, parameter_records, split_weights
from compiler.window import Window

# Positions of an average up to which ceil(2**31 / positions) rounds every sum rightly.
MOST_POSITIONS = 1024
MOST_TAPS = min(most("SHAPE", "kernel_height"), most("SHAPE", "kernel_width"))


def runs_depthwise(layer):
    """Whether the accelerator computes `layer` channel by channel. (With one channel or a dynamic mask a convolution does it as well.)"""
    if isinstance(layer, Conv2D):
        return layer.depthwise and len(layer.weights) > 1 and layer.dynamic_mask is None
    return isinstance(layer, (AveragePool2D, Rescale))


@dataclass(frozen=True)
class ChannelWork:
    """`variants` are depthwise Conv2Ds of one kernel, stride and padding; `bands` (rows, columns, variant) say which outputs each computes.

    uniform: all planes have the weights and parameters of the first. padding is the value outside the map, folded the zero point that the biases
    take in, output the zero point of the outputs.
    """

    variants: tuple
    bands: tuple
    padding: int
    folded: int
    output: int
    uniform: bool = False


def channel_work(layer, columns, shape, output_shape, zero_points):
    """Return the ChannelWork of a layer with an input of `shape` (its channels being places), on planes of `columns`.

    `zero_points` are (input, output). Raises UserError for an average that is too large.
    """
    rows, width = (range(size) for size in output_shape[:2])
    if isinstance(layer, AveragePool2D):
        return _average(layer, columns, shape, zero_points[0])
    variant = layer.convolution(columns) if isinstance(layer, Rescale) else layer
    return ChannelWork((variant,), ((rows, width, 0),), zero_points[0], zero_points[0], zero_points[1], uniform=isinstance(layer, Rescale))


def _equal_runs(counts):
    """Return the ranges of neighbours that are equal in int [n]."""
    edges = [0, *(np.flatnonzero(np.diff(counts)) + 1).tolist(), len(counts)]
    return [range(low, high) for low, high in zip(edges, edges[1:], strict=False)]


def _average(layer, columns, shape, zero_point):
    """Return the work of an average: rectangles of outputs whose windows hold equally many places."""
    if max(layer.window) > MOST_TAPS:
        raise UserError(f"layer {layer.name!r}: its window is {layer.window[0]} x {layer.window[1]}, but at most {MOST_TAPS} rows and columns are "
                        f"possible; average in two steps")
    rows, width = layer.counts(shape)
    numbers, bands = [], []
    for band in _equal_runs(rows):
        for part in _equal_runs(width):
            positions = int(rows[band.start] * width[part.start])
            if positions not in numbers:
                numbers.append(positions)
            bands.append((band, part, numbers.index(positions)))
    if max(numbers) > MOST_POSITIONS:
        raise UserError(f"layer {layer.name!r} averages {max(numbers)} places, but at most {MOST_POSITIONS} are possible; average in two steps")
    variants = tuple(_mean(layer, columns, positions) for positions in numbers)
    return ChannelWork(variants, tuple(bands), zero_point if layer.include_padding else 0, 0, 0, True)


def _mean(layer, columns, positions):
    """Return the Conv2D of one plane whose sums, rounded once, are divided by `positions`."""
    multiplier, shift = (-(-(1 << 31) // positions), 0) if positions > 1 else (1 << 30, 1)
    return Conv2D(layer.name, layer.input, layer.output, np.ones((columns, *layer.window, 1)), np.zeros(columns), np.full(columns, multiplier),
                  np.full(columns, shift), layer.stride, layer.padding, columns, layer.clamp_min, layer.clamp_max,
                  rounding=Rounding.HALF_AWAY)


def spread_depthwise(layer, placement):
    """Return the depthwise Conv2D `layer` over the places of its input: gaps weigh nothing and give the zero point."""
    if placement.compact:
        return layer
    places, count = np.array(placement.places), placement.extent
    arrays = {}
    for name in ("weights", "bias", "multipliers", "shifts"):
        values = getattr(layer, name)
        arrays[name] = np.zeros((count, *values.shape[1:]), values.dtype)
        arrays[name][places] = values
    return replace(layer, groups=count, **arrays)


def depthwise_stream(config, layer, folded, first, sets, trailer=b""):
    """Return the TileStream of the planes from channel `first` on, one for each of `sets` weight sets; `trailer` ends it.

    The beat of mask bit 0 holds the weights of the even columns, that of bit 1 those of the odd ones.
    """
    count = sets * config.columns
    channels = layer.weights[first:first + count, :, :, 0]
    weights = np.zeros((*layer.kernel, 2, count), np.int8)
    for k, taps in enumerate(channels):
        weights[:, :, k % 2, k] = taps
    active = np.arange(config.block_channels) < 2
    window = Window(tuple(layer.kernel), 2, config.block_channels, config.beat_bytes)
    parts = [conv_stream(config, window, part, active, range(1))[0] for part in split_weights(config, weights)]
    data = b"".join([*parts, parameter_records(layer, folded, first, count), trailer])
    return TileStream(data, (0,) * len(parts), min(count, len(layer.bias) - first), sum(map(len, parts)) - config.beat_bytes)
