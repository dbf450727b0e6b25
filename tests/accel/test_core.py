# SPDX-License-Identifier: BSD-2-Clause
"""The converted core in Verilator gives, bit for bit, what the golden model gives: tensors, records and errors."""

import numpy as np
import pytest

from accel import isa
from accel.config import CONFIGS
from accel.golden import Golden
from accel.registers import ERROR_CODES, IDENTIFICATION, OFFSETS
from compiler.program import compile_network
from tests.support.core_harness import Core
from tests.support.random_networks import random_images, random_network

TINY = CONFIGS["tiny"]
STALLS = ("busy", "stall_fetch", "stall_weights", "stall_activations", "stall_drain", "stall_store", "stall_sync")


def memory_of(model, image):
    """Return the bytes of memory before an inference."""
    memory = bytearray(model.image.ljust(model.end - model.base, b"\0"))
    source = next(iter(model.placements.values()))
    memory[source.address - model.base:source.address - model.base + source.bytes] = source.pack(image)
    return memory


def assert_core_equals_golden(network, config, seed, stall):
    model = compile_network(network, config)
    memory = memory_of(model, random_images(network, seed)[0])
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
        assert sum(measured[name] for name in STALLS) == measured["end"] - end, f"seed {seed}, layer {index}: {measured}"
        end = measured["end"]
    assert end <= cycles


@pytest.mark.parametrize("seed", range(200))
def test_a_random_layer_on_the_tiny_grid_is_exact(seed):
    assert_core_equals_golden(random_network(seed, TINY.columns), TINY, seed, stall=(0, 10, 50, 90)[seed % 4])


@pytest.mark.parametrize("config", ["small-16", "arty-35"])
@pytest.mark.parametrize("seed", range(300, 325))
def test_a_random_layer_on_a_grid_of_16_columns_is_exact(seed, config):
    config = CONFIGS[config]
    assert_core_equals_golden(random_network(seed, config.columns, largest_channels=70), config, seed, stall=(0, 10, 50)[seed % 3])


@pytest.mark.parametrize("seed", range(400, 420))
def test_a_chain_of_random_layers_is_exact(seed):
    assert_core_equals_golden(random_network(seed, TINY.columns, layers=4), TINY, seed, stall=(0, 30)[seed % 2])


def _replace(words, name, nth=0, **values):
    """Return words with fields of the n-th instruction `name` changed, and its position."""
    places = [i for i, word in enumerate(words) if isa.decode(word)[0] == name]
    old = isa.decode(words[places[nth]])[1]
    changed = list(words)
    changed[places[nth]] = isa.encode(name, **{**old, **values})
    return changed, places[nth]


ERRORS = {
    "a bad opcode": (lambda words, model: ([*words[:5], 63, *words[6:]], 5), "BAD_OPCODE"),
    "another instruction set version": (lambda words, model: _replace(words, "BEGIN", isa_version=99), "BAD_VERSION"),
    "another configuration": (lambda words, model: _replace(words, "BEGIN", config_hash=1), "BAD_CONFIG"),
    "no BEGIN": (lambda words, model: (words[1:], 0), "NO_BEGIN"),
    "no END": (lambda words, model: (words[:-1], len(words) - 1), "NO_BEGIN"),
    "a read before the window": (lambda words, model: _replace(words, "LOAD", address=model.base - 64), "READ_WINDOW"),
    "a read after the window": (lambda words, model: _replace(words, "WEIGHTS", address=model.end), "READ_WINDOW"),
    "a write before the window": (lambda words, model: _replace(words, "STORE", address=model.write_window[0] - 4), "WRITE_WINDOW"),
    "a write after the window": (lambda words, model: _replace(words, "STORE", address=model.end), "WRITE_WINDOW"),
    "a load beyond the buffer": (lambda words, model: _replace(words, "LOAD", destination=TINY.activation_words * TINY.beats_per_word - 1), "BUFFER"),
    "a tile beyond the buffer": (lambda words, model: _replace(words, "TILE", address=TINY.activation_words), None),
    "no rows": (lambda words, model: _replace(words, "LOAD", rows=0), "BAD_FIELD"),
    "a window without columns": (lambda words, model: _replace(words, "SHAPE", kernel_width=0), "BAD_FIELD"),
    "a cluster that is not there": (lambda words, model: _replace(words, "TILE", cluster=7), "BAD_FIELD"),
    "no beats to store": (lambda words, model: _replace(words, "STORE", beats=0), "BAD_FIELD"),
    "a semaphore that is never given": (lambda words, model: _replace(words, "CONV", wait_b=isa.semaphore(7)), "DEADLOCK"),
    "a layer without record": (lambda words, model: _replace(words, "LAYER", index=200), "BAD_FIELD"),
}


@pytest.mark.parametrize("stall", [0, 50])
@pytest.mark.parametrize("fault", ERRORS)
def test_an_error_stops_with_code_and_position_and_the_next_job_is_exact(fault, stall):
    network = random_network(4, TINY.columns)
    model = compile_network(network, TINY)
    memory = memory_of(model, random_images(network, 4)[0])
    change, name = ERRORS[fault]
    words, position = change(list(model.words), model)
    golden = Golden(TINY, bytearray(memory), model.base).run(words, model.read_window, model.write_window)
    if name is not None:
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


def test_the_core_says_what_it_is():
    core = Core(TINY, bytearray(4096), 0)
    try:
        assert core.read(OFFSETS.ID) == IDENTIFICATION
        assert core.read(OFFSETS.ISA_VERSION) == isa.ISA_VERSION
        assert core.read(OFFSETS.CONFIG_HASH) == TINY.hash
    finally:
        core.close()
