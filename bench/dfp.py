# SPDX-License-Identifier: BSD-2-Clause
"""Dynamic feature pruning on a real network and real images: SqueezeNet v1.1, thresholds found on most of the images, cycles measured on others;
and with threshold 0, which must change nothing but cycles.

What is saved is measured in the whole simulated SoC, every tensor exact, against the same network without pruning; measuring the maps is part of it.
"""

from dataclasses import dataclass, replace

import numpy as np
from rich.table import Table

from accel.config import CONFIGS
from accel.errors import UserError
from bench.bars import Bar
from bench.real_networks import NETWORKS
from bench.soc_runs import run_networks
from compiler.expectation import first_difference
from compiler.program import compile_network
from compiler.pruning import exact_pruning
from compiler.reference import execute
from firmware.pruning_report import pruning_table
from nets import described
from nets.calibrate_pruning import Images, calibrate_pruning, spread_apart
from nets.data import data_path
from nets.images import open_images
from targets.console import console, progress

CONFIG, NETWORK = "arty-35", "squeezenet11"
# Points of top-1 that may be lost; images that are run in the simulated SoC: one clears half as many maps again as another.
LOSS, RUN = 0.5, 12
_READ = 20
ROWS = {
    "dfp-cycles-saved": (0.10, f"share of the cycles of {NETWORK}, trained", "higher"),
    "dfp-loss": (LOSS, f"points of top-1 of {NETWORK} on all images, calibrated with and held out", "lower"),
    "dfp-zero-cycles-saved": (0.005, f"share of the cycles of {NETWORK} with threshold 0, no output changed", "higher"),
}


def inputs():
    """Return (network, int8 images [N, H, W, C], labels [N]): the centres of the real data's pictures of ImageNet. Raises UserError where there are
    none."""
    network, _ = NETWORKS[NETWORK]()
    tensor, preprocessing = network.tensors[network.input], replace(described.NETWORKS[NETWORK].preprocessing, size=None)
    images = open_images(data_path("imagenet/imagenet500_256px_jpeg.tar"), tensor.shape, preprocessing, crop=True)
    numbers = [images.int8(first, min(first + _READ, len(images)), tensor) for first in range(0, len(images), _READ)]
    return network, np.concatenate(numbers), images.labels_for(network, len(images))


@dataclass(frozen=True)
class Accuracy:
    """How many of `images` are classified rightly without pruning (`before`) and with it (`after`)."""

    images: int
    before: int
    after: int

    @property
    def loss(self):
        """The points of top-1 lost, below 0 where some were won."""
        return round(100 * (self.before - self.after) / self.images, 6)

    def __add__(self, other):
        return Accuracy(self.images + other.images, self.before + other.before, self.after + other.after)


def calibrate(network, images, labels, chosen, rest, jobs):
    """Return (Calibrated of the images with the numbers `chosen`, the Accuracy on these and on `rest`)."""
    with progress() as bar:
        task = bar.add_task(f"thresholds of {network.name}", total=None)
        one, other = (Images(network, images[part], labels[part], jobs, lambda done: bar.advance(task, done)) for part in (chosen, rest))
        found = calibrate_pruning(network, CONFIGS[CONFIG], one, LOSS)
        kept = Accuracy(found.images, round(found.images * found.accuracy), round(found.images * found.pruned))
        return found, kept, Accuracy(len(rest), *(other.right(limits) for limits in ({}, found.limits)))


def accuracy_table(found_on, held_out):
    """Return the table of what pruning costs in accuracy on the images that it was found on, on those that it was not, and on all."""
    table = Table("images", "number", title=f"{NETWORK}: what dynamic feature pruning costs in accuracy")
    for head in ("top-1 without", "with", "points lost"):
        table.add_column(head, justify="right")
    for name, one in (("found on", found_on), ("held out", held_out), ("all", found_on + held_out)):
        table.add_row(name, str(one.images), f"{one.before / one.images:.2%}", f"{one.after / one.images:.2%}", f"{one.loss:+.2f}")
    return table


def bars(names, network, images, labels, jobs):
    """Measure, print the tables, and return the Bars of `names`, rows of ROWS, for what inputs() gives."""
    measured, prunings = {}, {}
    chosen, rest = spread_apart(len(images))
    if {"dfp-loss", "dfp-cycles-saved"} & set(names):
        found, found_on, held_out = calibrate(network, images, labels, chosen, rest, jobs)
        console().print(accuracy_table(found_on, held_out))
        measured["dfp-loss"] = (found_on + held_out).loss
        prunings["dfp-cycles-saved"] = found.pruning
    if "dfp-zero-cycles-saved" in names:
        prunings["dfp-zero-cycles-saved"] = exact_pruning(network, images[chosen])
    measured |= _saved(network, {name: one for name, one in prunings.items() if name in names}, images[rest[::len(rest) // RUN][:RUN]], jobs)
    return [Bar(name, "-" if name == "dfp-loss" else CONFIG, ROWS[name][0], measured[name], *ROWS[name][1:]) for name in names]


def _saved(network, prunings, images, jobs):
    """Return {row: share of cycles saved, in the mean of int8 `images`} of {row: Pruning}; raises UserError where an exact Pruning changes a tensor."""
    if not prunings:
        return {}
    named = [replace(network, name=f"{network.name}, {row}") for row in prunings]
    for pruning in prunings.values():
        if pruning.exact:
            _check_nothing_changes(network, pruning, images)
    runs = run_networks([network, *named], CONFIG, jobs, images=[images[:1], *[images] * len(named)], prunings=[None, *prunings.values()])
    plain, found = runs[network.name], {}
    for row, pruned in zip(prunings, named, strict=True):
        report = runs[pruned.name].report
        console().print(pruning_table(report))
        cycles = [image["cycles"] for image in report["pruned_images"]]
        console().print(f"{plain.cycles:,} cycles without pruning; with it {', '.join(f'{count:,}' for count in cycles)}", highlight=False)
        found[row] = 1 - sum(cycles) / len(cycles) / plain.cycles
    return found


def _check_nothing_changes(network, pruning, images):
    """Raise UserError where a tensor of int8 `images` is another with an exact Pruning: what a run is held against is then what it is without."""
    limits = compile_network(network, CONFIGS[CONFIG], pruning=pruning).limits
    plain, pruned = execute(network, images), execute(network, images, limits=limits)
    for name, values in plain.items():
        if difference := first_difference(values, pruned[name]):
            raise UserError(f"threshold 0 changes tensor {name!r} at {difference[0]}: expected {difference[1]}, got {difference[2]}")
