# SPDX-License-Identifier: BSD-2-Clause
"""Masks in the converted core: filters turned off at run time, dynamic input-channel masks, packed windows and fused pools."""

import numpy as np
import pytest

from accel import isa
from accel.config import CONFIGS
from accel.registers import FILTER_WORDS, FILTERS_OFFSET
from compiler.ir import Padding
from compiler.program import compile_network
from tests.support.core_check import assert_core_equals_golden
from tests.support.core_harness import Core
from tests.support.networks import convolution
from tests.support.slices import slice_of

TINY = CONFIGS["tiny"]
SEEDS = slice_of(range(60), 15)


def instructions(model, name):
    return [values for word in model.words for found, values in [isa.decode(word)] if found == name]


def all_on(config):
    return [(1 << config.columns) - 1] * FILTER_WORDS


def draw(rng, config, **options):
    """Return a random convolution's arguments: several planes and blocks, awkward sizes."""
    kernel = tuple(int(n) for n in rng.integers(1, 4, 2))
    pads = [int(rng.integers(0, size)) for size in kernel * 2]
    size = tuple(int(n) for n in rng.integers(4, 12, 2))
    channels = int(rng.integers(1, 3 * config.block_channels))
    return convolution(size, channels, int(rng.integers(1, 6 * config.columns)), kernel, padding=Padding(*pads),
                       zero_point=int(rng.choice([-128, 0, 17, 127])), seed=int(rng.integers(1 << 30)), **options)


@pytest.mark.parametrize("seed", SEEDS)
def test_filters_turned_off_at_random_are_exact(seed):
    rng = np.random.default_rng(seed)
    network = draw(rng, TINY, pool=bool(rng.integers(2)), planar=bool(rng.integers(2)), density=float(rng.choice([0.5, 1.0])))
    words = rng.integers(0, 1 << TINY.columns, FILTER_WORDS)
    words[rng.random(FILTER_WORDS) < 0.4] = 0
    assert_core_equals_golden(network, compile_network(network, TINY), seed, stall=(0, 30)[seed % 2], filters=[int(word) for word in words])


@pytest.mark.parametrize("seed", SEEDS)
def test_dynamic_masks_are_exact_at_every_zero_point(seed):
    rng = np.random.default_rng(100 + seed)
    network = draw(rng, TINY, mask=float(rng.choice([0.0, 0.3, 0.7, 1.0])), planar=bool(rng.integers(2)), density=float(rng.choice([0.5, 1.0])))
    model = compile_network(network, TINY)
    assert any(shape["dynamic"] for shape in instructions(model, "SHAPE"))
    assert_core_equals_golden(network, model, seed, stall=(0, 30)[seed % 2])


@pytest.mark.parametrize("seed", SEEDS)
def test_packed_windows_are_exact(seed):
    rng = np.random.default_rng(200 + seed)
    kernel = tuple(int(n) for n in rng.integers(2, 8, 2))
    stride = tuple(int(n) for n in rng.integers(1, 5, 2))
    pads = [int(rng.integers(0, size)) for size in kernel * 2]
    size = tuple(int(n) for n in rng.integers(8, 20, 2))
    network = convolution(size, int(rng.integers(1, 4)), int(rng.integers(1, 13)), kernel, stride=stride, padding=Padding(*pads),
                          zero_point=int(rng.choice([-128, 0, 17])), density=float(rng.choice([0.6, 1.0])), seed=seed)
    assert_core_equals_golden(network, compile_network(network, TINY), seed, stall=(0, 30)[seed % 2])


def test_the_packed_layout_is_used_where_it_saves_steps():
    assert instructions(compile_network(convolution((12, 12), 3, 8), CONFIGS["arty-35"]), "SHAPE")[0]["packed"]


@pytest.mark.parametrize("seed", SEEDS)
def test_fused_pools_are_exact_on_odd_and_even_maps(seed):
    rng = np.random.default_rng(300 + seed)
    network = draw(rng, TINY, pool=True, mask=0.5 if seed % 3 == 0 else None)
    model = compile_network(network, TINY)
    assert any(drain["pool_columns"] for drain in instructions(model, "DRAIN"))
    assert_core_equals_golden(network, model, seed, stall=(0, 30)[seed % 2])


def test_a_tile_whose_filters_are_off_costs_neither_cycles_nor_weights_and_changes_no_other_output():
    """Four output planes, of which two are turned off; the outputs of the others are the golden model's in both runs, so they are the same."""
    config = CONFIGS["arty-35"]
    network = convolution((8, 8), 32, 64, (3, 3), padding=Padding(1, 1, 1, 1))
    model = compile_network(network, config)
    assert model.layers[0].filters == 0
    on = assert_core_equals_golden(network, model, 1, stall=0)[0]
    off = assert_core_equals_golden(network, model, 1, stall=0, filters=[*all_on(config)[:2], 0, 0, *all_on(config)[4:]])[0]
    assert off["macs"] == on["macs"] // 2
    assert on["busy"] // 2 <= off["busy"] <= on["busy"] // 2 + 4
    assert off["weight_bytes"] == on["weight_bytes"] // 2


def test_the_mask_is_all_ones_at_first_reads_back_and_keeps_still_during_a_job():
    network = convolution((8, 8), 8, 8)
    model = compile_network(network, TINY)
    with Core(TINY, bytearray(model.image.ljust(model.end - model.base, b"\0")), model.base) as core:
        ones = (1 << TINY.columns) - 1
        assert [core.read(FILTERS_OFFSET + 4 * i) for i in (0, 1, FILTER_WORDS - 1)] == [ones] * 3
        core.write(FILTERS_OFFSET + 4 * 5, 0b0110)
        assert core.read(FILTERS_OFFSET + 4 * 5) == 0b0110 and core.read(FILTERS_OFFSET + 4 * 6) == ones
        core.start(model.program_address, len(model.words), model.read_window, model.write_window)
        core.write(FILTERS_OFFSET + 4 * 5, 0)
        assert core.wait(100_000)
        core.acknowledge()
        assert core.read("ERROR") == 0 and core.read(FILTERS_OFFSET + 4 * 5) == 0b0110
