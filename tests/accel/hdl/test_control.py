# SPDX-License-Identifier: BSD-2-Clause
"""Jobs begin and end: a job after one that failed begins only when nothing of the failed one can be left."""

import pytest

from accel.hdl.control import CLEAR_CYCLES, SETTLE_CYCLES, control
from accel.hdl.interfaces import Fault, flag, unsigned
from accel.hdl.register_file import JobRegisters
from tests.support.bench import run_block


def run_two_jobs(fails, gap, cycles=400):
    """Run a job that fails or ends well and ring again `gap` cycles after it is done; returns [(clear, busy, done)] of all cycles from that ring on."""
    clk, rst, clear, stop, ended, quiet, streams_empty, bus_idle, progress, irq = (flag() for _ in range(10))
    job, faults, seen = JobRegisters(), [Fault() for _ in range(6)], []
    state = {"rings": [2], "done": None}

    def drive(cycle):
        job.start.next = cycle in state["rings"]
        ended.next = quiet.next = streams_empty.next = not fails or len(state["rings"]) == 2
        bus_idle.next = progress.next = True
        faults[0].valid.next, faults[0].code.next = fails and 10 <= cycle < 20, 5
        if job.done and len(state["rings"]) == 1:
            state["rings"].append(cycle + gap)

    def sample(cycle):
        if len(state["rings"]) == 2 and cycle > state["rings"][1]:
            seen.append((bool(clear), bool(job.busy), bool(job.done)))

    block = control(clk, rst, job, clear, stop, ended, unsigned(16), quiet, streams_empty, bus_idle, progress, unsigned(16), faults, irq)
    run_block(clk, block, cycles, drive, sample)
    return seen


@pytest.mark.parametrize("gap", [1, 2, 30, CLEAR_CYCLES - 2])
def test_a_job_rung_for_right_after_a_failed_one_is_busy_but_begins_only_when_the_engines_were_cleared_long_enough(gap):
    seen = run_two_jobs(True, gap)
    cleared = next(i for i, (clear, _, _) in enumerate(seen) if not clear)
    assert CLEAR_CYCLES - gap - 3 <= cleared <= CLEAR_CYCLES - gap + 3, f"gap {gap}"
    assert all(busy for _, busy, _ in seen[1:cleared + SETTLE_CYCLES]), f"gap {gap}"
    assert seen[-1][1:] == (False, True), "the second job ends well"


def test_a_job_after_one_that_ended_well_begins_at_once():
    seen = run_two_jobs(False, 1)
    assert not seen[1][0] and seen[-1][1:] == (False, True)
