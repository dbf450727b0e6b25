# SPDX-License-Identifier: BSD-2-Clause
"""Executes a program's instruction words in time, without data: how many cycles each of its layers takes."""

from accel.errors import UserError
from compiler.timing.compute import ComputeEngine
from compiler.timing.dram import DramTimings, Memory
from compiler.timing.events import Beats, Events
from compiler.timing.front import ENGINES, Front, Queue, Semaphores, decode
from compiler.timing.load import LoadEngine, WeightsEngine
from compiler.timing.reads import ReadArbiter, Reader
from compiler.timing.store import StoreEngine

# Cycles from the last answer to the end of a job.
SETTLE = 16
# From a beat at the core to where it can be taken: the fetch unit's and the load engine's FIFO, the weight FIFO in block RAM.
SHORT_FIFO, LONG_FIFO = 1, 3


class Streams:
    """The weight streams in the order in which a program's WEIGHTS put them into the FIFO. `image` lies at byte `base`."""

    def __init__(self, config, instructions, image, base):
        self.image, self.base, self.beat = memoryview(image), base, config.beat_bytes
        self.runs = [(i.fields["address"], i.fields["beats"]) for i in instructions if i.name == "WEIGHTS"]
        self.number = self.first = 0

    def key(self, place):
        """Return the address of beat number `place` of all, which never goes back."""
        while self.number < len(self.runs) and place >= self.first + self.runs[self.number][1]:
            self.first += self.runs[self.number][1]
            self.number += 1
        if self.number == len(self.runs):
            return None
        return self.runs[self.number][0] + (place - self.first) * self.beat

    def data(self, place):
        """Return the bytes of the stream from beat number `place` on."""
        return self.image[self.key(place) - self.base:]


class Deadlock(UserError):
    """The program never ends, which is a bug in the compiler; the sentence names the earliest instruction that waits, and what for."""


class Machine:
    """One job: `words` lie at byte `address`, `image`, which holds the weight streams, at byte `base`. timings: of memory."""

    def __init__(self, config, words, address, image, base, timings=None):
        self.events = events = Events()
        instructions = [decode(i, word) for i, word in enumerate(words)]
        memory, semaphores = Memory(events, timings or DramTimings(), config.beat_bytes), Semaphores(events)
        readers = [Reader(events, *values) for values in (
            (config.fetch_fifo_beats, SHORT_FIFO, "fetch"), (config.load_fifo_beats, SHORT_FIFO, "load engine"),
            (config.weight_fifo_beats, LONG_FIFO, "weight FIFO"))]
        fetching, loading, weighing = readers
        outputs, operands = Beats(events, "a beat in the output FIFO"), Beats(events, "a beat in the operand FIFO")
        self.queues = {engine: Queue(events, engine, config.queue_depth, semaphores) for engine in ENGINES}
        self.front = Front(events, config, instructions, fetching, self.queues)
        loads = LoadEngine(events, config, self.queues["load"], loading, semaphores, operands, config.output_fifo_beats)
        weights = WeightsEngine(events, self.queues["weights"], weighing, semaphores)
        streams = Streams(config, instructions, image, base)
        self.compute = ComputeEngine(events, config, self.queues["compute"], semaphores, weighing, streams, outputs, operands)
        self.store = StoreEngine(events, config, self.queues["store"], memory, semaphores, outputs, self.compute.words)
        for steps in (memory.serve(), ReadArbiter(events, config, memory, readers).work(), self.front.work(address), loads.work(), loads.write(),
                      weights.work(), self.compute.control(), self.compute.load_steps(), self.compute.drain(), self.store.work()):
            events.start(steps)

    def run(self):
        """Return {record of a layer: its cycles}, as the records count them: from the end of the layer before to the end of its compute
        instructions, the last one until its writes are answered. Raises Deadlock."""
        self.events.run()
        self._check()
        end = max(self.store.answered, self.front.ended) + SETTLE
        before, cycles = 0, {}
        for i, (record, cycle) in enumerate(self.compute.ends):
            cycle = end if i == len(self.compute.ends) - 1 else cycle
            cycles[record], before = cycle - before, cycle
        return cycles

    def _check(self):
        """Raise Deadlock where instructions or beats are left."""
        waiting = [(queue.held[0][1], queue.reason()) for queue in self.queues.values() if queue.held]
        if self.compute.unfinished:
            waiting.append((self.compute.conv[0], "more beats of its weight stream"))
        if self.store.missing:
            waiting.append((self.store.missing, "more beats in the output FIFO"))
        if waiting:
            instruction, reason = min(waiting, key=lambda pair: pair[0].position)
            raise Deadlock(f"the program never ends: {instruction.text} waits for {reason}; this is a bug in the compiler")
        if self.front.ended is None:
            raise Deadlock("the program never ends: it has no END")
