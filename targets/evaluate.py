# SPDX-License-Identifier: BSD-2-Clause
"""`./build.py --model MODEL --images SET --evaluate`: how well the model classifies, by the reference. No hardware is built."""

import argparse
import json
import math
from pathlib import Path

from rich.table import Table

from accel.config import load_config
from accel.errors import UserError
from compiler.program import compile_network
from nets.evaluation import TOP, evaluate
from nets.images import KINDS
from nets.sqnr import sqnr
from targets.console import console, progress
from targets.model_options import add_image_options, add_model_options, image_set, model_of, note_of_range
from targets.pruning_options import add_pruning_option, calibrated_pruning

# Images that are named of those that float and int8 classify differently, and images that --sqnr takes.
_NAMED, _SQNR_IMAGES = 10, 32


def accuracy_table(network, evaluation):
    """Return the table of top-1 and top-5 of an Evaluation, float beside int8 where there is a float network."""
    title = f"{network.name}: {len(evaluation.int8)} images"
    table = Table("numbers", title=title, min_width=len(title))
    for head in ("top-1", f"top-{TOP}", "right"):
        table.add_column(head, justify="right")
    for name, guesses in (("float", evaluation.real), ("int8", evaluation.int8)):
        if guesses is not None:
            first = evaluation.accuracy(guesses)
            table.add_row(name, f"{first:.2%}", f"{evaluation.accuracy(guesses, TOP):.2%}", f"{round(first * len(guesses)):,}")
    return table


def noise_table(network, ratios):
    """Return the table of each layer's ratio of signal to quantisation noise; `ratios` {tensor: dB}."""
    table = Table("layer", "operator", title="int8 beside float: signal over noise", min_width=36)
    table.add_column("dB", justify="right")
    rows = [("image", "", network.input), *((layer.name, layer.op, layer.output) for layer in network.layers)]
    for name, operator, output in rows:
        if output in ratios:
            table.add_row(name, operator, f"{ratios[output]:.1f}")
    return table


def report_object(network, evaluation, ratios):
    """Return the object that --json writes of an Evaluation and of {tensor: dB}, or None; an infinite ratio becomes null."""
    int8, real, labels = evaluation.int8, evaluation.real, evaluation.labels

    def shares(guesses):
        return None if guesses is None else {"top1": evaluation.accuracy(guesses), "top5": evaluation.accuracy(guesses, TOP)}

    changed = None if real is None else [
        {"image": int(i), "label": None if labels is None else int(labels[i]), "float": int(real[i, 0]), "int8": int(int8[i, 0])}
        for i in evaluation.changed]
    return {"model": network.name, "count": len(int8), "int8": shares(int8), "float": shares(real), "changed": changed,
            "sqnr": None if ratios is None else {name: ratio if math.isfinite(ratio) else None for name, ratio in ratios.items()}}


def show(network, evaluation):
    """Print an Evaluation."""
    screen = console()
    if evaluation.labels is not None:
        screen.print(accuracy_table(network, evaluation))
    if evaluation.real is not None:
        changed = evaluation.changed
        share = 1 - len(changed) / len(evaluation.int8)
        named = ", ".join(map(str, changed[:_NAMED])) + (" and others" if len(changed) > _NAMED else "")
        screen.print(f"int8 says what float says for {share:.2%} of the images; {len(changed)} differ{f': {named}' if named else ''}",
                     highlight=False)


def run(words):
    """Do what the command line (a list of words) says; returns the exit status."""
    parser = argparse.ArgumentParser(prog="./build.py --evaluate", description=__doc__, allow_abbrev=False)
    add_model_options(parser)
    add_image_options(parser)
    group = parser.add_argument_group("evaluating")
    group.add_argument("--count", type=int, help="how many images, the first ones of the set (default: all)")
    group.add_argument("--jobs", type=int, default=2, help="processes at a time (default: %(default)s)")
    group.add_argument("--sqnr", action="store_true", help="also say how far each layer of a float model is from float, on a few of the images")
    add_pruning_option(group, "as --run does on --config")
    group.add_argument("--config", default="arty-35", help="the configuration whose compiled layers heed --dfp, by name or .toml file (default: %(default)s)")
    group.add_argument("--json", metavar="FILE", help="write the figures to FILE")
    arguments = parser.parse_args(words)
    if arguments.images is None:
        raise UserError(f"--evaluate needs --images SET: {KINDS}")
    if arguments.jobs < 1:
        raise UserError(f"--jobs must be at least 1, not {arguments.jobs}")
    if arguments.json and not Path(arguments.json).resolve().parent.is_dir():
        raise UserError(f"--json {arguments.json}: there is no folder {Path(arguments.json).resolve().parent}")
    model = model_of(arguments)
    if arguments.sqnr and model.real is None:
        raise UserError(f"--sqnr compares with the float network, but model {arguments.model!r} came quantised: leave it out")
    network = model.network
    pruning = calibrated_pruning(arguments.dfp, network)
    images = image_set(arguments, arguments.images, network.tensors[network.input].shape, arguments.labels)
    count = len(images) if arguments.count is None else arguments.count
    images.check_count(count)
    limits = None if pruning is None else compile_network(network, load_config(arguments.config), pruning=pruning).limits
    with progress() as bar:
        task = bar.add_task("images through the reference", total=count)
        evaluation = evaluate(model, images, count, arguments.jobs, lambda done: bar.advance(task, done), limits)
        ratios = None
        if arguments.sqnr:
            bar.update(task, description="each layer beside float", total=None)
            ratios = sqnr(model.real, network, images.spread(min(count, _SQNR_IMAGES), network.tensors[network.input]))
    show(network, evaluation)
    note = note_of_range(images, count, network)
    if note:
        print(f"note: {note}")
    if ratios is not None:
        console().print(noise_table(network, ratios))
    if arguments.json:
        try:
            Path(arguments.json).write_text(json.dumps(report_object(network, evaluation, ratios), indent=1) + "\n")
        except OSError as error:
            raise UserError(f"cannot write {arguments.json}: {error}") from error
    return 0
