# SPDX-License-Identifier: BSD-2-Clause
"""Finds thresholds of dynamic feature pruning for an accuracy that may be lost: by the reference on labelled images, the cycles by the cost model.

Each tensor's thresholds are tried alone, on more and more images until they lose too many of them. Then they are raised step by step, the one first
that is predicted to save most cycles for the images lost, as long as the losses add up to no more than is allowed; the last steps are taken back
until all together keep to it.
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from accel.errors import UserError
from compiler.program import compile_network, mask_planner
from compiler.pruning import Pruning, prunable, reader_limits
from compiler.reference import again, execute
from nets.evaluation import best, block_size, mapped

# The shares of a tensor's maps that thresholds are looked for to leave out.
SHARES = tuple(share / 100 for share in range(5, 80, 5))
# A threshold is tried where it is predicted to save at least this share of the network's cycles.
_WORTH_TRYING = 0.005
# What a step costs in images beside those that it loses, so that one which loses none is not free.
_STEP_PRICE = 0.1


@dataclass(frozen=True)
class Calibrated:
    """`pruning` as found, and `limits`, those of the layers that heed it (as the reference takes them); `accuracy` without and `pruned` with it, and
    `images`, of those that it was found on; cycles predicted `saved` of `cycles`."""

    pruning: Pruning
    limits: dict
    accuracy: float
    pruned: float
    images: int
    saved: float
    cycles: int

    @property
    def loss(self):
        """The points of top-1 lost, below 0 where some were won."""
        return round(100 * (self.accuracy - self.pruned), 6)


@dataclass(frozen=True)
class _Option:
    """A threshold of a tensor: images `lost` of all (below 0: won), cycles predicted to be `saved`."""

    tensor: str
    threshold: int
    saved: float
    lost: int = 0


class Images:
    """int8 `numbers` [N, H, W, C] and `labels` [N], gone through in blocks by `jobs` processes; advance: called with how many images are done."""

    def __init__(self, network, numbers, labels, jobs=1, advance=lambda images: None):
        if labels is None:
            raise UserError("what pruning costs is measured in accuracy, but the images have no labels: give --labels FILE")
        self.network, self.numbers, self.labels, self.jobs, self.advance = network, numbers, labels, jobs, advance

    def __len__(self):
        return len(self.numbers)

    def part(self, first, last):
        """Return the Images from number `first` up to `last`."""
        return Images(self.network, self.numbers[first:last], self.labels[first:last], self.jobs, self.advance)

    def each(self, function):
        """Return [function(images, labels)] of all blocks."""
        size, found = block_size(self.network), []
        blocks = [(self.numbers[first:first + size], self.labels[first:first + size]) for first in range(0, len(self), size)]
        for (numbers, _), result in zip(blocks, mapped(partial(_called, function), blocks, min(self.jobs, len(blocks))), strict=True):
            found.append(result)
            self.advance(len(numbers))
        return found

    def right(self, limits):
        """Return how many images are classified rightly; limits: as the reference takes them."""
        return sum(self.each(partial(_right, self.network, limits)))


def spread_apart(size, count=None):
    """Return (`count` of the numbers 0 to size - 1, evenly spread, and the others); None: all but each fifth, at least one."""
    count = max(1, size * 4 // 5) if count is None else count
    chosen = np.linspace(0, size - 1, count).round().astype(int)
    return chosen, np.setdiff1d(np.arange(size), chosen)


def _called(function, block):
    return function(*block)


def _hits(outputs, labels):
    return int((best(outputs)[:, 0] == labels).sum())


def _right(network, limits, numbers, labels):
    return _hits(execute(network, numbers, limits=limits)[network.output], labels)


def _largest(network, names, numbers, labels):
    """Return (images right, {tensor: int [N, channels]: each map's largest number above the zero point})."""
    values = execute(network, numbers)
    largest = {name: values[name].max(axis=(1, 2)).astype(int) - network.tensors[name].zero_point for name in names}
    return _hits(values[network.output], labels), largest


def _lost(network, limits, numbers, labels):
    """Return how many images less are right under each of `limits`, a list as the reference takes them, than without."""
    values = execute(network, numbers)
    return _hits(values[network.output], labels) - np.array([_hits(again(network, values, one), labels) for one in limits])


def calibrate_pruning(network, config, images, loss):
    """Return the Calibrated of `network` on `config` for Images, at most `loss` points of top-1 being lost.

    Tensors whose readers are not predicted to gain have no threshold. Raises UserError for a loss that is none, or where no tensor can be pruned.
    """
    if not 0 <= loss < 100:
        raise UserError(f"the accuracy that may be lost must be 0 to 100 points of top-1, not {loss:g}")
    names = tuple(prunable(network))
    if not names:
        raise UserError(f"network {network.name!r} has no tensor whose feature maps can be pruned: its numbers must not lie below the zero point, as "
                        "behind a ReLU, and a convolution must read it")
    parts = images.each(partial(_largest, network, names))
    right, largest = sum(hits for hits, _ in parts), {name: np.concatenate([found[name] for _, found in parts]) for name in names}
    planner = mask_planner(network, config)
    cycles = sum(layer.cycles_predicted for layer in compile_network(network, config).layers if not layer.on_cpu)
    allowed = int(len(images) * loss / 100 + 1e-9)
    steps = _steps(_survivors(images, _options(planner, largest, cycles), allowed), allowed)
    while True:
        chosen = {step.tensor: step for step in steps}
        pruning = Pruning({name: step.threshold for name, step in chosen.items()},
                          {name: (largest[name] > step.threshold).mean(axis=0) for name, step in chosen.items()})
        limits = compile_network(network, config, pruning=pruning).limits
        pruned = images.right(limits)
        if right - pruned <= allowed or not steps:
            break
        steps.pop()
    return Calibrated(pruning, limits, right / len(images), pruned / len(images), len(images), sum(step.saved for step in chosen.values()), cycles)


def _options(planner, largest, cycles):
    """Return the _Options worth trying, nothing known of what they lose: threshold 0, which loses nothing, where it saves anything."""
    found = []
    for name, numbers in largest.items():
        if planner.gain(name, np.zeros(numbers.shape[1])) <= _WORTH_TRYING * cycles:
            continue
        quantiles = {int(np.quantile(numbers, share)) for share in SHARES}
        for threshold in sorted({0, *(number for number in quantiles if 0 <= number <= 254)}):
            saved = planner.gain(name, (numbers > threshold).mean(axis=0))
            if saved > (0 if threshold == 0 else _WORTH_TRYING * cycles):
                found.append(_Option(name, threshold, saved))
    return found


def _survivors(images, options, allowed):
    """Return those of `options` that lose no more than `allowed` images, and how many; twice as many images are looked at in each round. A threshold
    that loses too many takes those above it along."""
    first, last = 0, block_size(images.network) * images.jobs
    while first < len(images) and options:
        limits = [reader_limits(images.network, {one.tensor: one.threshold}) for one in options]
        lost = sum(images.part(first, last).each(partial(_lost, images.network, limits)))
        options = [replace(one, lost=one.lost + int(more)) for one, more in zip(options, lost, strict=True)]
        least = {}
        for one in options:
            if one.lost > allowed:
                least[one.tensor] = min(one.threshold, least.get(one.tensor, one.threshold))
        options = [one for one in options if one.threshold < least.get(one.tensor, 256)]
        first, last = last, 2 * last
    return options


def _steps(options, allowed):
    """Return the _Options that are taken, one after the other, a later one of a tensor in place of an earlier one; `allowed`: images to lose."""
    steps, chosen = [], {}
    while True:
        lost = sum(max(0, one.lost) for one in chosen.values())
        best_rate, best_one = 0, None
        for one in options:
            now = chosen.get(one.tensor, _Option(one.tensor, -1, 0))
            more = max(0, one.lost) - max(0, now.lost)
            if one.threshold <= now.threshold or one.saved <= now.saved or lost + more > allowed:
                continue
            rate = (one.saved - now.saved) / (max(0, more) + _STEP_PRICE)
            if rate > best_rate:
                best_rate, best_one = rate, one
        if best_one is None:
            return steps
        steps.append(best_one)
        chosen[best_one.tensor] = best_one
