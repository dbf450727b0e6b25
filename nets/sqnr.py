# SPDX-License-Identifier: BSD-2-Clause
"""How far the quantised network's tensors are from the float network's: the ratio of signal to quantisation noise."""

import math

import numpy as np

from compiler.reference import execute
from nets.float_run import run_float
from nets.quantise import dequantise, quantise_activations

_BATCH = 8


def sqnr(float_network, network, images):
    """Return {tensor: dB} for float `images` [N, H, W, C], in the network's order: 10 log10 of the sum of squares over that of the differences.

    Tensors count that both networks have; a tensor without any difference has infinity, one that is 0 throughout and differs minus infinity.
    """
    info, signal, noise = network.tensors[network.input], {}, {}
    for first in range(0, len(images), _BATCH):
        batch = images[first:first + _BATCH]
        real = run_float(float_network, batch)
        numbers = execute(network, quantise_activations(batch, info.scale, info.zero_point))
        for name, values in numbers.items():
            if name in real:
                tensor = network.tensors[name]
                wanted = real[name].astype(np.float64)
                error = dequantise(values, tensor.scale, tensor.zero_point) - wanted
                signal[name] = signal.get(name, 0.0) + float((wanted ** 2).sum())
                noise[name] = noise.get(name, 0.0) + float((error ** 2).sum())
    return {name: _decibels(signal[name], noise[name]) for name in signal}


def _decibels(signal, noise):
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal else -math.inf
