# SPDX-License-Identifier: BSD-2-Clause
"""The weight stream of an output tile: parameters, channel masks, and the weights of the channels that take part."""

from dataclasses import dataclass

import numpy as np

from accel.errors import UserError
from compiler.numbers import wrap32


@dataclass(frozen=True)
class TileStream:
    """One CONV's part of the stream. `steps` lists for each step how many channels it has; `columns` is CONV.columns."""

    data: bytes
    steps: tuple
    columns: int


def tile_weights(layer, first, count):
    """Return int8 [kernel height, kernel width, input channels, count]: output channels first..., zero beyond the layer's and outside the group."""
    outputs, height, width, group_inputs = layer.weights.shape
    group_outputs = outputs // layer.groups
    weights = np.zeros((height, width, group_inputs * layer.groups, count), np.int8)
    for column, k in enumerate(range(first, min(first + count, outputs))):
        low = k // group_outputs * group_inputs
        weights[:, :, low:low + group_inputs, column] = layer.weights[k]
    return weights


def check_accumulator(layer, config):
    """Raise UserError where a partial sum could exceed the configuration's accumulator."""
    worst = int(np.abs(layer.weights.astype(np.int64)).sum(axis=(1, 2, 3)).max()) * 128
    if worst >= 1 << (config.accumulator_bits - 1):
        raise UserError(f"layer {layer.name!r}: a partial sum could reach {worst}, which does not fit the {config.accumulator_bits} bits "
                        f"of an accumulator of {config.name}; use a configuration with wider accumulator_bits")


def parameter_records(layer, input_zero_point, first, columns):
    """Return the parameters of output channels first... as 16-byte records; the input's zero point is folded into the bias."""
    records = np.zeros(columns, np.dtype([("bias", "<i4"), ("multiplier", "<i4"), ("shift", "i1"), ("unused", "V7")]))
    valid = slice(first, min(first + columns, len(layer.bias)))
    count = valid.stop - valid.start
    if count > 0:
        sums = layer.weights[valid].astype(np.int64).sum(axis=(1, 2, 3))
        records["bias"][:count] = wrap32(layer.bias[valid] - input_zero_point * sums)
        records["multiplier"][:count] = layer.multipliers[valid]
        records["shift"][:count] = layer.shifts[valid]
    return records.tobytes()


def tile_stream(config, layer, input_zero_point, first, sets, blocks, with_parameters):
    """Return the TileStream of `sets` weight sets from output channel `first` on, over the input blocks in range `blocks`.

    A channel takes part where any weight of the tile at any kernel position is not 0; sets of a channel split share the mask.
    """
    size = config.block_channels
    weights = [tile_weights(layer, first + s * config.columns, config.columns) for s in range(sets)]
    parts = [parameter_records(layer, input_zero_point, first + s * config.columns, config.columns) for s in range(sets)] \
        if with_parameters else []
    active = np.any([w.any(axis=(0, 1, 3)) for w in weights], axis=0)
    active = np.pad(active, (0, blocks.stop * size - len(active) if blocks.stop * size > len(active) else 0))
    steps = []
    for place, block in enumerate(blocks):
        if place % config.masks_per_header == 0:
            parts.append(_header(config, active, range(block, min(block + config.masks_per_header, blocks.stop))))
        channels = block * size + np.flatnonzero(active[block * size:(block + 1) * size])
        if len(channels):
            beats = np.stack([w[:, :, channels] for w in weights], axis=3)
            parts.append(beats.tobytes())
            per_tap = [config.lanes] * (len(channels) // config.lanes) + [len(channels) % config.lanes] * (len(channels) % config.lanes > 0)
            steps += per_tap * (layer.kernel[0] * layer.kernel[1])
    outputs = max(0, min(sets * config.columns, len(layer.bias) - first))
    return TileStream(b"".join(parts), tuple(steps), outputs)


def _header(config, active, blocks):
    header = 0
    for place, block in enumerate(blocks):
        for k in np.flatnonzero(active[block * config.block_channels:(block + 1) * config.block_channels]):
            header |= 1 << place * config.block_channels + int(k)
    return header.to_bytes(config.header_beats * config.beat_bytes, "little")
