# SPDX-License-Identifier: BSD-2-Clause
"""Runs images through the firmware and holds what comes back against what is expected."""

from dataclasses import dataclass, replace

import numpy as np

from accel import isa
from accel.errors import UserError
from accel.registers import ERRORS, RECORD_FIELDS, RECORD_INDEX
from compiler.expectation import describe_difference, first_difference

TIME_FIELDS = ("busy", "stall_fetch", "stall_weights", "stall_activations", "stall_drain", "stall_store", "stall_sync")

# An output up to this size is read back as the CPU sees it; a larger one is vouched for by its checksum, as all other tensors are.
OUTPUT_BYTES = 1024


@dataclass(frozen=True)
class LayerRun:
    """One layer's `cycles`, those `predicted` by the compiler or None, and its record {field: value}.

    On the accelerator the fields of TIME_FIELDS add up to the cycles. On the CPU the record is all zeros, and the cycles are those from the end of
    the layer before to its own end, or to the next doorbell: what the caches take is in them. `pruning`: the layer's FeaturePruning, `maps_skipped`
    what it left out of its input's maps; None where nothing is pruned.
    """

    name: str
    op: str
    macs: int
    cycles: int
    record: dict
    predicted: int | None = None
    on_cpu: bool = False
    pruning: object = None
    maps_skipped: int | None = None

    @property
    def macs_skipped(self):
        """Products that the maps left out saved; None where the layer leaves out none."""
        return None if self.maps_skipped is None else self.pruning.macs - self.record["macs"]


@dataclass(frozen=True)
class Outcome:
    """What the firmware says of a run: `cycles` and `end_to_end` as in ImageRun, a row of (cycles, checksum) for each of the model's `steps`, and the
    words of each of the accelerator's `records`."""

    cycles: int
    end_to_end: int
    steps: tuple
    records: tuple


@dataclass(frozen=True)
class ImageRun:
    """`cycles` from the first doorbell to the last done, `end_to_end` from image in DRAM to answer in DRAM, `output` int8 [H, W, C] (int32 of sums),
    `differences` sentences.

    Layers that the CPU computes between two programs are in both; those before the first program or after the last are in `end_to_end` only.
    A run of a batch is one, with the images' rows one below the other in `output`.
    """

    cycles: int
    end_to_end: int
    layers: tuple
    output: np.ndarray
    differences: tuple

    @property
    def exact(self):
        """Whether every tensor was as expected."""
        return not self.differences


@dataclass(frozen=True)
class CpuRun:
    """The same network by the CPU alone: cycles of each layer, output int8 [H, W, C] (int32 of sums)."""

    layer_cycles: tuple
    output: np.ndarray

    @property
    def cycles(self):
        """Cycles of all layers."""
        return sum(self.layer_cycles)


def program_runs(layers, records, cycles):
    """Return [LayerRun] of a program's CompiledLayers, its job having taken `cycles`, its records a list of field values in layer order.

    A layer lasts from the end of the one before to its own end; waiting for the last writes to be answered belongs to the last layer.
    Raises UserError where busy and stalls do not add up to the cycles.
    """
    runs, before = [], 0
    for i, (layer, values) in enumerate(zip(layers, records, strict=True)):
        record = dict(zip((name for name, _ in RECORD_FIELDS), values, strict=True))
        end = record["end"]
        if i == len(records) - 1:
            record["stall_store"] += cycles - end
            end = cycles
        accounted = sum(record[name] for name in TIME_FIELDS)
        if accounted != end - before:
            raise UserError(f"layer {layer.name!r}: busy and stalls add up to {accounted} cycles, but the layer took {end - before}: "
                            "this is a bug in the counters")
        runs.append(LayerRun(layer.name, layer.op, layer.macs, end - before, record, layer.cycles_predicted, pruning=layer.pruning))
        before = end
    return runs


def layer_runs(model, records, cycles):
    """Return the LayerRuns of a run in order, of the records of all programs and the cycles of each step."""
    runs = []
    for step, count in zip(model.steps, cycles, strict=True):
        layers = model.layers[step.layers.start:step.layers.stop]
        if layers[0].on_cpu:
            layer, = layers
            runs.append(LayerRun(layer.name, layer.op, layer.macs, count, dict.fromkeys((name for name, _ in RECORD_FIELDS), 0), on_cpu=True))
        else:
            runs += program_runs(layers, [records[layer.record] for layer in layers], count)
    return tuple(runs)


