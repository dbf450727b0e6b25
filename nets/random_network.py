# SPDX-License-Identifier: BSD-2-Clause
"""A definition with random weights: a network to measure where there is no trained one."""

from dataclasses import replace

from compiler.numbers import quantize_multiplier
from nets.builder import Builder
from nets.sfp import connection_masks


def random_network(definition, seed=0, density=1.0):
    """Return the compiler's Network of a Definition: its shapes, random weights, numbers such that outputs use their range.

    density: share of each layer's connections that pruning, as in nets.sfp, leaves.
    """
    network = _dense(definition, seed)
    masks = {} if density == 1 else connection_masks(definition, {layer.name: layer.weights for layer in network.layers if _weighted(layer)}, density)
    layers = tuple(_masked(layer, masks[layer.name], density) if layer.name in masks else layer for layer in network.layers)
    return replace(network, layers=layers)


def _weighted(layer):
    return layer.op in ("conv2d", "fully_connected")


def _masked(layer, mask, density):
    """Return a layer without the connections that the mask clears, its outputs as large as before."""
    weights = layer.weights
    kept = weights * (mask[:, None, None, :] if layer.op == "conv2d" else mask.reshape(weights.shape))
    larger = [quantize_multiplier(multiplier * 2.0 ** (shift - 31) / density ** 0.5)
              for multiplier, shift in zip(layer.multipliers.tolist(), layer.shifts.tolist(), strict=True)]
    multipliers, shifts = zip(*larger, strict=True)
    return replace(layer, weights=kept, multipliers=multipliers, shifts=shifts)


def _dense(definition, seed):
    build = Builder(definition.name, *definition.input_shape, seed)
    for layer in definition.layers:
        if layer.op == "conv2d":
            build.convolution(layer.name, layer.input, layer.outputs, layer.kernel, layer.stride, layer.relu, layer.groups, layer.padding)
        elif layer.op == "fully_connected":
            build.dense(layer.name, layer.input, layer.outputs, layer.relu)
        elif layer.op == "max_pool2d":
            build.max_pool(layer.name, layer.input, layer.window, layer.stride, layer.padding)
        elif layer.op == "average_pool2d":
            build.global_average(layer.name, layer.input)
        else:
            build.concatenation(layer.name, *layer.inputs)
    return build.network()
