# SPDX-License-Identifier: BSD-2-Clause
"""What a run must give: the golden model's tensors and counters for an image, which must be the reference's."""

from dataclasses import dataclass

import numpy as np

from accel.errors import UserError
from accel.golden import Golden
from compiler.ir import Concat
from compiler.reference import execute


@dataclass(frozen=True)
class Expectation:
    """`tensors` {name: int8 [H, W, C]}, of a batch the images' rows one below the other; `counters` for each layer {field: value}, those of the golden
    model's record."""

    tensors: dict
    counters: tuple


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
    result = Golden(model.config, memory, model.base, filters).run(list(model.words), model.read_window, model.write_window)
    if result.error:
        raise UserError(f"the golden model stops at instruction {result.position} with error {result.error}: this is a bug in the compiler")
    reference = execute(network, image.reshape(model.batch, *image.shape[-3:]), filters_off(network, model, filters) if filters else None)
    tensors = {}
    for layer in [*model.layers, *(layer for layer in model.lowered.layers if isinstance(layer, Concat))]:
        place = model.placements[layer.output]
        low = place.address - model.base
        tensors[layer.output] = place.unpack(bytes(memory[low:low + place.bytes]))
        difference = first_difference(reference[model.copies.get(layer.output, layer.output)].reshape(place.shape), tensors[layer.output])
        if difference:
            raise UserError("the golden model differs from the reference, which is a bug in the compiler: "
                            + describe_difference(layer.name, layer.output, difference))
    return Expectation(tensors, tuple(result.records[layer.record] for layer in model.layers))
