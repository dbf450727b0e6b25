# SPDX-License-Identifier: BSD-2-Clause
"""How well a model classifies a set of images, by the reference; and where it was quantised here, beside the float network that it comes from."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from accel.errors import UserError
from compiler.reference import execute
from nets.float_run import run_float

# Numbers of a network's largest tensor that are computed at a time.
_BLOCK = 1 << 22
TOP = 5


def best(outputs):
    """Return int [N, up to 5]: the classes with the largest of each image's `outputs` [N, ...], the best first, of equal ones the lower first."""
    scores = np.asarray(outputs).reshape(len(outputs), -1).astype(np.float64)
    return np.argsort(-scores, axis=1, kind="stable")[:, :TOP]


@dataclass(frozen=True)
class Evaluation:
    """`int8` and `real` are what best() gives of all images; `real` is None where there is no float network, `labels` [N] where there are none."""

    int8: np.ndarray
    real: np.ndarray | None
    labels: np.ndarray | None

    def accuracy(self, guesses, top=1):
        """Return the share of images whose label is among the first `top` of `guesses`; None where there are no labels."""
        if self.labels is None:
            return None
        return float((guesses[:, :top] == self.labels[:, np.newaxis]).any(axis=1).mean())

    @property
    def changed(self):
        """The numbers of the images that the int8 network gives another class than the float network, which must be there."""
        return np.flatnonzero(self.int8[:, 0] != self.real[:, 0])


def block_size(network):
    """Return how many images are computed at a time."""
    largest = max(info.height * info.width * info.channels for info in network.tensors.values())
    return min(max(1, _BLOCK // largest), 64)


def evaluate(model, images, count, jobs=1, advance=lambda images: None, limits=None):
    """Return the Evaluation of the first `count` images of an ImageSet by a Model, `jobs` processes at a time.

    advance: called with how many images more are done. limits: of dynamic feature pruning, as the reference takes them. Raises UserError where the
    set has fewer images, a label is no class of the model, or there are neither labels nor a float network to compare with.
    """
    network = model.network
    labels = images.labels_for(network, count)
    if labels is None and model.real is None:
        raise UserError("there is nothing to compare with: the images have no labels, give --labels FILE; and the model has no float network")
    size = block_size(network)
    spans = [(first, min(first + size, count)) for first in range(0, count, size)]
    results = []
    for guesses in mapped(partial(_guesses, model, limits), (_inputs(model, images, span) for span in spans), min(jobs, len(spans))):
        results.append(guesses)
        advance(len(guesses[0]))
    int8, real = zip(*results, strict=True)
    return Evaluation(np.concatenate(int8), None if model.real is None else np.concatenate(real), labels)


def _inputs(model, images, span):
    """Return (int8 images, float32 images or None) of a span of numbers."""
    tensor = model.network.tensors[model.network.input]
    return images.int8(*span, tensor), None if model.real is None else images.real(*span, tensor)


def _guesses(model, limits, inputs):
    """Return best() of the int8 network, and of the float network or None."""
    numbers, real = inputs
    int8 = best(execute(model.network, numbers, limits=limits)[model.network.output])
    return int8, None if real is None else best(run_float(model.real, real)[model.real.output])


def mapped(function, inputs, jobs):
    """Yield function(item) for each of `inputs`, in order, by `jobs` processes; no more items are made than are being worked on."""
    if jobs <= 1:
        yield from map(function, inputs)
        return
    # Forked processes would inherit the locks of this one's threads.
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        waiting = []
        for item in inputs:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 2 * jobs:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()
