# SPDX-License-Identifier: BSD-2-Clause
"""What the channel masks of output tiles leave of a network's work: an input that no filter of a tile has a weight for costs the tile nothing."""

from dataclasses import dataclass

import numpy as np

from compiler.depthwise import runs_depthwise
from compiler.eliminate import eliminate
from compiler.ir import Conv2D, FullyConnected


def has_masks(layer):
    """Whether `layer` is one whose tiles have channel masks: a convolution that is not depthwise."""
    return isinstance(layer, Conv2D) and not runs_depthwise(layer)


class Reads:
    """Which inputs the filters of a masked layer of a network have a weight for: `inputs` bool [outputs, positions, input channels].

    A mask bit holds for all of a convolution's window, which so has one position; a fully connected layer has one for each place of its map.
    `taps` are the weights behind each bit, `pixels` those of the output.
    """

    def __init__(self, network, layer):
        weights, groups = layer.weights, layer.groups
        found = weights != 0 if isinstance(layer, FullyConnected) else weights.any(axis=(1, 2), keepdims=True)
        found = found.reshape(len(weights), -1, weights.shape[3])
        if groups > 1:
            own = np.repeat(np.eye(groups, dtype=bool), len(weights) // groups, axis=0)
            found = (own[:, np.newaxis, :, np.newaxis] & found[:, :, np.newaxis, :]).reshape(*found.shape[:2], -1)
        height, width, _ = network.tensors[layer.output].shape
        self.inputs, self.taps, self.pixels = found, weights[0, ..., 0].size // found.shape[1], height * width

    def masks(self, columns, outputs=slice(None), channels=slice(None)):
        """Return bool [tiles, positions, input channels], what tiles of `columns` filters read, filters and channels being in the order given."""
        return np.logical_or.reduceat(self.inputs[outputs], np.arange(0, len(self.inputs), columns))[..., channels]

    def steps(self, config, masks, places):
        """Return the cycles that the grid takes for `masks`, a tile's pixels one by one: of each block's channels `lanes` at a time.

        places: of each input channel, as Placement has them (None: its number); the input lies in planes.
        """
        places = np.arange(masks.shape[2]) if places is None else np.array(places)
        planes = -(-(places.max() + 1) // config.columns)
        placed = np.zeros((*masks.shape[:2], planes * config.columns), bool)
        placed[..., places] = masks
        flat = placed.reshape(*masks.shape[:2], planes, config.columns).transpose(0, 2, 1, 3).reshape(len(masks), -1)
        flat = np.pad(flat, ((0, 0), (0, -flat.shape[1] % config.block_channels)))
        set_bits = flat.reshape(len(masks), -1, config.block_channels).sum(axis=2)
        return int((-(-set_bits // config.lanes)).sum()) * self.taps * self.pixels

    def macs(self, columns):
        """Return the products that masks of tiles of `columns` filters leave."""
        masks = self.masks(columns)
        filters = np.minimum(columns, len(self.inputs) - columns * np.arange(len(masks)))
        return int(masks.sum(axis=(1, 2)) @ filters) * self.taps * self.pixels


@dataclass(frozen=True)
class MaskUse:
    """Multiply-accumulates of one layer, or of several: `dense` ones, those of weights that are not 0 (`nonzero`), and what the masks leave with
    the channels in the network's own order (`given`) and in the compiler's (`ordered`). A tile with filters of two groups reads the channels of both:
    masks can leave more than there is in the dense layer."""

    name: str
    dense: int
    nonzero: int
    given: int
    ordered: int


def mask_use(network, ordered, columns):
    """Return [MaskUse] of the layers of `network` with masks, in order, for tiles of `columns` filters.

    `ordered` is the network that the compiler runs for it: `reduce_network(...).network`, or `lowered` of a CompiledModel. Positions in a layer's border padding count, in all four numbers.
    """
    variants = [(variant, {layer.name: layer for layer in variant.layers}) for variant in (eliminate(network).network, ordered)]
    uses = []
    for layer in filter(has_masks, network.layers):
        pixels = network.macs(layer) // layer.weights.size
        left = [Reads(variant, layers[layer.name]).macs(columns) for variant, layers in variants]
        uses.append(MaskUse(layer.name, network.macs(layer), pixels * int(np.count_nonzero(layer.weights)), *left))
    return uses


def total(uses):
    """Return the MaskUse of all of [MaskUse] together."""
    return MaskUse("all", *(sum(getattr(use, name) for use in uses) for name in ("dense", "nonzero", "given", "ordered")))
