# SPDX-License-Identifier: BSD-2-Clause
"""Dynamic feature pruning on a real network and real images: SqueezeNet v1.1, thresholds found on most of the images, cycles measured on others.

What is saved is measured in the whole simulated SoC, every tensor exact, against the same network without pruning; measuring the maps is part of it.
"""

from dataclasses import replace

import numpy as np
from rich.table import Table

from accel.config import CONFIGS
from bench.bars import Bar
from bench.real_networks import NETWORKS
from bench.soc_runs import run_networks
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
ROWS = {"dfp-cycles-saved": (0.10, f"share of the cycles of {NETWORK}", "higher"), "dfp-loss": (LOSS, f"points of top-1 of {NETWORK}", "lower")}


def inputs():
    """Return (network, int8 images [N, H, W, C], labels [N]): the centres of the real data's pictures of ImageNet. Raises UserError where there are
    none."""
    network, _ = NETWORKS[NETWORK]()
    tensor, preprocessing = network.tensors[network.input], replace(described.NETWORKS[NETWORK].preprocessing, size=None)
    images = open_images(data_path("imagenet/imagenet500_256px_jpeg.tar"), tensor.shape, preprocessing, crop=True)
    numbers = [images.int8(first, min(first + _READ, len(images)), tensor) for first in range(0, len(images), _READ)]
    return network, np.concatenate(numbers), images.labels_for(network, len(images))


def calibrate(network, images, labels, jobs):
    """Return (Calibrated of four fifths of the images, numbers of the others, their accuracy without and with pruning)."""
    chosen, rest = spread_apart(len(images))
    with progress() as bar:
        task = bar.add_task(f"thresholds of {network.name}", total=None)
        one, other = (Images(network, images[part], labels[part], jobs, lambda done: bar.advance(task, done)) for part in (chosen, rest))
        found = calibrate_pruning(network, CONFIGS[CONFIG], one, LOSS)
        return found, rest, *(other.right(thresholds) / len(rest) for thresholds in ({}, found.pruning.thresholds))


def accuracy_table(found, held_out, before, after):
    """Return the table of what pruning costs in accuracy: of a Calibrated, and of so many images that it was not found on."""
    table = Table("images", "number", title=f"{NETWORK}: what dynamic feature pruning costs in accuracy")
    for head in ("top-1 without", "with", "points lost"):
        table.add_column(head, justify="right")
    for name, number, one, other in (("found on", found.images, found.accuracy, found.pruned), ("held out", held_out, before, after)):
        table.add_row(name, str(number), f"{one:.2%}", f"{other:.2%}", f"{100 * (one - other):+.2f}")
    return table


def bars(names, network, images, labels, jobs):
    """Measure, print the tables, and return the Bars of `names`, rows of ROWS, for what inputs() gives."""
    found, rest, before, after = calibrate(network, images, labels, jobs)
    console().print(accuracy_table(found, len(rest), before, after))
    measured = {"dfp-loss": found.loss}
    if "dfp-cycles-saved" in names:
        measured["dfp-cycles-saved"] = _saved(network, found.pruning, images[rest[::len(rest) // RUN][:RUN]], jobs)
    return [Bar(name, CONFIG if name == "dfp-cycles-saved" else "-", ROWS[name][0], measured[name], *ROWS[name][1:]) for name in names]


def _saved(network, pruning, images, jobs):
    """Return the share of cycles that a Pruning saves of int8 `images`, in the mean."""
    pruned = replace(network, name=f"{network.name}, pruned")
    runs = run_networks([network, pruned], CONFIG, jobs, images=[images[:1], images], prunings=[None, pruning])
    plain, report = runs[network.name], runs[pruned.name].report
    console().print(pruning_table(report))
    cycles = [image["cycles"] for image in report["pruned_images"]]
    console().print(f"{plain.cycles:,} cycles without pruning; with it {', '.join(f'{count:,}' for count in cycles)}", highlight=False)
    return 1 - sum(cycles) / len(cycles) / plain.cycles
