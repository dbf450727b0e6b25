# SPDX-License-Identifier: BSD-2-Clause
"""A requantiser lane gives the golden model's numbers, one a cycle, LATENCY cycles later."""

import numpy as np
import pytest

from accel.golden.requantise import requantise
from accel.hdl.interfaces import flag, signed, unsigned
from accel.hdl.parameter_ram import Record
from accel.hdl.requantise_lane import DOWN, HALF_UP, LATENCY, ONCE, ROUNDING, TWICE, requantise_lane
from tests.support.bench import run_block

EDGES = (0, 1, -1, (1 << 31) - 1, -(1 << 31))
MULTIPLIERS = (0, 1, (1 << 17) - 1, 1 << 17, 1 << 30, (1 << 31) - 1)


def wrap(values, bits):
    """Return the numbers that the lowest `bits` bits of `values` are in two's complement."""
    return ((values + (1 << bits - 1)) & ((1 << bits) - 1)) - (1 << bits - 1)


def draw(rng, count):
    """Return rows of int64 (partial sum, correction, bias, multiplier, shift): every edge of each range, then numbers of every size."""
    sums, biases, corrections = (rng.integers(-(1 << 31), 1 << 31, count) >> rng.integers(0, 31, count) for _ in range(3))
    multipliers = rng.integers(0, 1 << 31, count) >> np.where(rng.integers(0, 2, count), 0, rng.integers(0, 31, count))
    shifts = rng.integers(-31, 31, count)
    corrections[rng.integers(0, 2, count) == 0] = 0
    edges = len(EDGES) ** 2
    sums[:edges], biases[:edges], corrections[:edges] = np.repeat(EDGES, len(EDGES)), np.tile(EDGES, len(EDGES)), 0
    multipliers[edges:2 * edges], sums[edges:2 * edges] = np.resize(MULTIPLIERS, edges), rng.choice(EDGES, edges)
    return np.stack([sums, corrections, biases, multipliers, shifts], axis=1)


def products_near(targets, shifts, rng):
    """Return rows whose value times multiplier, after a shift to the left, is about each target: where results change."""
    rows = []
    for target, shift in zip(targets, shifts, strict=True):
        multiplier = int(rng.choice([1 << 30, (1 << 31) - 1, rng.integers(1 << 20, 1 << 31)]))
        value = (int(target) + int(rng.integers(-1, 2))) // multiplier >> max(int(shift), 0)
        rows.append((min(max(value, -(1 << 31)), (1 << 31) - 1), 0, 0, multiplier, shift))
    return np.array(rows, dtype=np.int64)


