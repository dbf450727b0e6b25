# SPDX-License-Identifier: BSD-2-Clause
"""The converted core in Verilator gives, bit for bit, what the golden model gives: tensors, records and errors."""

import numpy as np
import pytest

from accel import isa
from accel.config import CONFIGS
from accel.golden import Golden
from accel.registers import ERROR_CODES, IDENTIFICATION, OFFSETS
from compiler.expectation import memory_image
from compiler.program import compile_network
from firmware.inference import TIME_FIELDS
from nets.zoo import load_model, load_samples
from tests.support.bad_programs import bad_programs
from tests.support.core_harness import Core
from tests.support.random_networks import random_images, random_network
from tests.support.slices import slice_of

TINY = CONFIGS["tiny"]


def assert_core_equals_golden(network, config, seed, stall):
    model = compile_network(network, config)
    memory = memory_image(model, random_images(network, seed)[0])
    expected = bytearray(memory)
    golden = Golden(config, expected, model.base).run(list(model.words), model.read_window, model.write_window)
    core = Core(config, memory, model.base, seed, stall)
    try:
        error, position, cycles = core.run(model.program_address, len(model.words), model.read_window, model.write_window)
        records = {index: core.record(index) for index in golden.records}
    finally:
        core.close()
    assert (error, position) == (0, 0), f"seed {seed}, stall {stall}"
    for name, place in model.placements.items():
        low = place.address - model.base
        np.testing.assert_array_equal(place.unpack(bytes(memory[low:low + place.bytes])), place.unpack(bytes(expected[low:low + place.bytes])),
                                      err_msg=f"seed {seed}, stall {stall}, tensor {name}")
    assert memory == expected, f"seed {seed}, stall {stall}: something beside the tensors was written"
    end = 0
    for index, counters in golden.records.items():
        measured = records[index]
        assert {name: measured[name] for name in counters} == counters, f"seed {seed}, layer {index}"
        assert sum(measured[name] for name in TIME_FIELDS) == measured["end"] - end, f"seed {seed}, layer {index}: {measured}"
        end = measured["end"]
    assert end <= cycles


@pytest.mark.parametrize("seed", slice_of(range(200), 60))
def test_a_random_layer_on_the_tiny_grid_is_exact(seed):
    network = random_network(seed, TINY.columns, largest_kernel=11 if seed % 3 == 0 else 5)
    assert_core_equals_golden(network, TINY, seed, stall=(0, 10, 50, 90)[seed % 4])


@pytest.mark.parametrize("config", ["small-16", "arty-35"])
@pytest.mark.parametrize("seed", slice_of(range(300, 325), 8))
def test_a_random_layer_on_a_grid_of_16_columns_is_exact(seed, config):
    config = CONFIGS[config]
    network = random_network(seed, config.columns, largest_channels=70, largest_kernel=11 if seed % 3 == 0 else 5)
    assert_core_equals_golden(network, config, seed, stall=(0, 10, 50)[seed // 3 % 3])


@pytest.mark.parametrize("seed", range(400, 420))
def test_a_chain_of_random_layers_is_exact(seed):
    assert_core_equals_golden(random_network(seed, TINY.columns, layers=4), TINY, seed, stall=(0, 30)[seed % 2])


ERRORS = bad_programs(TINY)


@pytest.mark.parametrize("stall", [0, 50])
@pytest.mark.parametrize("fault", ERRORS)
def test_an_error_stops_with_code_and_position_and_the_next_job_is_exact(fault, stall):
    network = random_network(4, TINY.columns)
    model = compile_network(network, TINY)
    memory = memory_image(model, random_images(network, 4)[0])
    change, name = ERRORS[fault]
    words, position = change(list(model.words), model)
    golden = Golden(TINY, bytearray(memory), model.base).run(words, model.read_window, model.write_window)
    assert (golden.error, golden.position) == (getattr(ERROR_CODES, name), position)
    expected = bytearray(memory)
    Golden(TINY, expected, model.base).run(list(model.words), model.read_window, model.write_window)
    program = model.program_address - model.base
    memory[program:program + 16 * len(words)] = isa.to_bytes(words)
    core = Core(TINY, memory, model.base, 4, stall)
    try:
        error, where, _ = core.run(model.program_address, len(words), model.read_window, model.write_window)
        assert (error, where) == (golden.error, golden.position), fault
        core.memory[program:program + 16 * len(model.words)] = list(isa.to_bytes(model.words))
        error, _, _ = core.run(model.program_address, len(model.words), model.read_window, model.write_window)
        assert error == 0
    finally:
        core.close()
    target = model.placements[network.output]
    low = target.address - model.base
    assert memory[low:low + target.bytes] == expected[low:low + target.bytes]


@pytest.mark.parametrize("stall", [0, 50])
@pytest.mark.parametrize("kind", ["read", "write"])
def test_an_error_answer_of_the_memory_stops_the_job_and_the_next_one_is_exact(kind, stall):
    network = random_network(4, TINY.columns)
    model = compile_network(network, TINY)
    memory = memory_image(model, random_images(network, 4)[0])
    expected = bytearray(memory)
    Golden(TINY, expected, model.base).run(list(model.words), model.read_window, model.write_window)
    core = Core(TINY, memory, model.base, 4, stall)
    try:
        if kind == "read":
            core.inject(read_error=model.layers[0].stream_address)
        else:
            core.inject(write_error=model.placements[network.output].address)
        error, position, _ = core.run(model.program_address, len(model.words), model.read_window, model.write_window)
        assert error == (ERROR_CODES.BUS_READ if kind == "read" else ERROR_CODES.BUS_WRITE)
        assert isa.decode(model.words[position])[0] == ("WEIGHTS" if kind == "read" else "STORE")
        core.inject()
        assert core.run(model.program_address, len(model.words), model.read_window, model.write_window)[0] == 0
    finally:
        core.close()
    assert memory == expected


def test_a_requantiser_that_rounds_wrongly_gives_other_numbers():
    network = load_model("digits")
    model = compile_network(network, TINY)
    memory = memory_image(model, load_samples(network).images[0])
    expected = bytearray(memory)
    Golden(TINY, expected, model.base).run(list(model.words), model.read_window, model.write_window)
    core = Core(TINY, memory, model.base, rounding=0)
    try:
        assert core.run(model.program_address, len(model.words), model.read_window, model.write_window)[0] == 0
    finally:
        core.close()
    assert memory != expected


def test_the_core_says_what_it_is():
    core = Core(TINY, bytearray(4096), 0)
    try:
        assert core.read(OFFSETS.ID) == IDENTIFICATION
        assert core.read(OFFSETS.ISA_VERSION) == isa.ISA_VERSION
        assert core.read(OFFSETS.CONFIG_HASH) == TINY.hash
    finally:
        core.close()
