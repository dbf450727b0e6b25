# SPDX-License-Identifier: BSD-2-Clause
"""A requantiser lane gives the golden model's numbers, one a cycle, LATENCY cycles later."""

import numpy as np
import pytest
from myhdl import Simulation, Signal, always, delay, instance

from accel.golden.requantise import requantise
from accel.hdl.interfaces import signed, unsigned
from accel.hdl.parameter_ram import Record
from accel.hdl.requantise_lane import LATENCY, requantise_lane

EDGES = (0, 1, -1, (1 << 31) - 1, -(1 << 31))


def draw(seed, count):
    """Return arrays partial sums, biases, multipliers, shifts: random ones and every edge of each range."""
    rng = np.random.default_rng(seed)
    sums = rng.integers(-(1 << 31), 1 << 31, count) >> rng.integers(0, 31, count)
    biases = rng.integers(-(1 << 31), 1 << 31, count) >> rng.integers(0, 31, count)
    multipliers = rng.integers(1 << 30, 1 << 31, count)
    shifts = rng.integers(-31, 31, count)
    sums[:25], biases[:25] = np.repeat(EDGES, 5), np.tile(EDGES, 5)
    multipliers[25:30] = (0, 1, 1 << 30, (1 << 31) - 1, (1 << 31) - 1)
    shifts[:40:4] = np.tile((-31, 30), 5)
    # Ties: an even multiple of one half after the multiplication by 1/2.
    ties = slice(count // 2, None)
    multipliers[ties], shifts[ties], biases[ties] = 1 << 30, -rng.integers(0, 12, count - count // 2), 0
    sums[ties] = rng.integers(-500, 500, count - count // 2) << rng.integers(0, 10, count - count // 2)
    return sums, biases, multipliers, shifts


@pytest.mark.parametrize("zero_point, low, high", [(0, -128, 127), (-128, -128, 127), (17, -20, 90), (127, -128, 127)])
def test_results_equal_the_golden_model(zero_point, low, high):
    seed, count = 11, 600
    sums, biases, multipliers, shifts = draw(seed, count)
    clk, partial_sum, record, result = Signal(bool(0)), signed(32), Record(), unsigned(8)
    numbers = [signed(8, value) for value in (zero_point, low, high)]
    results = []

    @always(delay(5))
    def clock():
        clk.next = not clk

    @instance
    def drive():
        for i in range(count + LATENCY):
            yield clk.negedge
            if i >= LATENCY:
                results.append(int(result))
            j = min(i, count - 1)
            partial_sum.next = int(sums[j])
            record.bias.next, record.multiplier.next, record.shift.next = int(biases[j]), int(multipliers[j]), int(shifts[j])

    simulation = Simulation(requantise_lane(clk, partial_sum, record, *numbers, result), clock, drive)
    try:
        simulation.run(10 * (count + LATENCY + 4), quiet=True)
    finally:
        simulation.quit()
    expected = [int(requantise(sums[i:i + 1, None], biases[i:i + 1], multipliers[i:i + 1], shifts[i:i + 1], zero_point, low, high)[0, 0]) & 0xFF
                for i in range(count)]
    wrong = [(i, results[i], expected[i], sums[i], biases[i], multipliers[i], shifts[i]) for i in range(count) if results[i] != expected[i]]
    assert len(results) == count and not wrong, f"seed {seed}: {len(wrong)} wrong, first {wrong[:3]}"
