# SPDX-License-Identifier: BSD-2-Clause
"""The read arbiter: runs of three requesters, cut into bursts, in order of priority; the last before the second while it holds little."""

from compiler.timing.events import Beats, Signal

# Cycles that the arbiter takes for a burst: choose the run, cut, check, ask.
BURST = 4
# Bursts that wait at the memory's port beside the one that it serves: in the core's register.
WAITING = 1
# Cycles until a place that became free counts: it comes through a register.
FREED = 1


class Reader:
    """A requester with room for `places` beats; `beats` are those that came, `delay` cycles after they are at the core."""

    def __init__(self, events, places, delay, name):
        self.events, self.places, self.most, self.delay = events, places, places, delay
        self.address = self.left = 0
        self.beats = Beats(events, f"{name}: beats from memory")
        self.taken = Signal(events, f"{name}: the run before is asked for")
        self.since, self.ended, self.wanted = 0, None, None

    def ask(self, address, beats, ended=None):
        """Process: hand a run to the arbiter, and return when all of it is asked for. ended(cycle): told in time when its last beat is there."""
        self.address, self.left, self.ended = address, beats, ended
        self.since = self.events.now + 1
        self.wanted.fire()
        while self.left:
            yield self.taken

    def release(self, count, cycle):
        """Give back `count` places at `cycle`."""
        def free():
            self.places += count
            self.wanted.fire()
        self.events.at(cycle + FREED, free)


class ReadArbiter:
    """Hands bursts of `readers` (fetch, load, weights) to `memory`."""

    def __init__(self, events, config, memory, readers):
        self.events, self.config, self.memory, self.readers = events, config, memory, readers
        self.wanted = Signal(events, "a run of reads")
        for reader in readers:
            reader.wanted = self.wanted

    def _in_order(self):
        first, second, third = self.readers
        return (first, third, second) if 8 * third.places >= 7 * third.most else self.readers

    def work(self):
        """Process: one burst after the other."""
        config, events, memory = self.config, self.events, self.memory
        longest, line = config.burst_beats, config.burst_beats * config.beat_bytes
        while True:
            reader = next((reader for reader in self._in_order() if reader.left and reader.places >= longest and reader.since <= events.now), None)
            if reader is None:
                later = [reader.since for reader in self.readers if reader.left and reader.places >= longest]
                yield min(later) if later else self.wanted
                continue
            yield events.now + BURST - 1
            while len(memory.reads) >= WAITING:
                yield memory.read_taken
            beats = min(reader.left, (line - reader.address % line) // config.beat_bytes)
            reader.places -= beats
            reader.left -= beats
            memory.read(reader.address, beats, self._giver(reader, beats, None if reader.left else reader.ended))
            reader.address += beats * config.beat_bytes
            yield events.now + 1
            if not reader.left:
                reader.taken.fire()

    @staticmethod
    def _giver(reader, beats, ended):
        def give(first, last):
            reader.beats.add(last + reader.delay, beats)
            if ended:
                ended(last)
        return give
