# SPDX-License-Identifier: BSD-2-Clause
"""Executes a program's instruction words in time, without data: how many cycles each of its layers takes."""

from accel import isa
from compiler.timing.compute import ComputeEngine
from compiler.timing.dram import DramTimings, Memory
from compiler.timing.events import Beats, Events, Signal
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


class Machine:
    """One job."""

    def __init__(self, config, words, address, image, base, timings=None, waits_for_drain=False):
        self.events = events = Events()
        self.config = config
        instructions = [decode(i, word) for i, word in enumerate(words)]
        memory = Memory(events, timings or DramTimings(), config.beat_bytes)
        semaphores = Semaphores(events)
        places = max(32, 2 * config.burst_beats)
        fetching, loading, weighing = (Reader(events, *values) for values in (
            (places, SHORT_FIFO, "fetch"), (places, SHORT_FIFO, "load engine"), (config.weight_fifo_beats, LONG_FIFO, "weight FIFO")))
        outputs, operands = Beats(events, "output FIFO: beats"), Beats(events, "operand FIFO: beats")
        self.queues = {engine: Queue(events, engine, config.queue_depth, semaphores) for engine in ENGINES}
        self.front = Front(events, config, instructions, fetching, self.queues)
        self.loads = LoadEngine(events, config, self.queues["load"], loading, semaphores, operands, config.output_fifo_beats)
        self.weights = WeightsEngine(events, self.queues["weights"], weighing, semaphores)
        self.compute = ComputeEngine(events, config, self.queues["compute"], semaphores, weighing, Streams(config, instructions, image, base), outputs,
                                     operands, waits_for_drain)
        self.store = StoreEngine(events, config, self.queues["store"], memory, semaphores, outputs)
        for steps in (memory.serve(), ReadArbiter(events, config, memory, (fetching, loading, weighing)).work(), self.front.work(address),
                      self.loads.work(), self.loads.write(), self.weights.work(), self.compute.control(), self.compute.load_steps(), self.compute.drain(),
                      self.store.work()):
            events.start(steps)

    def run(self):
        """Return {record: cycles}."""
        self.events.run()
        ends = self.compute.ends
        end = max(self.store.answered, self.front.ended or 0) + SETTLE
        before, cycles = 0, {}
        for i, (index, cycle) in enumerate(ends):
            cycle = end if i == len(ends) - 1 else cycle
            cycles[index] = cycle - before
            before = cycle
        return cycles
