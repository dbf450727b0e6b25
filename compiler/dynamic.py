# SPDX-License-Identifier: BSD-2-Clause
"""Which convolutions leave out the feature maps that their input's stores find to be empty, and where in the dynamic mask each tensor's part lies.

A layer does so where it is predicted to gain: a step then takes a pixel more, and the layer cannot begin before all of its input is stored. The
channels left out take no steps, but their weights stream past, a beat a cycle.
"""

from dataclasses import dataclass, replace

import numpy as np

from accel.isa import MASK_WORDS
from compiler.emit import Measured
from compiler.estimate import LATENCY, WAIT
from compiler.ir import Concat, Conv2D, FullyConnected
from compiler.pruning import NEVER, Pruning, candidates, heeds, limits_of
from compiler.products import products
from compiler.stage import Stage
from compiler.steps import FeaturePruning

# A layer that could not gain this share even with all maps left out is bound by its weights; one that leaves out less of its maps, hardly any.
_LITTLE = 0.05
# The share of its cycles that a layer must be predicted to gain: the estimates are no better.
_LEAST_GAIN = 0.02


@dataclass(frozen=True)
class Reading:
    """The mask of a layer's input lies from `word` on; `expected` float [places]: the share of images in which each channel takes part."""

    word: int
    expected: np.ndarray


@dataclass(frozen=True)
class Masks:
    """`readings` {unit's name: Reading}, `measured` {tensor that a unit writes: Measured}, `limits` {unit's name: int [channels], as the reference
    takes them} of the units that leave maps out; `notes` {unit's name: why it leaves out none} of all other convolutions."""

    readings: dict
    measured: dict
    limits: dict
    notes: dict


NO_MASKS = Masks({}, {}, {}, {})


@dataclass(frozen=True)
class _Reader:
    """Unit number `number`, which could leave out maps of `tensor`, written by units from number `first` on: the Reading without its word, the cycles
    that it is predicted to gain."""

    name: str
    tensor: str
    number: int
    first: int
    expected: np.ndarray
    gain: float


def worthwhile(gain, cycles):
    """Whether a layer that is predicted to gain so many of its cycles should leave out maps."""
    return gain > _LEAST_GAIN * cycles


def with_pruning(model, masks, plain):
    """Return a CompiledModel whose layers say what the Masks that it was compiled with do to them; `plain` is the same without them."""
    work = {}
    for program in model.programs:
        work |= products(model.config, program.words, model.image, model.base)
    before = {layer.name: layer.cycles_predicted for layer in plain.layers}
    return replace(model, layers=tuple(
        replace(layer, pruning=FeaturePruning(masks.limits.get(layer.name), masks.notes.get(layer.name), work[layer.record], before[layer.name]))
        if layer.name in masks.limits or layer.name in masks.notes else layer for layer in model.layers))


