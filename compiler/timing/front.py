# SPDX-License-Identifier: BSD-2-Clause
"""The way of instructions: fetched, dispatched to the engines' queues, held at the gates until their semaphores are there."""

from collections import deque
from dataclasses import dataclass

from accel import isa
from compiler.timing.events import Signal

# Cycles from the doorbell to the fetch unit's request.
START = 2
# Cycles that dispatch takes for an instruction, for one with a filter mask of n words FILTERS + n, and from one LAYER to the next.
DISPATCH, FILTERS, LAYER_SPACE = 2, 4, 8
# Cycles from passing an instruction to the next one at the gate: any, one that may take semaphores, a LAYER.
PASS, PASS_SYNC, PASS_LAYER = 1, 2, 8
# Cycles from a give to the count that the gates see.
COUNTED = 1
ENGINES = ("load", "weights", "compute", "store")


@dataclass(frozen=True)
class Decoded:
    """An instruction: its `position` in the program, `name`, `fields`, the semaphores it `takes` and `gives`."""

    position: int
    name: str
    fields: dict
    takes: tuple
    gives: tuple

    @property
    def text(self):
        """What an error says of it."""
        return f"instruction {self.position} ({self.name})"


def decode(position, word):
    """Return the Decoded of an instruction word. Raises ValueError for an unknown opcode."""
    name, fields = isa.decode(word)
    if name is None:
        raise ValueError(f"instruction {position} has an unknown opcode")
    named = [tuple(sorted({fields[key] - 8 for key in keys if fields.get(key, 0) >= 8})) for keys in (("wait_a", "wait_b"), ("signal_a", "signal_b"))]
    return Decoded(position, name, fields, *named)


class Semaphores:
    """The counters, at 0 at first."""

    def __init__(self, events):
        self.events, self.counts = events, [0] * isa.SEMAPHORES
        self.given = [Signal(events, f"semaphore {number}") for number in range(isa.SEMAPHORES)]

    def give(self, numbers, cycle):
        """Give each of `numbers` at `cycle`."""
        def count():
            for number in numbers:
                self.counts[number] += 1
                self.given[number].fire()
        if numbers:
            self.events.at(cycle + COUNTED, count)

    def wait(self, numbers):
        """Process: return when each of `numbers` is there, and take them."""
        for number in numbers:
            while not self.counts[number]:
                yield self.given[number]
        for number in numbers:
            self.counts[number] -= 1


class Queue:
    """An engine's queue and gate."""

    def __init__(self, events, name, depth, semaphores):
        self.events, self.depth, self.semaphores = events, depth, semaphores
        self.held, self.free_from = deque(), 0
        self.filled, self.room = Signal(events, f"{name}: an instruction"), Signal(events, f"room in the queue of {name}")
        self.open = False

    def push(self, instruction):
        """Put in an instruction in this cycle."""
        self.held.append((self.events.now + 1, instruction))
        self.filled.fire()

    def next(self):
        """Process: return the next instruction in the first cycle in which the engine can act on it; `passed` must follow."""
        while not self.held:
            yield self.filled
        there, instruction = self.held[0]
        yield max(there, self.free_from)
        yield from self.semaphores.wait(instruction.takes)
        self.open = True
        # The engine looks at it first.
        yield self.events.now + 1
        return instruction

    def reason(self):
        """Return what the instruction at the head waits for, where nothing happens any more."""
        missing = [number for number in self.held[0][1].takes if not self.semaphores.counts[number]]
        return f"semaphore {missing[0]}" if missing and not self.open else "what is before it in its engine"

    def passed(self):
        """The engine acts on the instruction in this cycle."""
        _, instruction = self.held.popleft()
        pause = PASS_LAYER if instruction.name == "LAYER" else PASS_SYNC if "wait_a" in instruction.fields else PASS
        self.free_from, self.open = self.events.now + pause, False
        self.room.fire()


class Front:
    """Fetches and dispatches `instructions` to `queues` by engine."""

    def __init__(self, events, config, instructions, reader, queues):
        self.events, self.config, self.instructions, self.reader, self.queues = events, config, instructions, reader, queues
        self.ended = None

    def work(self, address):
        """Process: from the doorbell at cycle 0 to END; `ended` is then its cycle."""
        events, beats = self.events, 16 // self.config.beat_bytes
        yield START
        events.start(self.reader.ask(address, beats * len(self.instructions)))
        layer_from = free_from = 0
        for instruction in self.instructions:
            there, count = yield from self.reader.beats.take(beats)
            looked = max(there, free_from)
            filters = instruction.fields.get("planes", 0)
            yield max(looked + (FILTERS + filters if filters else DISPATCH) - 1, layer_from if instruction.name == "LAYER" else 0)
            engines = ENGINES if instruction.name == "LAYER" else (isa.BY_NAME[instruction.name].engine,)
            queues = [self.queues[engine] for engine in engines if engine != "control"]
            for queue in queues:
                while len(queue.held) >= queue.depth:
                    yield queue.room
            for queue in queues:
                queue.push(instruction)
            if instruction.name == "LAYER":
                layer_from = events.now + LAYER_SPACE
            self.reader.release(count, events.now)
            free_from = events.now + 1
        self.ended = events.now
