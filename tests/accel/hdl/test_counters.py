# SPDX-License-Identifier: BSD-2-Clause
"""The counters of a layer: times that add up, products, the layer's end, and the cycles at its edges that are not busy."""

import numpy as np
import pytest

from accel.hdl.counters import STATES, compute_counters
from accel.hdl.interfaces import STATE_BUSY, Activity, flag, unsigned
from accel.registers import RECORD_FIELDS, RECORD_INDEX
from tests.support.bench import run_block

# A layer's words take as many cycles to write, and more where others write.
SHORTEST = 40


def draw_layer(rng, kind):
    """Return the states of a layer's cycles; the last is not busy."""
    states = rng.integers(0, STATES, int(rng.integers(SHORTEST, 120)))
    if kind == "idle":
        states[states == STATE_BUSY] = STATES - 1
    elif kind == "edges":
        states[:int(rng.integers(20))] = STATES - 1
        states[-int(rng.integers(1, 20)):] = STATES - 1
    elif kind == "full":
        states[:] = STATE_BUSY
    states[-1] = STATES - 1
    return states


def run_layers(layers, macs, seed):
    """Return the record words {index: {field: value}} that come out."""
    rng = np.random.default_rng(seed)
    clk, clear, taken, valid, free = flag(), flag(True), flag(), flag(), flag()
    activity, cycles, index, field, value = Activity(), unsigned(32), unsigned(6), unsigned(4), unsigned(32)
    states, ends, records = np.concatenate(layers), set((np.cumsum([len(layer) for layer in layers]) - 1).tolist()), {}

    def drive(cycle):
        clear.next = False
        there = cycle < len(states)
        activity.state.next = int(states[cycle]) if there else STATES - 1
        activity.macs.next = int(macs[cycle]) if there else 0
        activity.layer_end.next = cycle in ends
        activity.index.next = sum(end < cycle for end in ends)
        cycles.next = cycle
        assert cycle not in ends or free
        taken.next = bool(valid) and rng.integers(4) != 0

    def sample(cycle):
        if valid and taken:
            records.setdefault(int(index), {})[RECORD_FIELDS[int(field)][0]] = int(value)

    run_block(clk, compute_counters(clk, clear, activity, cycles, index, field, value, valid, taken, free), len(states) + SHORTEST, drive, sample)
    return records


def leading(states):
    """Return how many of the first states are not busy."""
    busy = np.flatnonzero(states == STATE_BUSY)
    return int(busy[0]) if len(busy) else len(states)


@pytest.mark.parametrize("seed", range(5))
def test_every_word_of_a_layer_is_counted(seed):
    rng = np.random.default_rng(seed)
    layers = [draw_layer(rng, kind) for kind in rng.permutation(["any", "idle", "edges", "full", "edges", "idle"])]
    macs = rng.integers(0, 1 << 16, sum(map(len, layers)))
    records, first = run_layers(layers, macs, seed), 0
    for number, states in enumerate(layers):
        times = [int((states == state).sum()) for state in range(STATES)]
        busy = times[STATE_BUSY] > 0
        expected = {RECORD_FIELDS[RECORD_INDEX.busy + state][0]: time for state, time in enumerate(times)} | {
            "macs": int(macs[first:first + len(states)].sum()), "end": first + len(states),
            "edges": leading(states) * busy | leading(states[::-1]) << 16}
        assert records[number] == expected, f"seed {seed}, layer {number}"
        first += len(states)


def test_the_edges_of_neighbours_are_the_cycles_between_their_busy_ones():
    rng = np.random.default_rng(9)
    layers = [draw_layer(rng, "edges") for _ in range(6)]
    records = run_layers(layers, np.zeros(sum(map(len, layers)), int), 9)
    for number, (states, following) in enumerate(zip(layers[:-1], layers[1:], strict=True)):
        between = np.diff(np.flatnonzero(np.concatenate([states, following]) == STATE_BUSY))
        assert (records[number]["edges"] >> 16) + (records[number + 1]["edges"] & 0xFFFF) == between[(states == STATE_BUSY).sum() - 1] - 1