def run_image(link, network, model, expectation, address):
    """Run the image or batch of images at byte `address` of DRAM by a Link; returns its ImageRun. UserError where a program stops with an error."""
    answer = link.command(f"run 0x{address:x}")
    error, step, position, detail, cycles, end_to_end = map(int, answer[0][1:])
    if error:
        raise UserError(describe_error(model.steps[step], error, position, detail))
    steps, records = ([[int(word) for word in line[1:]] for line in answer if line[0] == kind] for kind in ("step", "record"))
    return judge_run(Outcome(cycles, end_to_end, steps, records), network, model, expectation, link.read_memory)


def judge_run(outcome, network, model, expectation, read):
    """Return the ImageRun of an Outcome, held against the Expectation. `read(address, bytes)` returns bytes of the memory as the run left it."""
    differences = []
    for layer, counters, checksum in zip(model.layers, expectation.counters, _checksums(model, outcome.records, outcome.steps), strict=True):
        if checksum != counters["checksum"]:
            differences.append(_locate(read, model, layer, expectation))
        elif not layer.on_cpu:
            macs = outcome.records[layer.record][RECORD_INDEX.macs]
            if macs != counters["macs"]:
                differences.append(f"layer {layer.name!r}: the accelerator counts {macs} products, but {counters['macs']} are expected")
    output = expectation.tensors[network.output]
    if differences or model.placements[network.output].bytes <= OUTPUT_BYTES:
        output = _read_tensor(read, model, network.output)
        difference = first_difference(expectation.tensors[network.output], output)
        writer = next(layer for layer in network.layers if layer.output == network.output)
        if difference and not differences:
            differences.append(describe_difference(writer.name, network.output, difference) + " (as the CPU reads it)")
    runs = layer_runs(model, outcome.records, [count for count, _ in outcome.steps])
    runs = tuple(replace(run, maps_skipped=skipped) for run, skipped in zip(runs, expectation.maps_skipped, strict=True))
    return ImageRun(outcome.cycles, outcome.end_to_end, runs, output, tuple(differences))


def _checksums(model, records, steps):
    """Return the checksum of each layer's output: of the store engine's record, or of the CPU's step."""
    cpu = {step.layers.start: checksum for step, (_, checksum) in zip(model.steps, steps, strict=True)}
    return [cpu[number] if layer.on_cpu else records[layer.record][RECORD_INDEX.checksum] for number, layer in enumerate(model.layers)]


def set_filters(link, words):
    """Set the run-time filter mask: {number of the output plane: word, bit c for its channel c}. It holds for all runs that follow."""
    for plane, word in words.items():
        link.command(f"filters {plane} 0x{word:x}")


def run_on_cpu(link, network, model, address):
    """Run the image at byte `address` by the CPU's kernels and return its CpuRun."""
    answer = link.command(f"cpu 0x{address:x}")
    return CpuRun(tuple(int(line[1]) for line in answer if line[0] == "layer"), _read_tensor(link.read_memory, model, network.output))


def _read_tensor(read, model, name):
    place = model.placements[name]
    return place.unpack(read(place.address, place.bytes))


def _locate(read, model, layer, expectation):
    difference = first_difference(expectation.tensors[layer.output], _read_tensor(read, model, layer.output))
    if difference is None:
        return f"layer {layer.name!r}: the checksum of what was written differs, but {layer.output!r} in memory is as expected"
    return describe_difference(layer.name, layer.output, difference)


def describe_error(program, error, position, detail):
    """Return the sentence about an error of the accelerator at instruction `position` of a Program; error: one of accel.registers.ERRORS."""
    name, meaning = ERRORS[error]
    instruction = isa.disassemble(program.words[position]) if position < len(program.words) else "beyond the program"
    return f"the accelerator stopped with {name} at instruction {position} ({instruction}), detail 0x{detail:x}: {meaning}"
