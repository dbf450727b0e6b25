# SPDX-License-Identifier: BSD-2-Clause
"""Masks in the converted core: filters turned off at run time, dynamic input-channel masks, packed windows and fused pools."""

from dataclasses import replace

import numpy as np
import pytest

from accel import isa
from accel.config import CONFIGS
from accel.errors import UserError
from accel.registers import FILTER_WORDS, FILTERS_OFFSET
from compiler.ir import Padding
from compiler.program import compile_network
from tests.support.core_check import assert_core_equals_golden
from tests.support.core_harness import Core
from tests.support.networks import convolution
from tests.support.slices import slice_of

TINY = CONFIGS["tiny"]
# Small grids of other kinds: two MACs a multiplier, an odd number of clusters, so small a buffer that input blocks come in passes.
GRIDS = (TINY, replace(TINY, name="three", clusters=3, lanes=4, macs_per_multiplier=2, activation_words=64), CONFIGS["arty-35"])
SEEDS = slice_of(range(60), 15)


def instructions(model, name):
    return [values for word in model.words for found, values in [isa.decode(word)] if found == name]


def all_on(config):
    return [(1 << config.columns) - 1] * FILTER_WORDS


def draw(seed, **options):
    """Return (network, CompiledModel) of a random convolution: several planes and blocks, awkward sizes, one of GRIDS in turn."""
    rng, config = np.random.default_rng(seed), GRIDS[seed % len(GRIDS)]
    while True:
        kernel = tuple(int(n) for n in rng.integers(1, 4, 2))
        pads = [int(rng.integers(0, size)) for size in kernel * 2]
        size = tuple(int(n) for n in rng.integers(4, 12, 2))
        network = convolution(
            size, int(rng.integers(1, 5 * config.block_channels)), int(rng.integers(1, 6 * config.columns)), kernel, padding=Padding(*pads),
            zero_point=int(rng.choice([-128, 0, 17, 127])), seed=int(rng.integers(1 << 30)), smallest=int(rng.choice([-127, -128])),
            planar=bool(rng.integers(2)), density=float(rng.choice([0.5, 1.0])), **options)
        try:
            return network, compile_network(network, config)
        except UserError:  # a window that does not fit the small buffer
            continue


@pytest.mark.parametrize("seed", SEEDS)
def test_filters_turned_off_at_random_are_exact(seed):
    network, model = draw(seed, pool=seed % 2 == 0)
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 1 << model.config.columns, FILTER_WORDS)
    words[rng.random(FILTER_WORDS) < 0.4] = 0
    assert_core_equals_golden(network, model, seed, stall=(0, 30)[seed % 2], filters=[int(word) for word in words])


@pytest.mark.parametrize("seed", SEEDS)
def test_dynamic_masks_are_exact_at_every_zero_point(seed):
    network, model = draw(100 + seed, mask=(0.0, 0.3, 0.7, 1.0)[seed % 4])
    assert any(shape["dynamic"] for shape in instructions(model, "SHAPE"))
    assert_core_equals_golden(network, model, seed, stall=(0, 30)[seed % 2])


def test_the_masks_above_meet_passes_channel_splits_and_clusters_without_pixels():
    models = [draw(seed, pool=seed % 2 == 0)[1] for seed in range(60)] + [draw(100 + seed, mask=0.5)[1] for seed in range(60)]
    assert sum(any(conv["keep"] for conv in instructions(model, "CONV")) for model in models) >= 12
    assert sum(any(shape["split"] for shape in instructions(model, "SHAPE")) for model in models) >= 12
    assert sum(any(tile["pixels"] == 0 for tile in instructions(model, "TILE")) for model in models) >= 4


@pytest.mark.parametrize("seed", SEEDS)
def test_packed_windows_are_exact(seed):
    rng = np.random.default_rng(200 + seed)
    kernel = tuple(int(n) for n in rng.integers(2, 8, 2))
    stride = tuple(int(n) for n in rng.integers(1, 5, 2))
    pads = [int(rng.integers(0, size)) for size in kernel * 2]
    size = tuple(int(n) for n in rng.integers(8, 20, 2))
    network = convolution(size, int(rng.integers(1, 4)), int(rng.integers(1, 13)), kernel, stride=stride, padding=Padding(*pads),
                          zero_point=int(rng.choice([-128, 0, 17])), density=float(rng.choice([0.6, 1.0])), seed=seed)
    model = compile_network(network, GRIDS[seed % len(GRIDS)])
    assert any(shape["packed"] for shape in instructions(model, "SHAPE"))
    assert_core_equals_golden(network, model, seed, stall=(0, 30)[seed % 2])


@pytest.mark.parametrize("seed", SEEDS)
def test_fused_pools_are_exact_on_odd_and_even_maps(seed):
    network, model = draw(300 + seed, pool=True, mask=0.5 if seed % 4 == 0 else None)
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
