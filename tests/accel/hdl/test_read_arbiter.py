# SPDX-License-Identifier: BSD-2-Clause
"""The read arbiter cuts runs into legal bursts, gives every beat to who asked for it, and never asks for more than there is room for."""

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.hdl.interfaces import Fault, ReadRequest, flag, unsigned
from accel.hdl.read_arbiter import read_arbiter
from accel.registers import ERROR_CODES
from tests.support.bench import run_block

CONFIG = CONFIGS["arty-35"]
BEAT, LONGEST = CONFIG.beat_bytes, CONFIG.burst_beats
PLACES = (32, 32, 64)
LATENCY = 12


class Memory:
    """Answers bursts in order after LATENCY cycles; a beat's data is its address. Keeps what was asked: (address, beats)."""

    def __init__(self, seed, stall):
        self.rng, self.stall, self.bursts, self.beats = np.random.default_rng(seed), stall, [], []

    def stalls(self):
        return bool(self.rng.integers(100) < self.stall)

    def take(self, cycle, address, beats):
        self.bursts.append((address, beats))
        self.beats += [(cycle + LATENCY, address + BEAT * i, i == beats - 1) for i in range(beats)]


def run_arbiter(runs, cycles, seed=0, stall=0, free_stall=0, window=(0x1000, 0x100000)):
    """Offer runs, for each requester a list of (byte address, beats), and take what comes. Returns (beats of each requester, memory, (code,
    position) of the fault or None, cycles in which a beat came)."""
    clk, clear, stop, fault, idle = flag(), flag(), flag(), Fault(), flag()
    requests, freed, untouched, valid = ([kind() for _ in range(3)] for kind in (ReadRequest, flag, flag, flag))
    base, limit, data = unsigned(32, window[0]), unsigned(32, window[1]), unsigned(8 * BEAT)
    ar = {"araddr": unsigned(32), "arlen": unsigned(8), "arvalid": flag(), "arready": flag()}
    r = {"rdata": unsigned(8 * BEAT), "rresp": unsigned(2), "rlast": flag(), "rvalid": flag()}
    block = read_arbiter(clk, clear, stop, requests, freed, untouched, base, limit, valid, data, *ar.values(), *r.values(), fault, idle, PLACES,
                         CONFIG)
    memory, rng = Memory(seed, stall), np.random.default_rng(seed + 1)
    waiting, got, held, faults, times = [list(run) for run in runs], [[], [], []], [0, 0, 0], [None], []
    sent = [False]

    def drive(cycle):
        stop.next = faults[0] is not None
        for port, request in enumerate(requests):
            request.valid.next = bool(waiting[port])
            if waiting[port]:
                request.address.next, request.beats.next = waiting[port][0]
                request.position.next = 10 * port + len(runs[port]) - len(waiting[port])
            freed[port].next = bool(held[port] > 0 and rng.integers(100) >= free_stall)
        ar["arready"].next = bool(not memory.stalls())
        sent[0] = bool(memory.beats) and memory.beats[0][0] <= cycle and not memory.stalls()
        r["rvalid"].next = sent[0]
        if sent[0]:
            _, r["rdata"].next, r["rlast"].next = memory.beats[0]

    def sample(cycle):
        for port in range(3):
            if valid[port]:
                got[port].append(int(data))
                held[port] += 1
                times.append(cycle)
            held[port] -= int(freed[port])
            assert held[port] <= PLACES[port], "more beats than the requester has room for"
            if requests[port].valid and requests[port].ready:
                waiting[port].pop(0)
        if sent[0]:
            memory.beats.pop(0)
        if ar["arvalid"] and ar["arready"]:
            memory.take(cycle, int(ar["araddr"]), int(ar["arlen"]) + 1)
        if fault.valid:
            faults[0] = (int(fault.code), int(fault.position))

    run_block(clk, block, cycles, drive, sample)
    return got, memory, faults[0], times


def beats_of(runs):
    return [address + BEAT * i for address, beats in runs for i in range(beats)]


@pytest.mark.parametrize("stall, free_stall", [(0, 0), (40, 0), (0, 60), (40, 60)])
def test_every_beat_of_every_run_comes_once_in_order_to_who_asked(stall, free_stall):
    rng = np.random.default_rng(5)
    runs = [[(0x1000 + BEAT * int(rng.integers(2000)), int(rng.integers(1, 70))) for _ in range(count)] for count in (1, 6, 3)]
    got, memory, fault, _ = run_arbiter(runs, 3000, 5, stall, free_stall)
    assert fault is None
    assert got == [beats_of(run) for run in runs]
    for address, beats in memory.bursts:
        assert 1 <= beats <= LONGEST and address // 4096 == (address + BEAT * beats - 1) // 4096


def test_long_runs_follow_each_other_without_a_gap():
    _, _, _, times = run_arbiter([[], [], [(0x2000, 100), (0x9010, 120)]], 300)
    assert len(times) == 220 and times[-1] - times[0] <= 220 + 2


@pytest.mark.parametrize("port", range(3))
@pytest.mark.parametrize("run", [(0xFF0, 4), (0xFFFF0, 2), (0x100000, 1), (0xFFF00, 17), (0xFFFFFFF0, 1)])
def test_a_run_that_leaves_the_window_stops_with_its_position(run, port):
    runs = [[], [], []]
    runs[port] = [(0xFFFF0, 1), run]
    got, memory, fault, _ = run_arbiter(runs, 150)
    assert fault == (ERROR_CODES.READ_WINDOW, 10 * port + 1)
    assert all(0x1000 <= address and address + BEAT * beats <= 0x100000 for address, beats in memory.bursts)
    assert got[port][0] == 0xFFFF0
