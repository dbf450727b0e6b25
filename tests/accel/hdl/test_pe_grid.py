# SPDX-License-Identifier: BSD-2-Clause
"""The grid's partial sums are the products of weights and activations, step after step without a bubble, in either bank."""

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.hdl.interfaces import flag, signed, unsigned
from accel.hdl.pe_grid import GRID_LATENCY, partial_sum_address_bits, pe_grid
from tests.support.bench import run_block

CONFIG = CONFIGS["tiny"]


@pytest.mark.parametrize("bank", [0, 1])
@pytest.mark.parametrize("pixels", [1, 2, CONFIG.tile_pixels])
def test_sums_over_steps_equal_numpy(pixels, bank):
    rng = np.random.default_rng(pixels + bank)
    steps, lanes, columns, clusters = 12, CONFIG.lanes, CONFIG.columns, CONFIG.clusters
    weights = rng.integers(-127, 128, (steps, clusters, lanes, columns))
    activations = rng.integers(-128, 128, (steps, clusters, pixels, lanes))
    weights[0], activations[1] = -127, -128
    clk, enable, beat = flag(), [flag() for _ in range(clusters)], unsigned(8 * columns)
    lane, swap, first = unsigned(max(1, (lanes - 1).bit_length())), flag(), flag()
    words, valid = [unsigned(8 * lanes) for _ in range(clusters)], [flag() for _ in range(clusters)]
    pixel, bank_signal = unsigned((CONFIG.tile_pixels - 1).bit_length()), flag(bool(bank))
    read_address = unsigned(partial_sum_address_bits(CONFIG))
    sums = [[signed(CONFIG.accumulator_bits) for _ in range(columns)] for _ in range(clusters)]
    # A step takes as many cycles as it has pixels, and not less than its weights take to load: one beat a lane and cluster, then the swap.
    length = max(pixels, lanes * clusters + 1)
    load_end = length
    compute_end = load_end + steps * length
    read_start = compute_end + GRID_LATENCY
    got = np.zeros((clusters, pixels, columns), np.int64)

    def drive(cycle):
        step, phase = divmod(cycle, length)
        for c in range(clusters):
            enable[c].next = False
            valid[c].next = False
        if step < steps and phase < lanes * clusters:
            c, j = phase % clusters, phase // clusters
            enable[c].next = True
            beat.next = int.from_bytes(weights[step, c, j].astype(np.int8).tobytes(), "little")
            lane.next = j
        swap.next = phase == length - 1 and step < steps
        running = step - 1
        if 0 <= running < steps and phase < pixels:
            pixel.next = phase
            first.next = running == 0
            for c in range(clusters):
                valid[c].next = True
                words[c].next = int.from_bytes(activations[running, c, phase].astype(np.int8).tobytes(), "little")
        if cycle >= read_start:
            read_address.next = bank * CONFIG.tile_pixels + min(cycle - read_start, pixels - 1)

    def sample(cycle):
        if read_start < cycle <= read_start + pixels:
            for c in range(clusters):
                got[c, cycle - read_start - 1] = [int(value) for value in sums[c]]

    run_block(clk, pe_grid(clk, enable, beat, lane, swap, words, valid, pixel, first, bank_signal, read_address, sums, CONFIG),
              read_start + pixels + 2, drive, sample)
    np.testing.assert_array_equal(got, np.einsum("scpl,sclk->cpk", activations, weights))
