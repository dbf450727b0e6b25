# SPDX-License-Identifier: BSD-2-Clause
"""The weight stream of an output tile: channel masks and the weights of the channels that take part, CONV by CONV, then parameters."""

from dataclasses import dataclass

import numpy as np

from accel.errors import UserError
from compiler.numbers import wrap32
from compiler.window import fill_gaps

PARAMETERS = np.dtype([("bias", "<i4"), ("multiplier", "<i4"), ("shift", "i1"), ("unused", "V7")])


@dataclass(frozen=True)
class TileStream:
    """All passes of one output tile. `convs` names the pass of each CONV in order; `columns` is CONV.columns; `last_weight` is the offset
    of the last beat of weights, or None where all masks are empty."""

    data: bytes
    convs: tuple
    columns: int
    last_weight: int | None


class Streamed:
    """What a plan with `streams`, one TileStream after the other in memory, knows of them."""

    @property
    def stream_bytes(self):
        """Size of all weight streams."""
        return sum(len(stream.data) for stream in self.streams)

    @property
    def last_weight(self):
        """Offset in the streams of the last beat of weights, or None where there are none."""
        end = self.stream_bytes
        for stream in reversed(self.streams):
            end -= len(stream.data)
            if stream.last_weight is not None:
                return end + stream.last_weight
        return None


def tile_weights(layer, first, count):
    """Return int8 [kernel height, kernel width, input channels, count]: output channels first..., zero beyond the layer's and outside the group."""
    outputs, height, width, group_inputs = layer.weights.shape
    group_outputs = outputs // layer.groups
    weights = np.zeros((height, width, group_inputs * layer.groups, count), np.int8)
    k, end = first, min(first + count, outputs)
    while k < end:
        group = k // group_outputs
        stop = min(end, (group + 1) * group_outputs)
        low = group * group_inputs
        weights[:, :, low:low + group_inputs, k - first:stop - first] = layer.weights[k:stop].transpose(1, 2, 3, 0)
        k = stop
    return weights


def check_accumulator(layer, config):
    """Raise UserError where a partial sum could exceed the configuration's accumulator."""
    worst = int(np.abs(layer.weights.astype(np.int64)).sum(axis=(1, 2, 3)).max()) * 128
    if worst >= 1 << (config.accumulator_bits - 1):
        raise UserError(f"layer {layer.name!r}: a partial sum could reach {worst}, which does not fit the {config.accumulator_bits} bits "
                        f"of an accumulator of {config.name}; use a configuration with wider accumulator_bits")


def split_weights(config, weights):
    """Return the addends of `weights` that the grid can multiply: one, or two where a weight is -128 and two share a multiplier."""
    if config.macs_per_multiplier == 1 or not (weights == -128).any():
        return [weights]
    return [np.maximum(weights, -127), np.where(weights == -128, np.int8(-1), np.int8(0))]


def tile_parts(config, layer, window, first, sets, whole_weights=False):
    """Return [(weights int8 [kernel height, kernel width, channels, sets * columns], mask bool [blocks * word])] of a tile, in CONV order.

    A channel takes part where any weight of the tile at any kernel position is not 0; sets of a channel split share the mask.
    whole_weights: one part, whatever the grid can multiply.
    """
    parts, weights = [], window.reshape(tile_weights(layer, first, sets * config.columns))
    for weights in [weights] if whole_weights else split_weights(config, weights):
        active = weights.any(axis=(0, 1, 3))
        active = np.pad(active, (0, window.blocks * window.word - len(active)))
        parts.append((weights, fill_gaps(config, active) if window.packed else active))
    return parts


def parameter_records(layer, folded_zero_point, first, columns):
    """Return the parameters of output channels first... as 16-byte records; the input's zero point is folded into the bias (0: it is not)."""
    records = np.zeros(columns, PARAMETERS)
    valid = slice(first, min(first + columns, len(layer.bias)))
    count = valid.stop - valid.start
    if count > 0:
        sums = layer.weights[valid].astype(np.int64).sum(axis=(1, 2, 3))
        records["bias"][:count] = wrap32(layer.bias[valid] - folded_zero_point * sums)
        records["multiplier"][:count] = layer.multipliers[valid]
        records["shift"][:count] = layer.shifts[valid]
    return records.tobytes()


def tile_stream(config, layer, window, zero_point, first, sets, passes, whole_weights=False, trailer=b""):
    """Return the TileStream of `sets` weight sets from output channel `first` on; `passes` are ranges of input blocks.

    A pass without a set mask bit has no CONV, unless all are so. A layer with a dynamic mask keeps its bias: the drain subtracts the zero
    point's share of what took part. whole_weights: see tile_parts. `trailer` ends the stream.
    """
    parts = tile_parts(config, layer, window, first, sets, whole_weights)
    chunks, convs, size, last_weight = [], [], 0, None
    for index, blocks in enumerate(passes):
        for weights, active in parts:
            if active[blocks.start * window.word:blocks.stop * window.word].any():
                data, last = conv_stream(config, window, weights, active, blocks)
                last_weight = size + last
                size += len(data)
                chunks.append(data)
                convs.append(index)
    if not convs:
        chunks.append(conv_stream(config, window, *parts[0], passes[0])[0])
        convs.append(0)
    chunks.append(parameter_records(layer, 0 if layer.dynamic_mask is not None else zero_point, first, sets * config.columns))
    chunks.append(trailer)
    outputs = max(0, min(sets * config.columns, len(layer.bias) - first))
    return TileStream(b"".join(chunks), tuple(convs), outputs, last_weight)


def conv_stream(config, window, weights, active, blocks):
    """Return the masks and weights of one CONV over a range of blocks, and the offset of the last beat of weights (None: there is none)."""
    data, last = bytearray(), None
    for place, block in enumerate(blocks):
        if place % config.masks_per_header == 0:
            data += _header(config, active, range(block, min(block + config.masks_per_header, blocks.stop)))
        channels = block * window.word + np.flatnonzero(active[block * window.word:(block + 1) * window.word])
        if len(channels):
            data += _columns_of(weights, channels).tobytes()
            last = len(data) - config.beat_bytes
    return bytes(data), last


def _columns_of(weights, channels):
    """Return weights[:, :, channels]; filler bits beyond the window's last channel weigh nothing."""
    beyond = channels >= weights.shape[2]
    if not beyond.any():
        return weights[:, :, channels]
    chosen = weights[:, :, np.where(beyond, 0, channels)]
    chosen[:, :, beyond] = 0
    return chosen


def _header(config, active, blocks):
    header = 0
    for place, block in enumerate(blocks):
        for k in np.flatnonzero(active[block * config.block_channels:(block + 1) * config.block_channels]):
            header |= 1 << place * config.block_channels + int(k)
    return header.to_bytes(config.beat_bytes, "little")
