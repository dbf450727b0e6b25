# SPDX-License-Identifier: BSD-2-Clause
"""The compute engine: settings, the step loader and the walker, pools and the drain. See docs/architecture.md, Time inside the compute engine."""

from collections import deque

from compiler.timing.events import Signal
from compiler.timing.masks import follow_mask
from compiler.timing.steps import stream_steps

# Cycles from acting on a CONV to its first beat of the stream, from its last beat of weights to its first one of parameters, and from the end of
# the loader's work to the next CONV that it can take.
FIRST_BEAT, PARAMETERS, READY = 2, 1, 1
# From the last pixel to its drain's start (the hardware's TO_GRID and GRID_LATENCY), from there to the first read, from the last read to the free bank.
TO_DRAIN, FIRST_READ, FREED = 12, 2, 4
# From a read to its beat in the output FIFO: 2 of the grid, 14 of the requantiser, 1 each of the gathering and of the FIFO before the output.
TO_OUTPUT = 18
# With an addition, from a read to the one of its sum in the lanes.
SUM_DELAY = 17
# Beats begun in the drain that the output FIFO has not taken.
SKID = 32
# Cycles from the last activation's read to the give, and from acting on a LAYER to the end in its record.
GIVEN, LAYER_ENDS = 4, 4
# A pool: from acting on it to its first window, from a window's last position to its beat, and the least cycles of a window.
FIRST_WINDOW, WINDOW_OUT, LEAST_WINDOW = 2, 14, 4


