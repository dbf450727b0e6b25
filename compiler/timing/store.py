# SPDX-License-Identifier: BSD-2-Clause
"""The store engine: bursts of the output FIFO to memory, and copies of them into activation buffers."""

from compiler.timing.events import Signal
from compiler.timing.masks import follow_mask

# Cycles from acting on a STORE (or from the burst before) to its first burst; from a burst's begin to its first beat; from an answer to its give.
CUT, FIRST_BEAT, GIVEN = 3, 2, 1
# From the cycle after a burst's last beat to the give of its copy.
COPIED = 0
# Writes that memory may still have to answer, and those that wait at its port.
ANSWERS, WAITING = 16, 2


class StoreEngine:
    """Executes STORE and LAYER; `words`: the compute engine's dynamic mask. `answered` is when memory has answered the last write, `missing` the STORE whose beats are not all there."""

    def __init__(self, events, config, queue, memory, semaphores, outputs, words):
        self.events, self.config, self.queue, self.memory, self.semaphores, self.outputs = events, config, queue, memory, semaphores, outputs
        self.under_way, self.answered, self.missing, self.words = 0, 0, None, words
        self.answer = Signal(events, "store engine: the answer of a write")

    def work(self):
        """Process: takes instructions and moves bursts."""
        events, config = self.events, self.config
        line = config.burst_beats * config.beat_bytes
        free = 0
        while True:
            instruction = yield from self.queue.next()
            if instruction.name == "LAYER":
                while self.under_way:
                    yield self.answer
                self.queue.passed()
                continue
            self.queue.passed()
            self.missing, store, cut = instruction, instruction.fields, events.now + CUT
            address, left = store["address"], store["beats"]
            while left:
                beats = min(left, (line - address % line) // config.beat_bytes)
                there, _ = yield from self.outputs.take(beats)
                yield max(there + 1, cut, free)
                while self.under_way >= ANSWERS:
                    yield self.answer
                while len(self.memory.writes) >= WAITING:
                    yield self.memory.write_taken
                begin, left = events.now, left - beats
                self.under_way += 1
                yield begin + FIRST_BEAT
                self.memory.write(address, beats, self._answered(() if left else instruction.gives))
                address += beats * config.beat_bytes
                cut, free = begin + CUT, begin + FIRST_BEAT + beats
                self.outputs.removed.fire()
                if not left:
                    # A semaphore that the STORE itself gives too is given once, with its answer.
                    copied = {store["copy_signal"] - 8} - set(instruction.gives) if store["copy_signal"] >= 8 else ()
                    self.semaphores.give(copied, free + COPIED)
            follow_mask(self.words, instruction, config)
            self.missing = None

    def _answered(self, gives):
        def answer(cycle):
            self.semaphores.give(gives, cycle + GIVEN)
            self.answered = cycle
            self.events.at(cycle, self._count)
        return answer

    def _count(self):
        self.under_way -= 1
        self.answer.fire()
