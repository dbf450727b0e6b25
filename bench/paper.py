#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The paper's tables with our columns: networks counted, whole images in litex_sim (random weights, outputs exact), beside the published figures;
and a real network with dynamic feature pruning."""

import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from accel.config import CONFIGS
from bench import dfp
from bench.bars import Bar, run_bars
from bench.paper_tables import networks_table, operations_rate, prior_table, saved, speed_table
from bench.soc_runs import cycles_table, run_networks
from bench.sparse_alexnet import masks_table
from compiler.program import compile_network
from nets.definition import Definition, Draft
from nets.paper import BASELINES, define
from nets.random_network import random_network
from targets.console import console

CONFIG = "arty-35"
# Of the weights of alexnet-fc, what pruning leaves.
FC_DENSITY = 0.25
_BEAT, _PARAMETERS = 16, 16


def alexnet_convolutions():
    """Return AlexNet's conv1 to conv5 without groups, with the two max pools between them; pool5 and the response normalisations are left out."""
    whole = define("alexnet")
    names = [layer.name for layer in whole.layers]
    return Definition("alexnet-convs", whole.input_shape, whole.layers[:names.index("conv5") + 1])


def alexnet_fully_connected():
    """Return AlexNet's three fully connected layers."""
    draft = Draft("alexnet-fc", 6, 6, 256)
    draft.dense("fc8", draft.dense("fc7", draft.dense("fc6", "input", 4096, relu=True), 4096, relu=True), 1000)
    return draft.definition()


RUNS = {"vgg-d": partial(define, "vgg-d"), "sparse-vgg-d": partial(define, "sparse-vgg-d"), "alexnet-convs": alexnet_convolutions,
        "alexnet-fc": alexnet_fully_connected}


def network_of(name):
    """Return the compiler's Network of the run `name`, with random weights."""
    return replace(random_network(RUNS[name](), density=FC_DENSITY if name == "alexnet-fc" else 1.0), name=name)


def weight_bytes(network):
    """Return how many bytes of weights and channel masks a network's streams hold: all but the 16 bytes of parameters of each output."""
    layers = [layer for layer in compile_network(network, CONFIGS[CONFIG]).layers if layer.plan is not None]
    streams = sum(len(stream.data) for layer in layers for stream in layer.plan.streams)
    return streams - _PARAMETERS * sum(network.tensors[layer.output].channels for layer in layers)


def weight_rate(run):
    """Return the share of 16 B/cycle that the weights and masks of a Measured took; weights that pruning removed do not count."""
    return weight_bytes(run.network) / _BEAT / run.cycles


@dataclass(frozen=True)
class Row:
    """A bar on the Measured of the run of its own name, or, where `counted` is (network, what), on what a reduced network saves."""

    asked: float
    unit: str
    better: str
    figure: object = None
    counted: tuple = ()


def _saving(network, what, asked):
    return Row(asked, f"share of the {what} of {BASELINES[network]} saved", "higher", counted=(network, what))


ROWS = {
    "sparse-vgg-a-macs": _saving("sparse-vgg-a", "macs", 0.50), "sparse-vgg-a-parameters": _saving("sparse-vgg-a", "parameters", 0.90),
    "sparse-vgg-d-macs": _saving("sparse-vgg-d", "macs", 0.60), "sparse-vgg-d-parameters": _saving("sparse-vgg-d", "parameters", 0.93),
    "sparse-alexnet-macs": _saving("sparse-alexnet", "macs", 0.21),
    "vgg-d": Row(3_000_000, "cycles", "lower", lambda run: run.cycles),
    "sparse-vgg-d": Row(1_100_000, "cycles", "lower", lambda run: run.cycles),
    "alexnet-convs": Row(22.4, "GOP/s at 100 MHz", "higher", operations_rate),
    "alexnet-fc": Row(0.85, "weights and masks / 16 B/cycle", "higher", weight_rate),
}


def bar(name, measured):
    """Return the Bar of a row; measured: {name of the run: Measured}."""
    row = ROWS[name]
    if row.counted:
        network, what = row.counted
        return Bar(name, "-", row.asked, saved(network)[what], row.unit, row.better)
    return Bar(name, CONFIG, row.asked, row.figure(measured[name]), row.unit, row.better)


def measured_bars(names, jobs):
    """Run the networks that rows need, print the tables, and return the Bars."""
    dynamic, names = [name for name in names if name in dfp.ROWS], [name for name in names if name not in dfp.ROWS]
    real = dfp.inputs() if dynamic else None
    runs = [name for name in names if name in RUNS]
    measured = run_networks([network_of(name) for name in runs], CONFIG, jobs) if runs else {}
    cycles = [cycles_table(measured.values())] if measured else []
    for table in (networks_table(), *cycles, speed_table(measured.values()), prior_table(measured.get("alexnet-convs")), masks_table()):
        console().print(table)
    return [bar(name, measured) for name in names] + (dfp.bars(dynamic, *real, jobs) if dynamic else [])


def main(words=None):
    """Print the tables and the bars that the command line asks for; returns the exit status."""
    return run_bars("bench/paper.py", __doc__, [*ROWS, *dfp.ROWS], measured_bars, words)


if __name__ == "__main__":
    sys.exit(main())
