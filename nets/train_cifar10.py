# SPDX-License-Identifier: BSD-2-Clause
"""`python -m nets.train NETWORK --data DIR`: trains a network of the paper on CIFAR-10; the same command goes on where it stopped. Needs torch."""

import json
import os
import time
from dataclasses import asdict, fields
from pathlib import Path

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from accel.errors import UserError
from nets.cifar10 import load_cifar10
from nets.count import count
from nets.onnx_export import find_onnx, write_onnx
from nets.paper import define
from nets.recipe import Recipe
from nets.torch_net import folded_weights
from nets.training import Training, accuracy
from nets.writable import check_folder

# Of the running mean that the progress bar shows.
_MEMORY = 0.98
_MOST_THREADS = 1024


def train_cifar10(arguments):
    """Train as the command line says; returns the result as a dict, None where the time ran out before the last epoch.

    Writes checkpoint.pt to the output folder and, at the end, NETWORK.onnx and NETWORK.json there. Raises UserError where options or data are wrong.
    """
    _check(arguments)
    device = _device(arguments.device)
    torch.set_num_threads(arguments.threads or os.cpu_count())
    if device == "cpu":
        torch.use_deterministic_algorithms(True)
    recipe = Recipe(**{field.name: getattr(arguments, field.name) for field in fields(Recipe)})
    definition = define(arguments.network)
    with _progress() as progress:
        train, test = (_load(progress, path, part) for path, part in ((arguments.data, "train"), (arguments.test_data or arguments.data, "test")))
        training = Training(definition, recipe, train, arguments.output / "checkpoint.pt", arguments.start, device)
        finished = _run(progress, training, arguments.minutes)
        if not finished:
            return None
        task = progress.add_task("testing", total=None, state="")
        result = _result(training, test, device)
        progress.remove_task(task)
    write_onnx(training.net.definition, folded_weights(training.net), arguments.output / f"{definition.name}.onnx")
    (arguments.output / f"{definition.name}.json").write_text(json.dumps(result, indent=1) + "\n")
    return result


def _check(arguments):
    """Raise UserError for what would end the training only at its end, or with a traceback."""
    if arguments.threads is not None and not 1 <= arguments.threads <= _MOST_THREADS:
        raise UserError(f"--threads must be 1 to {_MOST_THREADS}, not {arguments.threads}")
    if arguments.minutes is not None and not arguments.minutes > 0:
        raise UserError(f"--minutes must be above 0, not {arguments.minutes}")
    tested = arguments.test_data or arguments.data
    if tested.is_file() and tested.suffix == ".npz" and tested.resolve() == arguments.data.resolve():
        raise UserError(f"{tested} is one set of images, which cannot both train and test: give others to test by --test-data PATH")
    check_folder(arguments.output)
    find_onnx()


def _device(name):
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: PyTorch sees no GPU here; leave the option out to train on the CPU")
    return name or ("cuda" if torch.cuda.is_available() else "cpu")


def _progress():
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[state]}"), TimeRemainingColumn())


def _load(progress, path, part):
    task = progress.add_task(f"reading {part} images", total=None, state="")
    pictures = load_cifar10(Path(path), part, lambda done: progress.update(task, completed=done))
    progress.remove_task(task)
    return pictures


def _run(progress, training, minutes):
    """Train until all epochs are done, or until another one would probably not end within `minutes`; returns whether all are done.

    A call trains for one epoch at least, so that calls come to an end.
    """
    began = time.monotonic()
    task = progress.add_task(f"training {training.net.definition.name}", total=training.recipe.epochs * len(training.labels), state="",
                             completed=training.epoch * len(training.labels))
    mean = None

    def advance(images, loss, share):
        nonlocal mean
        mean = share if mean is None else _MEMORY * mean + (1 - _MEMORY) * share
        progress.update(task, advance=images, state=f"epoch {training.epoch + 1}/{training.recipe.epochs}  loss {loss:.3f}  accuracy {mean:.3f}")

    while not training.finished:
        done = training.run_epoch(advance)
        progress.update(task, completed=training.epoch * len(training.labels))
        progress.console.print(f"epoch {done['epoch']:3}  {done['pixels']} pixels  loss {done['loss']:.4f}  "
                               f"accuracy {done['accuracy']:.4f}  {done['seconds']:.1f} s")
        if minutes is not None and not training.finished and time.monotonic() - began + done["seconds"] > 60 * minutes:
            progress.console.print(f"stopped after epoch {training.epoch}: the same command goes on from {training.checkpoint}")
            return False
    return True


def _result(training, test, device):
    net = training.net
    return {"network": net.definition.name, "accuracy": accuracy(net, test, device), "test_data": test.source, "test_images": len(test.labels),
            **training.facts, "epochs": training.epoch, "train_images": len(training.labels), "recipe": asdict(training.recipe),
            "count": asdict(count(net.definition, net.connections())), "device": device, "history": training.history}
