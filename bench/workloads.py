# SPDX-License-Identifier: BSD-2-Clause
"""What bench/kernels.py runs: synthetic networks, each on a configuration."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from accel.config import CONFIGS
from nets import shapes
from nets.synthetic import convolution_network, fully_connected_network

_GRID = CONFIGS["arty-35"]
FC_SIDE = 4096
MASKED = (16, 16, 128, 128)  # height, width, input and output channels
COLUMNS, BLOCK, LANES = _GRID.columns, _GRID.block_channels, _GRID.lanes


@dataclass(frozen=True)
class Run:
    """One image through the network that `build(name)` makes, on the configuration of that name."""

    build: Callable
    config: str = _GRID.name


def network_of(name):
    """Return the network of the run `name`."""
    return RUNS[name].build(name)


def _named(build):
    """Return the function of a name that gives the network of build() that name."""
    return lambda name: replace(build(), name=name)


def _dynamic(name, kept):
    """A convolution with a run-time mask for the whole layer that leaves `kept` of each 32 input channels, others in each block."""
    rng, mask = np.random.default_rng(1), np.zeros(MASKED[2], bool)
    for low in range(0, len(mask), BLOCK):
        mask[low + rng.permutation(BLOCK)[:kept]] = True
    return convolution_network(name, *MASKED, zero_point=-128, dynamic_mask=mask)


# What is run, by the name that its network gets. Rows share what they have in common.
RUNS = {
    "conv3x3-64": Run(partial(convolution_network, height=32, width=32, inputs=64, outputs=64)),
    "conv3x3-64@arty-100": Run(partial(convolution_network, height=32, width=32, inputs=64, outputs=64), "arty-100"),
    "conv3x3-16": Run(partial(convolution_network, height=32, width=32, inputs=16, outputs=16)),
    "conv3x3-rgb": Run(partial(convolution_network, height=32, width=32, inputs=3, outputs=64)),
    "conv3x3-256": Run(partial(convolution_network, height=8, width=8, inputs=256, outputs=256)),
    "conv3x3-13": Run(partial(convolution_network, height=13, width=13, inputs=384, outputs=384)),
    "conv1x1-128": Run(partial(convolution_network, height=16, width=16, inputs=128, outputs=128, kernel=1)),
    "conv11x11-s4": Run(partial(convolution_network, height=227, width=227, inputs=3, outputs=96, kernel=11, stride=4, padding=0)),
    "conv5x5-g2": Run(partial(convolution_network, height=27, width=27, inputs=96, outputs=256, kernel=5, groups=2)),
    "depthwise-64": Run(_named(shapes.depthwise_network)),
    "residual-16": Run(_named(shapes.residual_network)),
    "avgpool-global": Run(_named(shapes.global_average_network)),
    "concat-fire": Run(_named(shapes.fire_network)),
    "resnet8-shapes": Run(_named(shapes.resnet8_network)),
    "resnet8-shapes@arty-100": Run(_named(shapes.resnet8_network), "arty-100"),
    "fc-4096": Run(partial(fully_connected_network, inputs=FC_SIDE, outputs=FC_SIDE)),
    "mask-dense": Run(lambda name: convolution_network(name, *MASKED)),
    "mask-50": Run(lambda name: convolution_network(name, *MASKED, kept=16)),
    "mask-25": Run(lambda name: convolution_network(name, *MASKED, kept=8)),
    "mask-random-50": Run(lambda name: convolution_network(name, *MASKED, probability=1 / 2)),
    "mask-random-25": Run(lambda name: convolution_network(name, *MASKED, probability=1 / 4)),
    "mask-dynamic-dense": Run(lambda name: _dynamic(name, BLOCK)),
    "mask-dynamic-50": Run(lambda name: _dynamic(name, BLOCK // 2)),
    "maxpool-fused": Run(partial(convolution_network, height=32, width=32, inputs=64, outputs=64, pool=True)),
}
