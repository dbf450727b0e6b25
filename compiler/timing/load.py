# SPDX-License-Identifier: BSD-2-Clause
"""The load and the weights engine: both ask for the next run while the one before arrives."""

from functools import partial

from compiler.timing.events import Signal

# Cycles from acting on a LOAD to its first request, between the requests of its rows, and to its job at the writer.
ASK, NEXT_ROW, HAND = 3, 2, 2
# Cycles from a job at the writer to its first destination beat, from a source beat to its destination beat, and from the last one to its give.
PRIMED, WRITTEN, GIVEN = 2, 1, 2
# Cycles from acting on a WEIGHTS to its request.
ASK_WEIGHTS = 1


class LoadEngine:
    """Executes LOAD_SHAPE, LOAD and LAYER. Destination beats of target 1 go to `operands`, at most `operand_places` of them wait there."""

    def __init__(self, events, config, queue, reader, semaphores, operands, operand_places):
        self.events, self.config, self.queue, self.reader, self.semaphores = events, config, queue, reader, semaphores
        self.operands, self.operand_places = operands, operand_places
        self.job, self.item_bytes = None, 1
        self.shape = {}
        self.handed, self.writer_free = Signal(events, "load engine: a job for the writer"), Signal(events, "load engine: the writer")

    def work(self):
        """Process: takes instructions and asks for rows."""
        events, beat = self.events, self.config.beat_bytes
        while True:
            instruction = yield from self.queue.next()
            if instruction.name == "LAYER":
                while self.job is not None:
                    yield self.writer_free
            self.queue.passed()
            if instruction.name == "LOAD_SHAPE":
                self.shape = instruction.fields
            if instruction.name != "LOAD":
                continue
            act, load = events.now, instruction.fields
            events.start(self._hand(instruction, act + HAND))
            yield act + ASK
            address = load["address"]
            for _ in range(load["rows"]):
                first = address // beat * beat
                yield from self.reader.ask(first, -(-(address + load["length"] - first) // beat))
                address += self.shape["source_pitch"]
            while self.job is None or self.job[0] is not instruction:
                yield self.handed

    def _hand(self, instruction, cycle):
        yield cycle
        while self.job is not None:
            yield self.writer_free
        self.job = instruction, self.shape, self.events.now
        self.handed.fire()

    def write(self):
        """Process: writes the rows of one job after the other, a destination beat a cycle."""
        config = self.config
        while True:
            while self.job is None:
                yield self.handed
            instruction, shape, handed = self.job
            load, item = instruction.fields, shape["item_bytes"]
            chunks, address = load["length"] // item * -(-item // config.beat_bytes), load["address"]
            last = handed + PRIMED
            for _ in range(load["rows"]):
                last = yield from self._row(address, load["length"], chunks, last, load["target"])
                address += shape["source_pitch"]
            yield last
            self.semaphores.give(instruction.gives, last + GIVEN)
            yield last + 1
            self.job = None
            self.writer_free.fire()

    def _row(self, address, length, chunks, last, target):
        """Process: write a row of `length` bytes that gives `chunks` destination beats after cycle `last`; returns the cycle of its last one."""
        first, straddles = divmod(address, self.config.beat_bytes)
        beats = -(-(straddles + length) // self.config.beat_bytes)
        done = taken = 0
        while taken < beats:
            count = min(self.config.burst_beats - (first + taken) % self.config.burst_beats, beats - taken)
            there, held = yield from self.reader.beats.take(count, self.reader.release)
            taken += count
            portion = chunks * taken // beats - done
            done += portion
            last = max(last + max(portion, count if not straddles else portion), there + WRITTEN)
            yield last
            self.reader.release(held, last)
            if target == 1:
                last = yield from self._put_operands(last, portion)
        return last

    def _put_operands(self, last, count):
        """Process: put `count` beats into the operand FIFO, as many at a time as find room; returns the cycle of the last one."""
        while count:
            portion = min(count, self.operand_places)
            while self.operands.put - self.operands.taken + portion > self.operand_places:
                yield self.operands.removed
            last = max(last, self.events.now)
            self.operands.add(last + GIVEN, portion)
            count -= portion
        return last


class WeightsEngine:
    """Executes WEIGHTS and LAYER; the beats of `reader` are the weight FIFO."""

    def __init__(self, events, queue, reader, semaphores):
        self.events, self.queue, self.reader, self.semaphores = events, queue, reader, semaphores

    def work(self):
        """Process: asks for a stream while the one before arrives."""
        events = self.events
        while True:
            instruction = yield from self.queue.next()
            self.queue.passed()
            if instruction.name == "LAYER":
                continue
            yield events.now + ASK_WEIGHTS
            yield from self.reader.ask(instruction.fields["address"], instruction.fields["beats"], partial(self.semaphores.give, instruction.gives))