class MaskPlanner:
    """Plans masks of a `network` that runs as the Lowered `lowered`.

    programs: for each program the pairs (Stage, Choice) of its units without pruning; places: the lowered tensors' Placements; complete: function of
    a name that gives the Placement of all channels that the tensor has in `network`.
    """

    def __init__(self, network, lowered, programs, places, complete):
        self.network, self.lowered, self.places, self.complete = network, lowered, places, complete
        self.why = candidates(network)
        self.units = [(stage, choice, number) for number, program in enumerate(programs) for stage, choice in program]
        self.writers = {stage.writes: number for number, (stage, _, _) in enumerate(self.units)}
        self.parts = {layer.output: layer.inputs for layer in lowered.network.layers if isinstance(layer, Concat)}

    def gain(self, tensor, kept):
        """Return the cycles that leaving out maps of `tensor` is predicted to save, each taking part in its share of images, `kept` [channels]."""
        pruning = Pruning({tensor: 0}, {tensor: kept})
        found = [self._reader(number, layer, pruning) for number, layer in self._convolutions() if layer.input == tensor]
        return sum(one.gain for one in found if not isinstance(one, str))

    def _convolutions(self):
        """Return [(number of a unit, its convolution as the network has it)]."""
        layers = {layer.name: layer for layer in self.network.layers}
        found = [(number, layers.get(stage.unit.members[0])) for number, (stage, _, _) in enumerate(self.units)]
        return [(number, layer) for number, layer in found if isinstance(layer, Conv2D)]

    def masks(self, pruning):
        """Return the Masks for a Pruning."""
        readers, notes = [], {}
        for number, layer in self._convolutions():
            found = self._reader(number, layer, pruning)
            if isinstance(found, str):
                notes[self.units[number][0].unit.name] = found
            else:
                readers.append(found)
        words, refused = self._words(readers)
        notes |= {one.name: refused[one.tensor] for one in readers if one.tensor in refused}
        readers = [one for one in readers if one.tensor in words]
        return Masks({one.name: Reading(words[one.tensor], one.expected) for one in readers},
                     {name: one for tensor, word in words.items()
                      for name, one in self._measured(tensor, word, pruning.thresholds[tensor]).items()},
                     {one.name: self._limits(one.tensor, pruning.thresholds[one.tensor]) for one in readers}, notes)

    def _reader(self, number, layer, pruning):
        """Return the _Reader of unit `number`, whose convolution is `layer` of the network, or the sentence that says why it leaves out no map."""
        stage, choice, program = self.units[number]
        tensor = layer.input
        if self.why[tensor] is not None:
            return f"not measured: {self.why[tensor]}"
        if not heeds(layer):
            kind = "fully connected" if isinstance(layer, FullyConnected) else "depthwise" if layer.dynamic_mask is None else "under another mask"
            return f"not measured: the layer is {kind}"
        writers = [self.writers.get(name) for name in self._written(tensor)]
        if None in writers or any(self.units[writer][2] != program for writer in writers):
            return "not measured: the CPU computes between the layers"
        before, least = (self._cycles(stage, choice, shares) for shares in (None, np.zeros(self.places[tensor].extent)))
        if tensor not in pruning.thresholds:
            return "weights still stream past" if self._bound(before, least) else "not measured: no threshold was found worth what it loses"
        expected = self._expected(tensor, np.asarray(pruning.kept[tensor]))
        after = self._cycles(stage, choice, expected)
        gain = before - after - self._wait(max(writers))
        if worthwhile(gain, before):
            return _Reader(stage.unit.name, tensor, number, min(writers), expected, gain)
        return self._reason(expected, before, least)

    @staticmethod
    def _bound(before, least):
        """Whether a layer of `before` cycles, `least` of them with all maps left out, is bound by its weights."""
        return least > (1 - _LITTLE) * before

    def _reason(self, expected, before, least):
        skipped = 1 - expected.mean()
        if skipped == 0:
            return "no map skipped, as predicted"
        if self._bound(before, least):
            return f"weights still stream past ({skipped:.0%} of the maps could be skipped)"
        return f"too few maps skipped, as predicted ({skipped:.0%})"

    def _written(self, tensor):
        """Return the tensors that units write of which `tensor` consists."""
        return [name for part in self.parts[tensor] for name in self._written(part)] if tensor in self.parts else [tensor]

    def _expected(self, tensor, kept):
        """Return float [places] of a tensor: what is expected of each channel; gaps take no part."""
        placement = self.complete(tensor)
        expected = np.zeros(self.places[tensor].extent)
        for channel, share in enumerate(kept):
            if placement.place(channel) >= 0:
                expected[placement.place(channel)] = share
        return expected

    def _cycles(self, stage, choice, expected):
        """Return the estimated cycles of a unit as `choice` runs it; expected: as _expected gives it, or None for all maps and no mask."""
        reading = None if expected is None else Reading(0, expected)
        stage = Stage(self.lowered.network, stage.config, stage.unit, self.places, reading=reading)
        return (stage.plan(0, True) if choice.resident else stage.plan(stage.config.activation_beats)).cycles

    def _wait(self, writer):
        """Return the cycles from the end of unit `writer`'s work to where the next can begin, all outputs being stored."""
        stage, choice, _ = self.units[writer]
        rounds = choice.plan.tiling.strips[-1].rounds
        clusters = stage.config.clusters if getattr(choice.plan, "split", 0) else 1
        drained = rounds[-1].drained * clusters * stage.config.columns // stage.config.requantise_lanes if rounds else 0
        return drained + LATENCY + WAIT

    def _words(self, readers):
        """Return {tensor: its first word of the mask} and {tensor: why it has none}: those that gain most first, each from its first store to its
        last reader, where it fits first. A STORE measures for one tensor."""
        # (first unit, last unit, first word, end) of what is taken; a layer with a mask of its own sets the first words.
        taken = [(number, number, 0, stage.planner.ways[0][2].window.blocks) for number, (stage, _, _) in enumerate(self.units)
                 if isinstance(stage.layer, Conv2D) and stage.layer.dynamic_mask is not None]
        words, refused, measured = {}, {}, {}
        gains = {one.tensor: sum(other.gain for other in readers if other.tensor == one.tensor) for one in readers}
        for tensor in sorted(gains, key=lambda name: -gains[name]):
            mine = [one for one in readers if one.tensor == tensor]
            shared = [measured[name] for name in self._written(tensor) if name in measured]
            if shared:
                refused[tensor] = f"not measured: its stores measure for the readers of {shared[0]!r}"
                continue
            first, last = mine[0].first, mine[-1].number
            count = -(-len(mine[0].expected) // self.units[0][0].config.block_channels)
            busy = [(low, high) for begin, end, low, high in taken if begin <= last and first <= end]
            places = [word for word in (0, *(high for _, high in busy))
                      if word + count <= MASK_WORDS and all(word >= high or word + count <= low for low, high in busy)]
            if not places:
                refused[tensor] = f"not measured: other tensors take the mask's {MASK_WORDS} words"
                continue
            words[tensor] = min(places)
            taken.append((first, last, words[tensor], words[tensor] + count))
            measured |= dict.fromkeys(self._written(tensor), tensor)
        return words, refused

    def _measured(self, tensor, word, threshold):
        """Return {tensor that a unit writes: Measured} of what `tensor` consists of, its mask lying from `word` on."""
        whole, info = self.places[tensor], self.network.tensors[tensor]
        beats, plane = self.units[0][0].config.beats_per_word, whole.shape[0] * whole.shape[1] * whole.columns
        limit = min(info.zero_point + threshold, 127)
        return {name: Measured(limit, word * beats + (self.places[name].address - whole.address) // plane) for name in self._written(tensor)}

    def _limits(self, tensor, threshold):
        limits, placement = limits_of(self.network, tensor, threshold), self.complete(tensor)
        gone = [placement.place(channel) < 0 for channel in range(len(limits))]
        return np.where(gone, NEVER, limits)
