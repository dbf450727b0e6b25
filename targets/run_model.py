# SPDX-License-Identifier: BSD-2-Clause
"""Runs a model on a SoC whose firmware answers on a link, and reports: the same for every target."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from accel.errors import UserError
from compiler.expectation import expect, first_difference
from firmware.inference import run_image, run_on_cpu
from firmware.pruning_report import pruning_table
from firmware.report import classes_table, image_object, median_run, pictures, report_object, time_table, work_table
from firmware.timeline import timeline
from nets.zoo import predictions
from targets.console import console


def run_model(link, work, addresses, advance):
    """Run all batches of images of `work`, which lie at `addresses`, by the console at a Link; the rest is as in run_batches."""
    places = iter(addresses)
    return run_batches(lambda images, expectation: run_image(link, work.network, work.binary.model, expectation, next(places)), work, advance)


def run_batches(run_batch, work, advance):
    """Run all batches of images of `work`; returns [ImageRun], one a batch. run_batch(images, Expectation) does one; `advance` is called after each.

    A model that came as .tflite is held against TFLite's interpreter too.
    """
    runs = []
    for images in work.batches:
        run = run_batch(images, expect(work.network, work.binary.model, images))
        found = [work.tflite.difference(image) for image in images] if work.tflite else []
        runs.append(replace(run, differences=(*run.differences, *filter(None, found))))
        advance()
    return runs


def run_cpu(link, work, address):
    """Run the first image, at `address`, by the CPU alone, by the console at a Link; the rest is as in judge_cpu."""
    return judge_cpu(run_on_cpu(link, work.network, work.binary.model, address), work)


def judge_cpu(run, work):
    """Return the CpuRun of the first image. Raises UserError where its answer is not the reference's."""
    expected = expect(work.network, work.binary.model, work.samples.images[0]).tensors[work.network.output]
    difference = first_difference(expected, run.output)
    if difference:
        raise UserError("the CPU's kernels differ from the reference at {}: expected {}, got {}".format(*difference))
    return run


def conclude(arguments, work, target, clock_hz, runs, cpu_run, classes=False):
    """Print what came of the runs and write the files that were asked for; returns the exit status: 0 where every tensor of all images is exact.

    classes: print what each image was taken for.
    """
    if not work.board.predicted:
        runs = [replace(run, layers=tuple(replace(layer, predicted=None) for layer in run.layers)) for run in runs]
    screen = console()
    count = len(work.samples.images)
    outputs = np.stack([run.output for run in runs]).reshape(len(runs) * work.batch, -1)[:count]
    guesses = predictions(outputs)
    accuracy = None if work.samples.labels is None else float((guesses == work.samples.labels).mean())
    report = report_object(target, work.network, work.config, clock_hz, runs, accuracy, work.batch, count)
    report["images"] = [image_object(work.network, output, name) for output, name in zip(outputs, work.samples.names or [None] * count, strict=True)]
    if classes:
        screen.print(classes_table(report, work.samples.labels))
    if arguments.pictures:
        screen.print(pictures(work.samples, guesses, work.network.labels))
    screen.print(work_table(report))
    screen.print(time_table(report))
    if report["pruned_images"] is not None:
        screen.print(pruning_table(report))
        _print_images(screen, report["pruned_images"])
    milliseconds = 1000 * report["cycles"] / clock_hz
    unit = "an image" if work.batch == 1 else f"a batch of {work.batch}, {report['cycles_per_image']:,} an image"
    screen.print(f"{report['cycles']:,} cycles {unit}, {milliseconds:.3f} ms at {clock_hz // 1_000_000} MHz; "
                  f"{report['cycles_end_to_end']:,} with the CPU's part")
    if cpu_run:
        screen.print(f"{cpu_run.cycles:,} cycles by the CPU alone: the accelerator is {cpu_run.cycles / report['cycles']:,.0f} times as fast")
    if accuracy is not None:
        screen.print(f"{int((guesses == work.samples.labels).sum())} of {count} classified rightly ({accuracy:.1%})")
    for run, index in ((run, index) for index, run in enumerate(runs) if not run.exact):
        for sentence in run.differences:
            screen.print(f"{'image' if work.batch == 1 else 'batch'} {index}: {sentence}", style="bold red", highlight=False, soft_wrap=True)
    others = "the golden model's and TFLite's" if work.tflite else "the golden model's"
    verdict = f"every tensor of all images equals {others}" if report["exact"] else "NOT EXACT: see the differences above"
    screen.print(verdict, style="green" if report["exact"] else "bold red")
    _write_files(arguments, work, clock_hz, median_run(runs), report)
    return 0 if report["exact"] else 1


def _print_images(screen, images):
    """Print what each image left out, of the objects that report_object has of them."""
    for number, image in enumerate(images):
        screen.print(f"image {number}: {image['cycles']:,} cycles, {image['maps_skipped']:,} maps and {image['macs_skipped']:,} MACs skipped",
                     highlight=False)


def _write_files(arguments, work, clock_hz, run, report):
    """Write --json, --timeline and --roofline of the median image's ImageRun `run` and its report object."""
    name, config = work.network.name, work.config
    files = [(arguments.json, lambda: _as_text(report)), (arguments.timeline, lambda: _as_text(timeline(name, config, clock_hz, run))),
             (arguments.roofline, lambda: _roofline_png(name, config, run))]
    for path, content in files:
        if path:
            try:
                Path(path).write_bytes(content())
            except OSError as error:
                raise UserError(f"cannot write {path}: {error}") from error


def _as_text(value):
    return (json.dumps(value, indent=1) + "\n").encode()


def _roofline_png(name, config, run):
    # matplotlib takes a second, and at its very first import speaks on standard error: only where it is wanted.
    from firmware.roofline import roofline_png
    return roofline_png(name, config, run)
