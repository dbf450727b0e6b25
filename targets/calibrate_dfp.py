# SPDX-License-Identifier: BSD-2-Clause
"""`./build.py --model MODEL --images SET --calibrate-dfp FILE`: thresholds of dynamic feature pruning for an accuracy that may be lost."""

import argparse
import json
from pathlib import Path

import numpy as np
from rich.table import Table

from accel.config import load_config
from accel.errors import UserError
from nets.calibrate_pruning import Images, calibrate_pruning, spread_apart
from nets.images import KINDS
from nets.pruning_file import pruning_object
from nets.writable import check_file
from targets.console import console, progress
from targets.model_options import add_image_options, add_model_options, image_set, model_of

LOSS = 0.5
# Images that are read at a time.
_AT_A_TIME = 50


def _numbers(images, tensor):
    """Return int8 [N, H, W, C] of all of an ImageSet."""
    return np.concatenate([images.int8(first, min(first + _AT_A_TIME, len(images)), tensor) for first in range(0, len(images), _AT_A_TIME)])


def tensor_table(network, pruning):
    """Return the table of a Pruning's thresholds and of how many maps of each tensor are expected to be left out."""
    table = Table("tensor", "maps", title=f"{network.name}: thresholds of dynamic feature pruning", min_width=60)
    for head in ("threshold", "in steps of", "maps left out"):
        table.add_column(head, justify="right")
    for name, threshold in pruning.thresholds.items():
        info = network.tensors[name]
        table.add_row(name, f"{info.channels:,} of {info.height} x {info.width}", str(threshold), f"{info.scale:.4g}",
                      f"{1 - pruning.kept[name].mean():.1%}")
    return table


def _sentence(where, images, before, after):
    return f"{where}: {before:.2%} of {images:,} images right without, {after:.2%} with pruning ({100 * (after - before):+.2f} points)"


def run(words):
    """Do what the command line (a list of words) says; returns the exit status."""
    parser = argparse.ArgumentParser(prog="./build.py --calibrate-dfp FILE", description=__doc__, allow_abbrev=False)
    add_model_options(parser)
    add_image_options(parser)
    group = parser.add_argument_group("calibrating")
    group.add_argument("--output", metavar="FILE", help=argparse.SUPPRESS)
    group.add_argument("--dfp-loss", type=float, default=LOSS, metavar="POINTS", help="points of top-1 that may be lost (default: %(default)s)")
    group.add_argument("--count", type=int, metavar="N", help="how many images to find the thresholds on, evenly spread over the set; the others "
                       "show what they are worth (default: four fifths)")
    group.add_argument("--config", default="arty-35",
                       help="the configuration whose cycles are to be saved, by name or .toml file (default: %(default)s)")
    group.add_argument("--jobs", type=int, default=2, help="processes at a time (default: %(default)s)")
    arguments = parser.parse_args(words)
    output = Path(arguments.output)
    check_file(output)
    if arguments.images is None:
        raise UserError(f"--calibrate-dfp needs labelled images, --images SET: {KINDS}")
    if arguments.jobs < 1:
        raise UserError(f"--jobs must be at least 1, not {arguments.jobs}")
    config, network = load_config(arguments.config), model_of(arguments).network
    images = image_set(arguments, arguments.images, network.tensors[network.input].shape, arguments.labels)
    labels = images.labels_for(network, len(images))
    if arguments.count is not None:
        images.check_count(arguments.count)
    numbers = _numbers(images, network.tensors[network.input])
    chosen, rest = spread_apart(len(images), arguments.count)
    with progress() as bar:
        task = bar.add_task("thresholds by the reference", total=None)

        def part(places):
            own = None if labels is None else labels[places]
            return Images(network, numbers[places], own, arguments.jobs, lambda done: bar.advance(task, done))

        calibrated = calibrate_pruning(network, config, part(chosen), arguments.dfp_loss)
        held_out = (len(rest), *(part(rest).right(one) / len(rest) for one in ({}, calibrated.limits))) if len(rest) else None
    screen = console()
    screen.print(tensor_table(network, calibrated.pruning))
    screen.print(_sentence("found on", calibrated.images, calibrated.accuracy, calibrated.pruned), highlight=False)
    if held_out:
        screen.print(_sentence("held out", *held_out), highlight=False)
    screen.print(f"{calibrated.saved:,.0f} of {calibrated.cycles:,} cycles on {config.name} are predicted to be saved "
                 f"({calibrated.saved / calibrated.cycles:.1%}); --run --dfp {output} measures it", highlight=False, soft_wrap=True)
    try:
        output.write_text(json.dumps(pruning_object(network, config, calibrated, arguments.dfp_loss, held_out), indent=1) + "\n")
    except OSError as error:
        raise UserError(f"cannot write {output}: {error}") from error
    return 0
