# SPDX-License-Identifier: BSD-2-Clause
"""Processes in simulated time: generators that yield the cycle at which they go on, or the Signal that they wait for."""

from collections import deque
from heapq import heappop, heappush


class Signal:
    """What processes wait for: `fire` lets all that wait go on in this cycle. `name` says what for."""

    def __init__(self, events, name):
        self.events, self.name, self.waiting = events, name, []

    def fire(self):
        """Let every process that waits look again."""
        waiting, self.waiting = self.waiting, []
        for process in waiting:
            self.events.at(self.events.now, process)


class _Process:
    """A generator under way; calling it lets it run up to its next wait."""

    def __init__(self, events, steps):
        self.events, self.steps = events, steps

    def __call__(self):
        for wanted in self.steps:
            if isinstance(wanted, Signal):
                wanted.waiting.append(self)
                return
            if wanted > self.events.now:
                self.events.at(wanted, self)
                return


class Events:
    """The calendar: what happens at which cycle. `now` is the present one."""

    def __init__(self):
        self.now, self._calendar, self._count = 0, [], 0

    def at(self, cycle, action):
        """Call `action()` at `cycle`, or in this cycle where that is over."""
        self._count += 1
        heappush(self._calendar, (max(cycle, self.now), self._count, action))

    def start(self, steps):
        """Start the process that the generator `steps` describes."""
        self.at(self.now, _Process(self, steps))

    def run(self):
        """Go on until nothing is left to happen."""
        while self._calendar:
            self.now, _, action = heappop(self._calendar)
            action()


class Beats:
    """Beats that come one after the other and are taken in that order, each with the cycle at which it can be taken."""

    def __init__(self, events, name):
        self.events, self.runs, self.added = events, deque(), Signal(events, name)
        self.put = self.taken = 0
        self.removed = Signal(events, f"{name}: room")

    def add(self, last, count, interval=1):
        """Add `count` beats, `interval` cycles apart, the last one at cycle `last`."""
        self.put += count
        self.runs.append([last, count, interval])
        self.added.fire()

    def take(self, count, released=None):
        """Process that takes `count` beats once they are announced; returns the cycle at which the last can be taken.

        released(count, cycle): called for beats that are taken while others are still missing, at the cycle of the last of them.
        """
        last, held = 0, 0
        while count:
            while not self.runs:
                if held and released:
                    released(held, last)
                    held = 0
                yield self.added
            run = self.runs[0]
            taken = min(count, run[1])
            run[1] -= taken
            last = run[0] - run[1] * run[2]
            if not run[1]:
                self.runs.popleft()
            count -= taken
            held += taken
            self.taken += taken
            self.removed.fire()
        return last, held
