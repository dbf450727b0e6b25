# SPDX-License-Identifier: BSD-2-Clause
"""Dynamic feature pruning of a network: which tensors it may be done to, what is known of their feature maps, and what it does to each reader.

A feature map none of whose numbers exceeds its tensor's zero point by more than a threshold counts as the zero point for the convolutions that read
the tensor. Which of them heed it on a configuration is for compiler/dynamic.py to choose.
"""

from dataclasses import dataclass

import numpy as np

from accel.errors import UserError
from compiler.depthwise import runs_depthwise
from compiler.eliminate import tensor_bounds
from compiler.ir import Conv2D, FullyConnected
from compiler.reference import cleared, execute

MOST_THRESHOLD = 255
NEVER = -129
# Images by which it is judged how often maps take part: of few, the next ones differ.
LOOKED_AT = 32


@dataclass(frozen=True)
class Pruning:
    """`thresholds` {tensor: 0 to 255, in steps of its numbers}; `kept` {tensor: float [channels]}, the share of images that each map is expected to
    take part in."""

    thresholds: dict
    kept: dict

    @property
    def exact(self):
        """Whether no output changes: only maps that are wholly at the zero point are left out."""
        return not any(self.thresholds.values())


def candidates(network):
    """Return {tensor: the sentence's end that says why its maps cannot be pruned, or None where they can} of all tensors that convolutions read."""
    bounds, found = tensor_bounds(network), {}
    for layer in network.layers:
        if isinstance(layer, Conv2D):
            found[layer.input] = None
            if layer.input == network.input:
                found[layer.input] = "it is the image"
            elif bounds[layer.input][0].min() < network.tensors[layer.input].zero_point:
                found[layer.input] = "its numbers can lie below the zero point"
    return found


def heeds(layer):
    """Whether `layer` is a convolution for which maps of its input can be left out: fully connected and depthwise ones read all."""
    return isinstance(layer, Conv2D) and not isinstance(layer, FullyConnected) and not runs_depthwise(layer) and layer.dynamic_mask is None


def prunable(network):
    """Return {tensor: its convolutions that can leave maps out} of the tensors that pruning can be done to, in the network's order."""
    able = [name for name, why in candidates(network).items() if why is None]
    readers = {name: [layer for layer in network.readers(name) if heeds(layer)] for name in able}
    return {name: layers for name, layers in readers.items() if layers}


def limits_of(network, name, threshold, bounds=None):
    """Return int [channels]: the largest number at which each map of tensor `name` is cleared; NEVER where a map is the same for every image but not
    at the zero point, since the compiler has put it into its readers' biases.

    bounds: those of tensor_bounds(network), where they are known. Raises UserError where the threshold is out of range.
    """
    if not 0 <= threshold <= MOST_THRESHOLD:
        raise UserError(f"the threshold of {name!r} is {threshold}, but it must be 0 to {MOST_THRESHOLD}")
    low, high = (bounds or tensor_bounds(network))[name]
    zero_point = network.tensors[name].zero_point
    return np.where((low == high) & (low != zero_point), NEVER, min(zero_point + threshold, 127))


def reader_limits(network, thresholds):
    """Return {name of a convolution: limits as the reference takes them} where every reader that can heeds the {tensor: threshold}."""
    bounds, readers = tensor_bounds(network), prunable(network)
    return {layer.name: limits_of(network, name, threshold, bounds) for name, threshold in thresholds.items() for layer in readers.get(name, ())}


def exact_pruning(network, images):
    """Return the Pruning with threshold 0 everywhere, what is expected taken from LOOKED_AT of int8 `images` [N, H, W, C], evenly spread, or all."""
    tensors, bounds = prunable(network), tensor_bounds(network)
    values = execute(network, images[np.linspace(0, len(images) - 1, min(len(images), LOOKED_AT)).round().astype(int)])
    kept = {name: 1 - cleared(values[name], limits_of(network, name, 0, bounds)).mean(axis=0) for name in tensors}
    return Pruning(dict.fromkeys(tensors, 0), kept)
