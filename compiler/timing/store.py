# SPDX-License-Identifier: BSD-2-Clause
"""The store engine: bursts of the output FIFO to memory, and copies of them into activation buffers."""

from compiler.timing.events import Signal

# Cycles from acting on a STORE (or from the burst before) to its first burst; from a burst's begin to its first beat; from an answer to its give.
CUT, FIRST_BEAT, GIVEN = 3, 2, 1
# From the last beat of a copy to its give.
COPIED = 2
# Writes that memory may still have to answer.
ANSWERS = 16


class StoreEngine:
    """Executes STORE and LAYER; `answered` is when memory has answered the last write, `missing` the STORE whose beats are not all there."""

    def __init__(self, events, config, queue, memory, semaphores, outputs):
        self.events, self.config, self.queue, self.memory, self.semaphores, self.outputs = events, config, queue, memory, semaphores, outputs
        self.under_way, self.answered, self.missing = 0, 0, None
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
                begin, left = events.now, left - beats
                self.under_way += 1
                yield begin + FIRST_BEAT
                self.memory.write(address, beats, self._answered(() if left else instruction.gives))
                address += beats * config.beat_bytes
                cut, free = begin + CUT, begin + FIRST_BEAT + beats
                self.outputs.removed.fire()
                if left:
                    continue
                self.missing = None
                if store["copy_clusters"] and store["copy_signal"] >= 8:
                    self.semaphores.give((store["copy_signal"] - 8,), free + COPIED)

    def _answered(self, gives):
        def answer(cycle):
            self.semaphores.give(gives, cycle + GIVEN)
            self.answered = cycle
            self.events.at(cycle, self._count)
        return answer

    def _count(self):
        self.under_way -= 1
        self.answer.fire()
