#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""How well single layers and small stacks of them do: cycles of the whole SoC in litex_sim, LiteDRAM's model included, outputs exact."""

import sys
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from targets.venv import enter
    enter()

import numpy as np

from bench.bars import Bar, run_bars
from bench.soc_runs import cycles_table, run_networks
from bench.workloads import BLOCK, COLUMNS, FC_SIDE, LANES, RUNS, network_of
from targets.console import console


def utilisation(run):
    """Return products done / cycles / MACs per cycle of the grid."""
    return run.report["macs_done"] / run.cycles / run.config.macs_per_cycle


def weight_rate(layer):
    """Return weight bytes / cycles / 16 of a fully connected layer."""
    return FC_SIDE * FC_SIDE / layer.cycles / 16


def over_density(density):
    """Return the figure cycles / (density x dense cycles)."""
    return lambda masked, dense: masked.cycles / (density * dense.cycles)


def channels_set(weights):
    """Return int [tiles, blocks]: how many input channels of each block of 32 each tile of 16 filters keeps.

    weights: [outputs, height, width, inputs].
    """
    used = weights.any(axis=(1, 2)).reshape(-1, COLUMNS, weights.shape[3]).any(axis=1)
    return used.reshape(len(used), -1, BLOCK).sum(axis=2)


def over_steps(masked, dense):
    """Return (cycles / dense cycles) / (steps of 4 channels that the masks leave / steps of the dense layer)."""
    steps = [np.ceil(channels_set(layer.network.layers[0].weights) / LANES).sum() for layer in (masked, dense)]
    return float(masked.cycles / dense.cycles / (steps[0] / steps[1]))


def macs_per_cycle(run):
    """Return products done / cycles."""
    return run.report["macs_done"] / run.cycles


def total_cycles(run):
    """Return the cycles of a run."""
    return run.cycles


def mean_boundary(run):
    """Return the mean cycles between the last busy grid cycle of a layer and the first of the next."""
    layers = run.report["layers"]
    return float(np.mean([layer["idle_after"] + following["idle_before"] for layer, following in zip(layers, layers[1:])]))


def pool_cost(pooled, convolution):
    """Return cycles with the pool / cycles without, minus 1."""
    return pooled.cycles / convolution.cycles - 1


def batch_cost(batch, one):
    """Return the cycles of a run of a batch / those of a run of one image."""
    return batch.cycles / one.cycles


def cost_model_error(*runs):
    """Return the largest of |predicted cycles - cycles| / cycles over every layer of the runs that the accelerator computes."""
    pairs = [(layer["cycles_predicted"], cycles) for run in runs for layer, cycles in zip(run.report["layers"], run.layer_cycles, strict=True)
             if layer["where"] == "accel"]
    return max(abs(predicted - cycles) / cycles for predicted, cycles in pairs)


@dataclass(frozen=True)
class Row:
    """A bar: `figure` is called with the Measured of `runs`, names of RUNS, and must be at least (or at most) `asked`."""

    asked: float
    unit: str
    better: str
    runs: tuple
    figure: object

    @property
    def config(self):
        """Name of the configuration."""
        return RUNS[self.runs[0]].config


def _utilisation_row(name, asked):
    return Row(asked, "utilisation", "higher", (name,), utilisation)


_DENSITY, _STEPS = "cycles / (density x dense cycles)", "(cycles / dense cycles) / (steps / dense steps)"
ROWS = {
    **{name: _utilisation_row(name, asked) for name, asked in (
        ("conv3x3-64", 0.90), ("conv3x3-16", 0.85), ("conv3x3-rgb", 0.68), ("conv3x3-256", 0.88), ("conv3x3-13", 0.85), ("conv1x1-128", 0.85),
        ("conv11x11-s4", 0.75), ("conv5x5-g2", 0.90), ("residual-16", 0.85), ("concat-fire", 0.70), ("conv3x3-64@arty-100", 0.80))},
    "fc-4096": Row(0.85, "fraction of 16 B/cycle", "higher", ("fc-4096",), weight_rate),
    "fc-4096-b8": Row(1.25, "cycles of batch 8 / cycles of batch 1", "lower", ("fc-4096-b8", "fc-4096"), batch_cost),
    "mask-50": Row(1.05, _DENSITY, "lower", ("mask-50", "mask-dense"), over_density(0.50)),
    "mask-25": Row(1.05, _DENSITY, "lower", ("mask-25", "mask-dense"), over_density(0.25)),
    "mask-random-50": Row(1.05, _STEPS, "lower", ("mask-random-50", "mask-dense"), over_steps),
    "mask-random-25": Row(1.05, _STEPS, "lower", ("mask-random-25", "mask-dense"), over_steps),
    "mask-dynamic-50": Row(1.15, _DENSITY, "lower", ("mask-dynamic-50", "mask-dynamic-dense"), over_density(0.50)),
    "depthwise-64": Row(26, "MAC/cycle", "higher", ("depthwise-64",), macs_per_cycle),
    "avgpool-global": Row(1_500, "cycles", "lower", ("avgpool-global",), total_cycles),
    "resnet8-shapes": Row(115_000, "cycles", "lower", ("resnet8-shapes",), total_cycles),
    "resnet8-shapes@arty-100": Row(41_000, "cycles", "lower", ("resnet8-shapes@arty-100",), total_cycles),
    "layer-boundary@arty-100": Row(150, "cycles", "lower", ("resnet8-shapes@arty-100",), mean_boundary),
    "maxpool-fused": Row(0.03, "cycles with pool / cycles of conv3x3-64 - 1", "lower", ("maxpool-fused", "conv3x3-64"), pool_cost),
    "cost-model-error": Row(0.05, "max of |cycles predicted - cycles| / cycles over all layers", "lower", tuple(RUNS), cost_model_error),
}


def bars_of(names, measured):
    """Return the Bars of rows from {name of the run: Measured}."""
    return [Bar(name, ROWS[name].config, ROWS[name].asked, ROWS[name].figure(*(measured[run] for run in ROWS[name].runs)), ROWS[name].unit,
                ROWS[name].better) for name in names]


def measure(names, jobs):
    """Return {name: Measured} of runs, those of one configuration at a time."""
    measured = {}
    for config in dict.fromkeys(RUNS[name].config for name in names):
        own = [name for name in names if RUNS[name].config == config]
        measured |= run_networks([network_of(name) for name in own], config, jobs, [RUNS[name].batch for name in own])
    return measured


def measured_bars(names, jobs):
    """Measure what rows need, print where the cycles went, and return the Bars."""
    measured = measure(dict.fromkeys(run for name in names for run in ROWS[name].runs), jobs)
    console().print(cycles_table(measured.values()))
    return bars_of(names, measured)


def main(words=None):
    """Print the bars that the command line asks for; returns the exit status."""
    return run_bars("bench/kernels.py", __doc__, ROWS, measured_bars, words)


if __name__ == "__main__":
    sys.exit(main())
