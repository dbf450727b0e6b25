# SPDX-License-Identifier: BSD-2-Clause
"""How many cycles each layer of a program takes: the program executed in time, instruction by instruction and burst by burst, without data."""

from statistics import median_low

from compiler.timing.dram import DramTimings
from compiler.timing.machine import Deadlock, Machine

__all__ = ["Deadlock", "predict_cycles"]

# A job begins anywhere in the refresh period. As many places are tried, evenly spread; in a job longer than LONG cycles it makes no difference.
PHASES, LONG = 8, 300_000


def predict_cycles(config, words, address, image, base):
    """Return {record of a layer: its cycles} of the program `words` at byte `address`; `image`, at byte `base`, holds its weight streams.

    The cycles are counted as the layers' records count them; they are those of each layer's median over the places in the refresh period at which
    the job can begin. Raises Deadlock where the program never ends, ValueError for an unknown opcode.
    """
    period, runs = DramTimings.refresh_period, []
    for i in range(PHASES):
        timings = DramTimings(phase=period * (2 * i + 1) // (2 * PHASES))
        runs.append(Machine(config, words, address, image, base, timings).run())
        if sum(runs[0].values()) > LONG:
            break
    return {record: median_low(run[record] for run in runs) for record in runs[0]}