class ComputeEngine:
    """Executes SHAPE, WALK, DRAIN, TILE, MASK, CONV, POOL and LAYER; `ends` are the cycles at which layers end, `words` the dynamic
    mask (see follow_mask).

    weights: the Reader of the weight FIFO. streams: the Streams behind it. outputs, operands: the Beats of the output and the operand FIFO.
    """

    def __init__(self, events, config, queue, semaphores, weights, streams, outputs, operands):
        self.events, self.config, self.queue, self.semaphores = events, config, queue, semaphores
        self.weights, self.streams, self.outputs, self.operands = weights, streams, outputs, operands
        self.settings, self.tiles, self.words, self.known = {}, {}, {}, {}
        self.stream_place = 0
        self.conv, self.pending = None, False
        self.started, self.opened, self.loaded = (Signal(events, f"compute engine: {what}") for what in (
            "a CONV", "the first step of a CONV", "the end of a CONV's stream"))
        self.boundary = self.allowed = 0       # when the last step's pixels are out; when the drain takes another tile
        self.bank, self.busy_banks = 0, [False, False]
        self.to_drain, self.drains = deque(), Signal(events, "compute engine: a tile to drain")
        self.bank_freed = Signal(events, "compute engine: a bank of partial sums")
        self.tile_ended = Signal(events, "compute engine: the end of a tile")
        self.unfinished = 0
        self.out_free = self.drained = 0       # when the pool's output, or the last drain's, is through
        self.ends = []

    def control(self):
        """Process: takes instructions."""
        events = self.events
        while True:
            instruction = yield from self.queue.next()
            name, fields = instruction.name, instruction.fields
            while self.pending:
                yield self.opened
            if name in ("CONV", "MASK", "POOL", "LAYER"):
                while self.conv is not None:
                    yield self.loaded
            if name in ("POOL", "LAYER"):
                yield from self._quiet(name == "POOL")
            yield self.out_free
            self.queue.passed()
            if name == "TILE":
                self.tiles[fields["cluster"]] = fields
            elif name == "MASK":
                follow_mask(self.words, instruction, self.config)
            elif name == "CONV":
                self.conv, self.pending = (instruction, dict(self.settings), dict(self.tiles), events.now), True
                self.started.fire()
            elif name == "POOL":
                yield from self._pool(instruction, events.now)
            elif name == "LAYER":
                self.ends.append((fields["index"], events.now + LAYER_ENDS))
            else:
                self.settings[name] = fields

    def _quiet(self, drained):
        """Process: until the last tile's pixels are issued, and where `drained` all its outputs have left."""
        while self.unfinished:
            yield self.tile_ended
        yield self.boundary + 1
        if drained:
            while any(self.busy_banks) or self.to_drain:
                yield self.bank_freed
            yield self.drained

    def load_steps(self):
        """Process: the step loader and the walker, CONV by CONV."""
        events, config = self.events, self.config
        while True:
            while self.conv is None:
                yield self.started
            instruction, settings, tiles, act = self.conv
            conv, shape = instruction.fields, settings["SHAPE"]
            self.unfinished += 1
            sets = config.clusters if shape["split"] else 1
            pixels = conv["pixels"] + shape["dynamic"]
            steps = yield from self._steps(shape, pixels)
            taken, loaded = yield from self._walk(steps, act + FIRST_BEAT, pixels)
            if not conv["keep"]:
                records = sets * config.columns + settings["DRAIN"]["add"] * config.requantise_lanes
                loaded = yield from self._parameters(loaded + PARAMETERS, records * config.parameter_beats)
            finished = max(loaded, taken) + 1
            yield finished
            while self.unfinished > 1:
                yield self.tile_ended
            events.start(self._finish(instruction, settings, tiles, self.bank, max(taken + pixels, finished)))
            self.boundary = taken + pixels
            if not conv["keep"]:
                self.bank ^= 1
            yield finished - 1 + READY
            self.conv = None
            self.loaded.fire()

    def _steps(self, shape, pixels):
        """Process: return the Steps of the CONV whose stream begins here, and move on behind it."""
        while self.streams.key(self.stream_place) is None:
            yield self.weights.beats.added
        key = self.streams.key(self.stream_place), pixels, tuple(shape.items()), tuple(self.words.items()) if shape["dynamic"] else ()
        if key not in self.known:
            self.known[key] = stream_steps(self.config, self.streams.data(self.stream_place), shape, pixels, self.words)
        self.stream_place += self.known[key].beats
        return self.known[key]

    def _walk(self, steps, first, pixels):
        """Process: returns (when the last step was taken, when the loader is done with it)."""
        taken, loaded = None, first
        for chunk in steps.chunks:
            there, held = yield from self.weights.beats.take(chunk.beats, self.weights.release)
            if taken is None:
                loaded = max(first + chunk.beats, there + 1)
                taken = yield from self._open(loaded)
            else:
                taken = max(taken + chunk.cycles, there + 1)
                loaded = max(taken - chunk.lead, there + 1)
            self.weights.release(held, loaded)
            yield loaded
        if steps.rest:
            there, held = yield from self.weights.beats.take(steps.rest, self.weights.release)
            loaded = max(loaded + steps.rest, there + 1)
            self.weights.release(held, loaded)
        if taken is None:
            taken = yield from self._open(loaded + 1)
        return taken, loaded

    def _open(self, prepared):
        """Process: take a tile's first step; returns when."""
        yield max(prepared, self.boundary)
        while self.unfinished > 1:
            yield self.tile_ended
        while self.busy_banks[self.bank]:
            yield self.bank_freed
        taken = self.events.now
        yield taken + 1
        self.pending = False
        self.opened.fire()
        return taken

    def _parameters(self, first, count):
        """Process: take the parameters, once their bank is free; returns when the last is taken."""
        yield first
        while self.busy_banks[self.bank]:
            yield self.bank_freed
        there, held = yield from self.weights.beats.take(count, self.weights.release)
        self.stream_place += count
        loaded = max(self.events.now + count, there + 1)
        self.weights.release(held, loaded)
        return loaded

    def _finish(self, instruction, settings, tiles, bank, cycle):
        """Process: the end of a tile, when its last pixel is out and the drain takes it."""
        yield max(cycle, self.allowed)
        now, conv = self.events.now, instruction.fields
        self.semaphores.give(instruction.gives, now + GIVEN)
        if not conv["keep"]:
            self.busy_banks[bank] = True
            self.allowed = now + TO_DRAIN + 1
            self.to_drain.append((bank, settings, tiles, now + TO_DRAIN))
            self.drains.fire()
        self.unfinished -= 1
        self.tile_ended.fire()

    def drain(self):
        """Process: drains tile by tile, cluster by cluster."""
        events, config = self.events, self.config
        free = 0
        while True:
            while not self.to_drain:
                yield self.drains
            bank, settings, tiles, start = self.to_drain[0]
            numbers, shape = settings["DRAIN"], settings["SHAPE"]
            groups = config.columns // config.requantise_lanes
            late = SUM_DELAY if numbers["add"] else 0
            interval = groups * (2 if numbers["add"] else 1) * (4 if numbers["pool_columns"] else 1)
            cycle = max(start + FIRST_READ, free)
            for cluster in range(config.clusters):
                left = tiles[cluster]["pixels"] // (4 if numbers["pool_columns"] else 1)
                cycle += groups * shape["dynamic"]
                while left:
                    count = min(left, config.burst_beats)
                    while self.outputs.put - self.outputs.taken + count > config.output_fifo_beats + SKID:
                        yield self.outputs.removed
                    cycle = max(cycle, events.now)
                    if numbers["add"]:
                        there, _ = yield from self.operands.take(count)
                        cycle = max(cycle, there - (count - 1) * interval)
                    cycle += interval * count
                    self.drained = cycle + TO_OUTPUT + late
                    self.outputs.add(self.drained - 1, count, interval)
                    yield cycle
                    left -= count
                cycle += 1
            free = cycle + late + 1
            yield free - 2 + FREED
            self.to_drain.popleft()
            self.busy_banks[bank] = False
            self.bank_freed.fire()

    def _pool(self, instruction, act):
        """Process: the windows of a pool."""
        shape, pixels = self.settings["SHAPE"], self.tiles[0]["pixels"]
        window = max(shape["kernel_height"] * shape["kernel_width"], LEAST_WINDOW)
        cycle, left = act + FIRST_WINDOW, pixels
        while left:
            count = min(left, self.config.burst_beats)
            while self.outputs.put - self.outputs.taken + count > self.config.output_fifo_beats:
                yield self.outputs.removed
            cycle = max(cycle, self.events.now)
            self.outputs.add(cycle + window * count - 1 + WINDOW_OUT, count, window)
            cycle += window * count
            yield cycle
            left -= count
        self.semaphores.give(instruction.gives, cycle - 1 + GIVEN)
        self.out_free = cycle + WINDOW_OUT
