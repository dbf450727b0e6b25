# SPDX-License-Identifier: BSD-2-Clause
"""Runs networks on the simulated core and compares tensors, memory and records with the golden model's."""

import numpy as np

from accel.errors import UserError
from accel.golden import Golden
from accel.registers import FILTERS_OFFSET
from compiler.expectation import memory_image
from compiler.program import compile_network
from firmware.inference import TIME_FIELDS
from tests.support.core_harness import Core
from tests.support.random_graphs import random_graph
from tests.support.random_networks import random_images, random_network, spans_of

REDRAWS = 200


def fitting_network(seed, config, **options):
    """Return (network, CompiledModel) drawn from `seed`; what does not fit the configuration is drawn again. See random_network."""
    for draw in range(REDRAWS):
        network = random_network(seed + 100_000 * draw, config.columns, spans=spans_of(config), **options)
        try:
            return network, compile_network(network, config)
        except UserError:
            continue
    raise AssertionError(f"seed {seed}: none of {REDRAWS} layers fits {config}")


def fitting_graph(seed, config, **options):
    """Return (network, CompiledModel) as fitting_network does, of several layers with residuals and concatenations. See random_graph."""
    for draw in range(REDRAWS):
        network = random_graph(seed + 100_000 * draw, config.columns, **options)
        try:
            return network, compile_network(network, config)
        except UserError:
            continue
    raise AssertionError(f"seed {seed}: none of {REDRAWS} networks fits {config}")


def write_filters(core, filters):
    """Write the words of the run-time filter mask, from the first on."""
    for number, word in enumerate(filters):
        core.write(FILTERS_OFFSET + 4 * number, word)


def assert_core_equals_golden(network, model, seed, stall, filters=None):
    """Run one image on both; everything in memory and in the records must be the same, and the records' times must add up.

    filters: the words of the run-time filter mask (default: all on). Returns the records {index: {field: value}}.
    """
    memory = memory_image(model, random_images(network, seed)[0])
    expected = bytearray(memory)
    golden = Golden(model.config, expected, model.base, filters).run(list(model.words), model.read_window, model.write_window)
    case = f"{model.config.name}, {network.name}, seed {seed}, stall {stall}"
    assert golden.error == 0, f"{case}: the golden model stops with error {golden.error} at {golden.position}"
    with Core(model.config, memory, model.base, seed, stall) as core:
        write_filters(core, filters or ())
        try:
            error, position, cycles = core.run(model.program_address, len(model.words), model.read_window, model.write_window)
        except AssertionError as broken:
            raise AssertionError(f"{case}: {broken}") from None
        records = {index: core.record(index) for index in golden.records}
    assert (error, position) == (0, 0), case
    for name, place in model.placements.items():
        low = place.address - model.base
        np.testing.assert_array_equal(place.unpack(bytes(memory[low:low + place.bytes])), place.unpack(bytes(expected[low:low + place.bytes])),
                                      err_msg=f"{case}, tensor {name}")
    assert memory == expected, f"{case}: something beside the tensors was written"
    end = 0
    for index, counters in golden.records.items():
        measured = records[index]
        assert {name: measured[name] for name in counters} == counters, f"{case}, layer {index}"
        assert sum(measured[name] for name in TIME_FIELDS) == measured["end"] - end, f"{case}, layer {index}: {measured}"
        end = measured["end"]
    assert end <= cycles, case
    return records
