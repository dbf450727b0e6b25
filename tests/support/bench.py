# SPDX-License-Identifier: BSD-2-Clause
"""Runs a MyHDL block with Python around it: one clock, stalls from a seed."""

import numpy as np
from myhdl import Simulation, always, delay, instance


def run_block(clk, block, cycles, drive, sample=lambda cycle: None):
    """Simulate `cycles` cycles: drive(cycle) sets `.next` of inputs after a rising edge, sample(cycle) looks just before the next one."""

    @always(delay(5))
    def clock():
        clk.next = not clk

    @instance
    def process():
        for cycle in range(cycles):
            yield clk.negedge
            drive(cycle)
            yield delay(4)
            sample(cycle)

    simulation = Simulation(block, clock, process)
    try:
        simulation.run(10 * (cycles + 1), quiet=True)
    finally:
        simulation.quit()


class Source:
    """Puts `words` on a Stream, idle in `stall` percent of the cycles; `words` shrinks as they are taken."""

    def __init__(self, stream, words, seed, stall):
        self.stream, self.words, self.stall = stream, list(words), stall
        self.rng, self.valid = np.random.default_rng(seed), False

    def drive(self):
        """Set valid and data."""
        if not self.valid and self.words and self.rng.integers(100) >= self.stall:
            self.valid = True
            self.stream.data.next = int(self.words[0])
        self.stream.valid.next = self.valid

    def sample(self):
        """Note whether the word moves."""
        if self.valid and self.stream.ready:
            self.words.pop(0)
            self.valid = False


class Sink:
    """Takes words from a Stream into `words`, not ready in `stall` percent of the cycles; checks that an offered word holds."""

    def __init__(self, stream, seed, stall):
        self.stream, self.words, self.stall = stream, [], stall
        self.rng, self.offered = np.random.default_rng(seed + 1), None

    def drive(self):
        """Set ready."""
        self.stream.ready.next = bool(self.rng.integers(100) >= self.stall)

    def sample(self):
        """Take the word that moves."""
        if self.offered is not None:
            assert self.stream.valid and int(self.stream.data) == self.offered, "an offered word did not hold"
        self.offered = int(self.stream.data) if self.stream.valid else None
        if self.stream.valid and self.stream.ready:
            self.words.append(int(self.stream.data))
            self.offered = None
