# SPDX-License-Identifier: BSD-2-Clause
"""Reads the file of weights that Deep Compression (Han, Mao, Dally, ICLR 2016) made of a network of convolutions.

All numbers are little-endian. First uint32 for each layer: how many weights it stores. Then layer by layer: a codebook of 256 float32, a bias
float32 for each filter, a uint8 code for each stored weight, and its distance to the one before in 4 bits, low half of a byte first: how many
zeros lie between. Where 15 zeros do not suffice, a weight of value 0 is stored.
"""

from pathlib import Path

import numpy as np

from accel.errors import UserError

_CODES = 256


def read_compressed(path, layers):
    """Return {"<layer>.weight": float32 [O, I, H, W], "<layer>.bias": float32 [O]} of the file `path` for {layer: shape [O, I, H, W]} in its order.

    Raises UserError where the file cannot be read, ends too early or too late, or stores weights outside their layer.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"cannot read the weights file {path}: {error}") from error
    position = 0

    def take(dtype, count):
        nonlocal position
        size = np.dtype(dtype).itemsize * count
        if position + size > len(data):
            raise UserError(f"{path} ends after {len(data)} bytes: it is truncated, or no compressed file of this network")
        values = np.frombuffer(data, dtype, count, position)
        position += size
        return values

    arrays = {}
    for (layer, shape), stored in zip(layers.items(), take("<u4", len(layers)).tolist(), strict=True):
        codebook, bias, codes = take("<f4", _CODES), take("<f4", shape[0]), take("u1", stored)
        halves = take("u1", (stored + 1) // 2)
        runs = np.stack((halves & 15, halves >> 4), axis=1).reshape(-1)[:stored]
        places = np.cumsum(runs.astype(np.int64) + 1) - 1
        weights = np.zeros(np.prod(shape), np.float32)
        if stored and places[-1] >= len(weights):
            raise UserError(f"{path} stores a weight at place {places[-1]} of {layer}, which has {len(weights)}: "
                            "it is no compressed file of this network")
        weights[places] = codebook[codes]
        arrays |= {f"{layer}.weight": weights.reshape(shape), f"{layer}.bias": bias}
    if position != len(data):
        raise UserError(f"{path} has {len(data)} bytes, of which the network's weights are {position}: it is no compressed file of this network")
    return arrays