def averages(rng, count):
    """Return rows that divide by n bytes of a window, 1 to 1,024, with the multiplier ceil(2**31 / n), and n; half are exact ties of both signs."""
    n = rng.integers(1, 1025, count)
    sums = rng.integers(-128 * n, 127 * n + 1)
    even = 2 * rng.integers(1, 513, count)
    tied = rng.random(count) < 0.5
    n, sums = np.where(tied, even, n), np.where(tied, even // 2 * (2 * rng.integers(-128, 128, count) + 1), sums)
    zero = np.zeros_like(n)
    return np.stack([sums, zero, zero, np.minimum(-(-(1 << 31) // n), (1 << 31) - 1), zero], axis=1), n


def ties(rng, count):
    """Return rows that end in exactly one half, in the multiplication's rounding or the shift's, of both signs."""
    shifts = -rng.integers(0, 31, count)
    halves = (2 * rng.integers(-300, 300, count) + 1) << np.maximum(-shifts - 1, 0)
    return np.stack([wrap(2 * halves + rng.integers(-1, 2, count), 32), np.zeros_like(halves), np.zeros_like(halves),
                     np.full_like(halves, 1 << 30), shifts], axis=1)


def golden(rows, masked, settings):
    """Return the unsigned bytes that the golden model gives for rows (partial sum, correction, bias, multiplier, shift) of each cycle.

    settings: (zero point, least, largest, rounding) of each.
    """
    expected = []
    for (partial_sum, correction, bias, multiplier, shift), off, numbers in zip(rows, masked, settings, strict=True):
        number = requantise(np.array([[partial_sum - correction]]), np.array([bias]), np.array([0 if off else multiplier]), np.array([shift]),
                            *numbers)
        expected.append(int(number[0, 0]) & 0xFF)
    return expected


def run(rows, masked, settings, bits, half=ROUNDING):
    """Put one row a cycle into a lane of `bits` accumulator bits; returns the bytes that come out, LATENCY cycles later.

    In every third row the bias comes as an addition's `other`, a cycle later.
    """
    clk, partial_sum, correction, record, off, result = flag(), signed(bits), signed(bits), Record(), flag(), unsigned(8)
    other, numbers, rounding = signed(32), [signed(8) for _ in range(3)], unsigned(2)
    results = []

    def drive(cycle):
        if cycle >= LATENCY:
            results.append(int(result))
        other.next = int(rows[cycle - 1][2]) if cycle % 3 == 1 and cycle <= len(rows) else 0
        if cycle < len(rows):
            partial_sum.next, correction.next, record.bias.next, record.multiplier.next, record.shift.next = (int(n) for n in rows[cycle])
            if cycle % 3 == 0:
                record.bias.next = 0
            off.next = bool(masked[cycle])
            for signal, number in zip([*numbers, rounding], settings[cycle], strict=True):
                signal.next = int(number)

    lane = requantise_lane(clk, partial_sum, correction, other, record, off, rounding, *numbers, result, half)
    run_block(clk, lane, len(rows) + LATENCY, drive)
    return results


def check(rows, masked, settings, bits=32):
    """Compare what comes out of a lane with the golden model."""
    rows[:, :2] = wrap(rows[:, :2], bits)
    results, expected = run(rows, masked, settings, bits), golden(rows, masked, settings)
    wrong = [(i, results[i], expected[i], rows[i].tolist(), masked[i], settings[i]) for i in range(len(rows)) if results[i] != expected[i]]
    assert len(results) == len(rows) and not wrong, f"{len(wrong)} wrong, first {wrong[:3]}"


@pytest.mark.parametrize("rounding", [TWICE, ONCE, DOWN, HALF_UP])
@pytest.mark.parametrize("bits", [24, 30, 32])
@pytest.mark.parametrize("numbers", [(0, -128, 127), (-128, -128, 127), (17, -20, 90), (127, -128, 127), (-50, 3, 3)])
def test_results_equal_the_golden_model(numbers, bits, rounding):
    rng = np.random.default_rng(11 + bits)
    rows = np.concatenate([draw(rng, 400), ties(rng, 200)])
    check(rows, np.zeros(len(rows), bool), [(*numbers, rounding)] * len(rows), bits)


@pytest.mark.parametrize("rounding", [TWICE, ONCE, DOWN, HALF_UP])
def test_every_shift_gives_exact_results_at_every_size_of_the_value(rounding):
    rng = np.random.default_rng(12)
    shifts = np.repeat(np.arange(-31, 31), 20)
    rows = draw(rng, len(shifts))
    rows[:, 4] = shifts
    # Half of the results should not be clamped.
    near = products_near(rng.integers(-140, 140, len(shifts)) * (1 << 31 - np.minimum(shifts, 30)), shifts, rng)
    rows = np.concatenate([rows, near])
    check(rows, np.zeros(len(rows), bool), [(0, -128, 127, rounding)] * len(rows))


def test_averages_are_rounded_half_away_from_zero():
    rng = np.random.default_rng(15)
    rows, n = averages(rng, 1000)
    sums = rows[:, 0]
    assert ((2 * sums % (2 * n) == n) & (sums < 0)).sum() > 100
    exact = np.sign(sums) * ((2 * np.abs(sums) + n) // (2 * n))
    assert [wrap(number, 8) for number in run(rows, [False] * 1000, [(0, -128, 127, ONCE)] * 1000, 32)] == exact.clip(-128, 127).tolist()


def test_zero_points_clamps_roundings_and_masks_may_change_in_every_cycle():
    rng = np.random.default_rng(13)
    rows = np.concatenate([draw(rng, 300), ties(rng, 300)])
    bounds = np.sort(rng.integers(-128, 128, (len(rows), 2)), axis=1)
    roundings = rng.integers(TWICE, HALF_UP + 1, len(rows))
    settings = [(int(zero), int(low), int(high), int(rounding))
                for zero, (low, high), rounding in zip(rng.integers(-128, 128, len(rows)), bounds, roundings, strict=True)]
    check(rows, rng.integers(0, 4, len(rows)) == 0, settings)


def test_another_rounding_constant_gives_other_results():
    rng = np.random.default_rng(14)
    rows, numbers = ties(rng, 200), [(0, -128, 127, TWICE)] * 200
    rows[:, 4] = -1
    assert run(rows, [False] * 200, numbers, 32, half=0) != golden(rows, [False] * 200, numbers)
