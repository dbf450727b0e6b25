# SPDX-License-Identifier: BSD-2-Clause
"""Structured filter pruning (SFP) of a defined network: which filters and connections go, and the smaller network. Knows no framework."""

from dataclasses import dataclass, replace
from math import ceil, lcm

import numpy as np

from accel.errors import UserError
from nets.definition import Convolution, Definition
from nets.prune import BLOCK, COLUMNS, UNIT, keep_filters, quad_mask


@dataclass(frozen=True)
class Cut:
    """A network without some filters: its `definition`; for each layer with weights the `outputs` that stay of the larger network's.

    `inputs` are, for each group of a layer, the indices of the input channels within the group that stay.
    """

    definition: Definition
    outputs: dict
    inputs: dict

    def weights(self, layer, weights):
        """Return the part of weights [O, H, W, I] of layer `layer` that stays."""
        kept, groups = self.outputs[layer], self.inputs[layer]
        parts = np.array_split(kept, len(groups))
        return np.concatenate([weights[part][..., channels] for part, channels in zip(parts, groups, strict=True)])


def prunable(definition):
    """Return the layers whose connections can be pruned: not those that read one unit of channels only, nor the last one, which gives the classes."""
    return tuple(layer for layer in definition.weighted[:-1] if layer.op != Convolution.op or definition.weights_shape(layer)[3] > UNIT)


def connection_masks(definition, weights, density):
    """Return {layer: bool [outputs, inputs of a group]} for the prunable layers: which connections stay.

    weights: {layer: [O, H, W, I of a group]}, batch norm folded in so that magnitudes compare; the inputs of a fully connected layer are those of
    all places, [outputs, height * width * channels]. density: share of each layer's connections that
    stay, 0 to 1, rounded up to units: for each tile of 16 filters 4 of each 32 input channels. Raises UserError for a density that is none.
    """
    check_share("density", density)
    masks = {}
    for layer in prunable(definition):
        values, groups, block = weights[layer.name], getattr(layer, "groups", 1), BLOCK
        if not isinstance(layer, Convolution):
            # In memory the channels of a plane lie together: a block of a map of several places is one plane at two of them.
            block = BLOCK if values.shape[1:3] == (1, 1) else COLUMNS
            values = values.reshape(len(values), 1, 1, -1)
        masks[layer.name] = quad_mask(values, density, COLUMNS, block, groups)
    return masks


def scheduled_density(target, epoch, epochs):
    """Return the density in `epoch` of `epochs`: from 1 down to `target` over the first half, fast at first (a cubic, as Zhu and Gupta, 2017)."""
    done = min(1.0, (epoch + 1) / max(1, epochs // 2))
    return target + (1 - target) * (1 - done) ** 3


def cut_filters(definition, weights, share):
    """Return the Cut that keeps the most salient `share` of each convolution's filters, rounded up to what the hardware fills; the last keeps all.

    weights as in `connection_masks`. Branches keep as many filters each, in multiples of 4, since the next layer's groups are as wide; a layer keeps
    a multiple of 16. Raises UserError for a share that is none, and where a concatenation leads to groups.
    """
    check_share("share of filters", share)
    kept, layers = {definition.input: np.arange(definition.input_shape[2])}, []
    outputs, inputs = {}, {}
    for layer in definition.layers:
        if layer.op == "concat":
            starts = np.cumsum([0, *(definition.shapes[source][2] for source in layer.inputs)])
            kept[layer.output] = np.concatenate([start + kept[source] for start, source in zip(starts, layer.inputs)])
        elif layer.op in ("conv2d", "fully_connected"):
            groups = getattr(layer, "groups", 1)
            channels = definition.shapes[layer.input][2]
            inputs[layer.name] = _within_groups(kept[layer.input], channels, groups)
            outputs[layer.name] = kept[layer.output] = _kept_outputs(definition, layer, weights[layer.name], share)
            layer = replace(layer, outputs=len(kept[layer.output]))
        else:
            kept[layer.output] = kept[layer.input]
        layers.append(layer)
    return Cut(Definition(definition.name, definition.input_shape, tuple(layers)), outputs, inputs)


def check_share(what, share):
    """Raise UserError where `share` is not above 0 and at most 1."""
    if not 0 < share <= 1:
        raise UserError(f"the {what} must be above 0 and at most 1, not {share}")


def _within_groups(kept, channels, groups):
    width = channels // groups
    return [kept[kept // width == group] - group * width for group in range(groups)]


def _kept_outputs(definition, layer, weights, share):
    total = len(weights)
    if layer.op != "conv2d" or layer == definition.weighted[-1] or share == 1:
        return np.arange(total)
    sections = lcm(layer.groups, *_reading_groups(definition, layer.output))
    step = lcm(COLUMNS, UNIT * sections)
    count = min(total, step * ceil(share * total / step))
    if total % sections or count % sections:
        return np.arange(total)
    width = total // sections
    return np.concatenate([first + keep_filters(weights[first:first + width], count // sections) for first in range(0, total, width)])


def _reading_groups(definition, tensor):
    """Return the groups of all convolutions that read `tensor`, through pools too."""
    groups = []
    for layer in definition.readers(tensor):
        if layer.op == "conv2d":
            groups.append(layer.groups)
        elif layer.op == "concat":
            if any(number > 1 for number in _reading_groups(definition, layer.output)):
                raise UserError(f"layer {layer.name!r} leads to a convolution with groups, which could not stay as wide as each other")
        elif layer.op != "fully_connected":
            groups += _reading_groups(definition, layer.output)
    return groups
