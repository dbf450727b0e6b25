#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The paper's tables with our columns: networks counted, trained ones evaluated, whole images in litex_sim (exact), beside the published figures;
and a real network with dynamic feature pruning."""

import sys
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from targets.venv import enter
    enter()

from accel.config import CONFIGS
from bench import dfp
from bench.against_cpu import cpu_table
from bench.bars import Bar, run_bars
from bench.energy import add_power, powers_of
from bench.paper_runs import ALEXNET_NOTE, FC_NOTE, WHOLE, measure, weights_of
from bench.paper_runs import CONFIGS as SPEEDS
from bench.paper_tables import accuracy_table, networks_table, operations_rate, prior_table, reduced_table, saved, speed_table
from bench.soc_runs import cycles_table
from bench.sparse_alexnet import masks_table
from bench.trained import TRAINED, accuracy_of, facts_of
from compiler.program import compile_network
from nets.paper import BASELINES
from targets.console import console, progress

CONFIG = "arty-35"
_BEAT, _PARAMETERS = 16, 16
# Top-1 that a baseline trained on a CPU must reach.
_TOP1 = 0.82


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
    """A bar on the Measured of the run of its own name (`figure`); or where `counted` is (network, what), on what a reduced network saves; or where
    `trained` is (baseline, reduced), on the points of top-1 that the reduced one loses; or where it is (network,), on that network's top-1."""

    asked: float
    unit: str
    better: str
    figure: object = None
    counted: tuple = ()
    trained: tuple = ()


def _budget(reduced, baseline):
    """Return in words what a pair's trainings took."""
    first, second = facts_of(baseline), facts_of(reduced)
    share = second["epochs"] * second["count"]["macs"] / (first["epochs"] * first["count"]["macs"])
    return f"{first['epochs']} and {second['epochs']} epochs, the latter {share:.0%} of the former's multiply-accumulates"


def _loss(reduced, baseline):
    return {f"{baseline}-top1": Row(_TOP1, "top-1 of the int8 baseline on the test images", "higher", trained=(baseline,)),
            f"{baseline}-loss": Row(1.0, f"points of top-1, int8 baseline minus int8 reduced; {_budget(reduced, baseline)}", "lower", trained=(baseline, reduced))}


def _losses():
    """Return the Rows of all pairs of baseline and reduced network that the project keeps trained."""
    return {name: row for reduced, baseline in BASELINES.items() if {reduced, baseline} <= set(TRAINED) for name, row in _loss(reduced, baseline).items()}


def _cycles(network, asked):
    return Row(asked, f"cycles, {weights_of(network)}", "lower", lambda run: run.cycles)


def _saving(network, what, asked):
    return Row(asked, f"share of the {what} of {BASELINES[network]} saved, computed from the definitions", "higher", counted=(network, what))


ROWS = {
    "sparse-vgg-a-macs": _saving("sparse-vgg-a", "macs", 0.50), "sparse-vgg-a-parameters": _saving("sparse-vgg-a", "parameters", 0.90),
    "sparse-vgg-d-macs": _saving("sparse-vgg-d", "macs", 0.60), "sparse-vgg-d-parameters": _saving("sparse-vgg-d", "parameters", 0.93),
    "sparse-alexnet-macs": _saving("sparse-alexnet", "macs", 0.21),
    **_losses(), "vgg-d": _cycles("vgg-d", 3_000_000), "sparse-vgg-d": _cycles("sparse-vgg-d", 1_100_000),
    "alexnet-convs": Row(22.4, f"GOP/s at 100 MHz; {ALEXNET_NOTE}", "higher", operations_rate),
    "alexnet-fc": Row(0.85, f"weights and masks / 16 B/cycle; {FC_NOTE}", "higher", weight_rate),
}


def bar(name, measured, accuracies):
    """Return the Bar of a row; measured: {name of the run: Measured on CONFIG}, accuracies: {name of the trained network: Accuracy}."""
    row = ROWS[name]
    if row.counted:
        network, what = row.counted
        return Bar(name, "-", row.asked, saved(network)[what], row.unit, row.better)
    if row.trained:
        first, *others = (accuracies[network].top1 for network in row.trained)
        return Bar(name, "-", row.asked, 100 * (first - others[0]) if others else first, row.unit, row.better)
    return Bar(name, CONFIG, row.asked, row.figure(measured[name]), row.unit, row.better)


def _accuracies(names, jobs):
    wanted = [network for network in TRAINED if any(network in ROWS[name].trained for name in names)]
    with progress() as shown:
        task = shown.add_task("test images through the reference", total=None)
        return {network: accuracy_of(network, jobs, lambda done: shown.advance(task, done)) for network in wanted}


def measured_bars(names, jobs, arguments):
    """Measure what rows need, print the tables, and return the Bars. All rows: also the whole networks on each of SPEEDS, and the CPU."""
    powers, everything = powers_of(arguments), set(names) == {*ROWS, *dfp.ROWS}
    dynamic, names = [name for name in names if name in dfp.ROWS], [name for name in names if name not in dfp.ROWS]
    real = dfp.inputs() if dynamic else None
    accuracies = _accuracies(names, jobs)
    runs = {(name, CONFIG): run for name, run in measure([name for name in names if ROWS[name].figure], CONFIG, jobs).items()}
    if everything:
        for config in SPEEDS:
            missing = [name for name in (*WHOLE, "alexnet-convs") if (name, config) not in runs]
            runs |= {(name, config): run for name, run in measure(missing, config, jobs).items()}
    rows = {name: run for (name, config), run in runs.items() if config == CONFIG}
    tables = [networks_table(), accuracy_table(accuracies)] if accuracies else [networks_table()]
    tables += [cycles_table(run for (_, config), run in runs.items() if config == CONFIG)] if runs else []
    whole = [run for (name, _), run in runs.items() if name in WHOLE]
    convolutions = [run for (name, _), run in runs.items() if name == "alexnet-convs"]
    tables += [speed_table(whole, powers), prior_table(convolutions, powers), masks_table()]
    tables += [reduced_table(runs), cpu_table()] if everything else []
    for table in tables:
        console().print(table)
    return [bar(name, rows, accuracies) for name in names] + (dfp.bars(dynamic, *real, jobs) if dynamic else [])


def main(words=None):
    """Print the tables and the bars that the command line asks for; returns the exit status."""
    return run_bars("bench/paper.py", __doc__, [*ROWS, *dfp.ROWS], measured_bars, words, add_power)


if __name__ == "__main__":
    sys.exit(main())
