#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""How well arty-35 does single layers: cycles of the whole SoC in litex_sim, LiteDRAM's model included, outputs exact."""

import argparse
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from accel.config import CONFIGS
from accel.errors import UserError
from bench.bars import Bar, add_options, chosen, conclude
from bench.soc_runs import cycles_table, run_networks
from nets.synthetic import convolution_network, fully_connected_network
from targets.console import console

CONFIG = CONFIGS["arty-35"]
FC_SIDE = 4096
MASKED = (16, 16, 128, 128)  # height, width, input and output channels
COLUMNS, BLOCK, LANES = CONFIG.columns, CONFIG.block_channels, CONFIG.lanes


def _dynamic(name, kept):
    """A convolution with a run-time mask for the whole layer that leaves `kept` of each 32 input channels, others in each block."""
    rng, mask = np.random.default_rng(1), np.zeros(MASKED[2], bool)
    for low in range(0, len(mask), BLOCK):
        mask[low + rng.permutation(BLOCK)[:kept]] = True
    return convolution_network(name, *MASKED, zero_point=-128, dynamic_mask=mask)


# Name -> function of the name that makes the network. Rows share what they have in common.
NETWORKS = {
    "conv3x3-64": partial(convolution_network, height=32, width=32, inputs=64, outputs=64),
    "conv3x3-16": partial(convolution_network, height=32, width=32, inputs=16, outputs=16),
    "conv3x3-rgb": partial(convolution_network, height=32, width=32, inputs=3, outputs=64),
    "conv3x3-256": partial(convolution_network, height=8, width=8, inputs=256, outputs=256),
    "conv3x3-13": partial(convolution_network, height=13, width=13, inputs=384, outputs=384),
    "conv1x1-128": partial(convolution_network, height=16, width=16, inputs=128, outputs=128, kernel=1),
    "conv11x11-s4": partial(convolution_network, height=227, width=227, inputs=3, outputs=96, kernel=11, stride=4, padding=0),
    "conv5x5-g2": partial(convolution_network, height=27, width=27, inputs=96, outputs=256, kernel=5, groups=2),
    "fc-4096": partial(fully_connected_network, inputs=FC_SIDE, outputs=FC_SIDE),
    "mask-dense": lambda name: convolution_network(name, *MASKED),
    "mask-50": lambda name: convolution_network(name, *MASKED, kept=16),
    "mask-25": lambda name: convolution_network(name, *MASKED, kept=8),
    "mask-random-50": lambda name: convolution_network(name, *MASKED, probability=1 / 2),
    "mask-random-25": lambda name: convolution_network(name, *MASKED, probability=1 / 4),
    "mask-dynamic-dense": lambda name: _dynamic(name, BLOCK),
    "mask-dynamic-50": lambda name: _dynamic(name, BLOCK // 2),
    "maxpool-fused": partial(convolution_network, height=32, width=32, inputs=64, outputs=64, pool=True),
}


def utilisation(layer):
    """Return products done / cycles / MACs per cycle of the grid."""
    return layer.report["macs_done"] / layer.cycles / CONFIG.macs_per_cycle


def weight_rate(layer):
    """Return weight bytes / cycles / 16 of a fully connected layer."""
    return FC_SIDE * FC_SIDE / layer.cycles / 16


def over_density(density):
    """Return the figure cycles / (density x dense cycles)."""
    return lambda masked, dense: masked.cycles / (density * dense.cycles)


def channels_set(weights):
    """Return int [tiles, blocks]: how many input channels of each block of 32 each tile of 16 filters keeps; weights [outputs, height, width, inputs]."""
    used = weights.any(axis=(1, 2)).reshape(-1, COLUMNS, weights.shape[3]).any(axis=1)
    return used.reshape(len(used), -1, BLOCK).sum(axis=2)


def over_steps(masked, dense):
    """Return (cycles / dense cycles) / (steps of 4 channels that the masks leave / steps of the dense layer)."""
    steps = [np.ceil(channels_set(layer.network.layers[0].weights) / LANES).sum() for layer in (masked, dense)]
    return float(masked.cycles / dense.cycles / (steps[0] / steps[1]))


def pool_cost(pooled, convolution):
    """Return cycles with the pool / cycles without, minus 1."""
    return pooled.cycles / convolution.cycles - 1


@dataclass(frozen=True)
class Row:
    """A bar: `figure` is called with the Measured of `networks`, names of NETWORKS, and must be at least (or at most) `asked`."""

    asked: float
    unit: str
    better: str
    networks: tuple
    figure: object


def _utilisation_row(name, asked):
    return Row(asked, "utilisation", "higher", (name,), utilisation)


_DENSITY, _STEPS = "cycles / (density x dense cycles)", "(cycles / dense cycles) / (steps / dense steps)"
ROWS = {
    **{name: _utilisation_row(name, asked) for name, asked in (
        ("conv3x3-64", 0.90), ("conv3x3-16", 0.85), ("conv3x3-rgb", 0.68), ("conv3x3-256", 0.88), ("conv3x3-13", 0.85), ("conv1x1-128", 0.85),
        ("conv11x11-s4", 0.75), ("conv5x5-g2", 0.90))},
    "fc-4096": Row(0.85, "fraction of 16 B/cycle", "higher", ("fc-4096",), weight_rate),
    "mask-50": Row(1.05, _DENSITY, "lower", ("mask-50", "mask-dense"), over_density(0.50)),
    "mask-25": Row(1.05, _DENSITY, "lower", ("mask-25", "mask-dense"), over_density(0.25)),
    "mask-random-50": Row(1.05, _STEPS, "lower", ("mask-random-50", "mask-dense"), over_steps),
    "mask-random-25": Row(1.05, _STEPS, "lower", ("mask-random-25", "mask-dense"), over_steps),
    "mask-dynamic-50": Row(1.15, _DENSITY, "lower", ("mask-dynamic-50", "mask-dynamic-dense"), over_density(0.50)),
    "maxpool-fused": Row(0.03, "cycles with pool / cycles of conv3x3-64 - 1", "lower", ("maxpool-fused", "conv3x3-64"), pool_cost),
}


def bars_of(names, measured):
    """Return the Bars of rows from {network's name: Measured}."""
    rows = [(name, ROWS[name]) for name in names]
    return [Bar(name, CONFIG.name, row.asked, row.figure(*(measured[network] for network in row.networks)), row.unit, row.better) for name, row in rows]


def main(words=None):
    """Print the bars that the command line asks for, and where the cycles went; returns the exit status."""
    parser = argparse.ArgumentParser(prog="bench/kernels.py", description=__doc__)
    add_options(parser, ROWS)
    parser.add_argument("--jobs", type=int, default=2, help="simulations at a time (default: %(default)s)")
    arguments = parser.parse_args(words)
    try:
        if arguments.jobs < 1:
            raise UserError(f"--jobs must be at least 1, not {arguments.jobs}")
        names = chosen(arguments, ROWS)
        needed = dict.fromkeys(network for name in names for network in ROWS[name].networks)
        measured = run_networks([NETWORKS[name](name) for name in needed], CONFIG, arguments.jobs)
        console().print(cycles_table(measured.values()))
        return conclude(bars_of(names, measured), arguments.json)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
