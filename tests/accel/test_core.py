# SPDX-License-Identifier: BSD-2-Clause
"""The converted core in Verilator gives, bit for bit, what the golden model gives: tensors, records and errors."""

import numpy as np
import pytest

from accel import isa
from accel.config import CONFIGS
from accel.golden import Golden
from accel.registers import ERROR_CODES, IDENTIFICATION
from compiler.expectation import memory_image
from compiler.program import compile_network
from nets.images import digits_samples
from nets.zoo import load_model
from tests.support.bad_programs import bad_programs
from tests.support.core_check import assert_core_equals_golden, fitting_network
from tests.support.core_harness import DECODE_ERROR, SLAVE_ERROR, Core
from tests.support.random_networks import random_images, random_network
from tests.support.slices import slice_of

TINY = CONFIGS["tiny"]
BATCH = 10
LARGEST_CHANNELS = {"tiny": 24, "small-16": 70, "arty-35": 70, "arty-100": 140}


def batches(first, count, quick):
    """Return the first seeds of batches that cover `count` seeds, of which `make test` takes `quick`."""
    return slice_of(range(first, first + count, BATCH), quick // BATCH)


def assert_random_layers_are_exact(config, first):
    for seed in range(first, first + BATCH):
        network, model = fitting_network(seed, config, largest_channels=LARGEST_CHANNELS[config.name], largest_kernel=11 if seed % 3 == 0 else 5)
        assert_core_equals_golden(network, model, seed, stall=(0, 10, 50, 90)[seed // 3 % 4])


@pytest.mark.parametrize("first", batches(0, 900, 60))
def test_random_layers_on_the_tiny_grid_are_exact(first):
    assert_random_layers_are_exact(TINY, first)


@pytest.mark.parametrize("first", batches(1000, 700, 50))
def test_random_layers_on_the_grid_of_the_arty_are_exact(first):
    assert_random_layers_are_exact(CONFIGS["arty-35"], first)


@pytest.mark.parametrize("first", batches(2000, 100, 10))
def test_random_layers_on_a_grid_of_one_cluster_are_exact(first):
    assert_random_layers_are_exact(CONFIGS["small-16"], first)


@pytest.mark.parametrize("first", batches(3000, 100, 10))
def test_random_layers_on_the_grid_of_the_larger_arty_are_exact(first):
    assert_random_layers_are_exact(CONFIGS["arty-100"], first)


@pytest.mark.parametrize("seed", range(400, 420))
def test_a_chain_of_random_layers_is_exact(seed):
    network, model = fitting_network(seed, TINY, layers=4)
    assert_core_equals_golden(network, model, seed, stall=(0, 30)[seed % 2])


ERRORS = bad_programs(TINY)


def one_layer(seed=0):
    """Return (model, memory before the job, memory after it) of a convolution with several tiles, not packed."""
    network = random_network(seed, TINY.columns)
    model = compile_network(network, TINY)
    memory = memory_image(model, random_images(network, seed)[0])
    expected = bytearray(memory)
    assert Golden(TINY, expected, model.base).run(list(model.words), model.read_window, model.write_window).error == 0
    return model, memory, expected


def run(core, model):
    return core.run(model.program_address, len(model.words), model.read_window, model.write_window)


@pytest.mark.parametrize("stall", [0, 50])
@pytest.mark.parametrize("fault", ERRORS)
def test_an_error_stops_with_code_and_position_and_the_next_job_is_exact(fault, stall):
    model, memory, expected = one_layer()
    change, name = ERRORS[fault]
    words, position = change(list(model.words), model)
    golden = Golden(TINY, bytearray(memory), model.base).run(words, model.read_window, model.write_window)
    assert (golden.error, golden.position) == (getattr(ERROR_CODES, name), position)
    with Core(TINY, memory, model.base, 4, stall) as core:
        core.load(model.program_address, isa.to_bytes(words))
        error, where, _ = core.run(model.program_address, len(words), model.read_window, model.write_window)
        assert (error, where) == (golden.error, golden.position), fault
        core.load(model.program_address, isa.to_bytes(model.words))
        assert run(core, model)[0] == 0
    assert memory == expected


@pytest.mark.parametrize("response", [SLAVE_ERROR, DECODE_ERROR])
@pytest.mark.parametrize("stall", [0, 50])
@pytest.mark.parametrize("kind", ["read", "write"])
def test_an_error_answer_of_the_memory_stops_the_job_and_the_next_one_is_exact(kind, stall, response):
    model, memory, expected = one_layer()
    with Core(TINY, memory, model.base, 4, stall) as core:
        if kind == "read":
            core.inject(read_error=model.layers[0].stream_address, response=response)
        else:
            core.inject(write_error=model.placements[model.layers[0].output].address, response=response)
        error, position, _ = run(core, model)
        assert error == (ERROR_CODES.BUS_READ if kind == "read" else ERROR_CODES.BUS_WRITE)
        assert isa.decode(model.words[position])[0] == ("WEIGHTS" if kind == "read" else "STORE")
        core.inject()
        assert run(core, model)[0] == 0
    assert memory == expected


@pytest.mark.parametrize("seed", slice_of(range(40), 8))
def test_an_error_answer_anywhere_loses_nothing_else(seed):
    """What is in memory after the job that the error stopped is for each byte what was there before or what the whole job writes."""
    rng = np.random.default_rng(seed)
    model, memory, expected = one_layer()
    before = bytes(memory)
    with Core(TINY, memory, model.base, seed, stall=(0, 30, 70)[seed % 3]) as core:
        for case in range(10):
            core.load(model.base, before)
            writes = bool(rng.integers(2))
            address = int(rng.integers(*(model.write_window if writes else model.read_window)))
            core.inject(**{"write_error" if writes else "read_error": address}, response=int(rng.integers(SLAVE_ERROR, DECODE_ERROR + 1)))
            error, position, _ = run(core, model)
            assert error in (0, ERROR_CODES.BUS_WRITE if writes else ERROR_CODES.BUS_READ), f"seed {seed}, case {case}"
            assert position < len(model.words)
            after = core.dump()
            if error:
                assert all(byte in choices for byte, choices in zip(after, zip(before, expected, strict=True), strict=True)), \
                    f"seed {seed}, case {case}"
            else:
                assert after == expected, f"seed {seed}, case {case}: nobody uses {address:#x}, but the outputs differ"
            core.inject()
            assert run(core, model)[0] == 0, f"seed {seed}, case {case}"
            assert core.dump() == expected, f"seed {seed}, case {case}"


def test_a_requantiser_that_rounds_wrongly_gives_other_numbers():
    network = load_model("digits").network
    model = compile_network(network, TINY)
    memory = memory_image(model, digits_samples(network).images[0])
    expected = bytearray(memory)
    Golden(TINY, expected, model.base).run(list(model.words), model.read_window, model.write_window)
    with Core(TINY, memory, model.base, rounding=0) as core:
        assert run(core, model)[0] == 0
    assert memory != expected


def test_the_core_says_what_it_is():
    with Core(TINY, bytearray(4096), 0) as core:
        assert core.read("ID") == IDENTIFICATION
        assert core.read("ISA_VERSION") == isa.ISA_VERSION
        assert core.read("CONFIG_HASH") == TINY.hash
