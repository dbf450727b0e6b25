# SPDX-License-Identifier: BSD-2-Clause
"""What a run must give for an image: tensors and counters of the golden model and of the CPU's layers, which must be the reference's."""

from dataclasses import dataclass

import numpy as np

from accel.errors import UserError
from accel.golden import Golden
from accel.golden.machine import checksum
from compiler.cpu_step import compute_in_memory
from compiler.ir import Concat
from compiler.reference import cleared, execute
from compiler.steps import CpuStep


@dataclass(frozen=True)
class Expectation:
    """`tensors` {name: int8 [H, W, C]} (int32 of sums), of a batch the images' rows one below the other; `counters` for each layer {field: value},
    those of the golden model's record, or of the CPU's layers the checksum alone; `maps_skipped` for each layer those left out of its input by
    dynamic feature pruning, or None where it is not done."""

    tensors: dict
    counters: tuple
    maps_skipped: tuple


def first_difference(expected, got):
    """Return (position, expected value, got value) of the first element that differs, or None. Arrays have the same shape."""
    places = np.argwhere(expected != got)
    if not len(places):
        return None
    place = tuple(int(i) for i in places[0])
    return place, int(expected[place]), int(got[place])


def describe_difference(layer, tensor, difference):
    """Return the sentence that names layer, position, expected and got."""
    position, expected, got = difference
    return f"layer {layer!r}, tensor {tensor!r}, position {position} (row, column, channel): expected {expected}, got {got}"


def memory_image(model, image):
    """Return a bytearray of what memory holds from model.base to model.end before the inference of int8 `image` [H, W, C] (a batch: [N, H, W, C])."""
    memory = bytearray(model.image.ljust(model.end - model.base, b"\0"))
    source = next(iter(model.placements.values()))  # the network's input is placed first
    memory[source.address - model.base:source.address - model.base + source.bytes] = source.pack(image.reshape(source.shape))
    return memory


def filters_off(network, model, filters):
    """Return {name of a convolution: bool [output channels]}: what the words of the run-time filter mask turn off."""
    columns, off = model.config.columns, {}
    for layer in model.layers:
        if layer.filters is not None:
            convolution = next(member for member in network.layers if member.name == layer.members[0])
            places = map(model.placements[convolution.output].place, range(len(convolution.bias)))
            off[convolution.name] = np.array([place >= 0 and not filters[layer.filters + place // columns] >> place % columns & 1
                                              for place in places])
    return off


def expect(network, model, image, filters=None):
    """Return the Expectation of an int8 image [H, W, C], or the images [N, H, W, C] of a model's batch.

    Raises UserError where golden model and reference differ: a bug in the compiler.

    filters: the words of the run-time filter mask; None: every filter is on.
    """
    memory = memory_image(model, image)
    counters = [one for step in model.steps for one in _run_step(model, step, memory, filters)]
    off = filters_off(network, model, filters) if filters else None
    reference = execute(network, image.reshape(model.batch, *image.shape[-3:]), off, model.limits)
    tensors = {}
    for layer in [*model.layers, *(layer for layer in model.lowered.layers if isinstance(layer, Concat))]:
        place = model.placements[layer.output]
        low = place.address - model.base
        tensors[layer.output] = place.unpack(bytes(memory[low:low + place.bytes]))
        difference = first_difference(reference[model.copies.get(layer.output, layer.output)].reshape(place.shape), tensors[layer.output])
        if difference:
            raise UserError("the golden model differs from the reference, which is a bug in the compiler: "
                            + describe_difference(layer.name, layer.output, difference))
    return Expectation(tensors, tuple(counters), tuple(_skipped(model, layer, reference, network) for layer in model.layers))


def _skipped(model, layer, reference, network):
    """Return how many maps a layer leaves out, None where it leaves out none."""
    limits = model.limits.get(layer.members[0]) if layer.members else None
    if limits is None:
        return None
    source = next(member for member in network.layers if member.name == layer.members[0]).input
    return int(cleared(reference[source], limits).sum())


def _run_step(model, step, memory, filters):
    """Execute a step on `memory`; returns the counters of its layers."""
    if isinstance(step, CpuStep):
        compute_in_memory(step.layer, model.lowered, model.places, memory, model.base)
        return [{"checksum": _checksum(model, model.places[step.layer.output], memory)}]
    result = Golden(model.config, memory, model.base, filters).run(list(step.words), model.read_window, model.write_window)
    if result.error:
        raise UserError(f"the golden model stops at instruction {result.position} with error {result.error}: this is a bug in the compiler")
    return [result.records[model.layers[number].record] for number in step.layers]


def _checksum(model, place, memory):
    """Return the checksum of a tensor as the store engine would count it: beat by beat in the order of memory, the last one filled up with zeros."""
    beat, low = model.config.beat_bytes, place.address - model.base
    data = bytes(memory[low:low + place.bytes])
    return checksum([data[i:i + beat].ljust(beat, b"\0") for i in range(0, len(data), beat)])
