# SPDX-License-Identifier: BSD-2-Clause
"""Runs a program through queues and FIFOs of the hardware's sizes, as counts only: does it get stuck, where the golden model's queues are endless?"""

from collections import deque

from accel import isa

ENGINES = ("load", "weights", "compute", "store")


class BoundedQueues:
    """Each engine in turn goes as far as it can. `depth` instructions a queue (default: the configuration's)."""

    def __init__(self, config, words, depth=None):
        self.config, self.depth = config, depth or config.queue_depth
        self.program = deque(map(isa.decode, words))
        self.queues = {engine: deque() for engine in ENGINES}
        self.running = dict.fromkeys(ENGINES)
        self.semaphores = [0] * isa.SEMAPHORES
        self.weights, self.outputs, self.operands = 0, 0, 0
        # One WEIGHTS a tile; of its CONVs those that keep their sums are taken to need no beats, the last one all.
        self.tile_beats = deque(values["beats"] for name, values in self.program if name == "WEIGHTS")
        self.tiles, self.pool, self.add, self.item = [0] * config.clusters, 0, 0, 1

    def left_over(self):
        """Run; returns how many instructions did not complete (0: all did) and the beats left in the FIFOs."""
        moved = True
        while moved:
            moved = self._dispatch()
            for engine in ENGINES:
                while getattr(self, f"_{engine}")():
                    moved = True
        waiting = len(self.program) + sum(len(queue) for queue in self.queues.values()) + sum(step is not None for step in self.running.values())
        return waiting, self.weights + self.outputs + self.operands

    def _dispatch(self):
        moved = False
        while self.program:
            name, values = self.program[0]
            engine = isa.BY_NAME[name].engine
            engines = ENGINES if name == "LAYER" else () if engine == "control" else (engine,)
            if any(len(self.queues[one]) >= self.depth for one in engines):
                break
            for one in engines:
                self.queues[one].append((name, values))
            self.program.popleft()
            moved = True
        return moved

    def _take(self, engine):
        """Return the engine's next instruction once it has its semaphores, else None."""
        if not self.queues[engine]:
            return None
        name, values = self.queues[engine][0]
        waits = [wait - 8 for wait in {values.get("wait_a", 0), values.get("wait_b", 0)} if wait]
        if any(not self.semaphores[wait] for wait in waits):
            return None
        for wait in waits:
            self.semaphores[wait] -= 1
        self.queues[engine].popleft()
        return name, values

    def _give(self, values):
        for signal in {values.get(key, 0) for key in ("signal_a", "signal_b", "copy_signal")} - {0}:
            self.semaphores[signal - 8] += 1
            assert self.semaphores[signal - 8] <= 63

    def _load(self):
        def start(name, values):
            if name == "LOAD_SHAPE":
                self.item = values["item_bytes"]
            if name != "LOAD" or values["target"] != 1:
                return 0
            return values["rows"] * (values["length"] // self.item) * -(-self.item // self.config.beat_bytes)

        def move(left):
            gone = min(left, self.config.output_fifo_beats - self.operands)
            self.operands += gone
            return gone

        return self._flow("load", start, move)

    def _flow(self, engine, start, move):
        """Run an instruction that takes beats a few at a time: start(name, values) gives their number, move(left) how many go now."""
        if self.running[engine] is None:
            taken = self._take(engine)
            if taken is None:
                return False
            self.running[engine] = [start(*taken), taken[1]]
        step = self.running[engine]
        gone = move(step[0])
        step[0] -= gone
        if step[0] == 0:
            self.running[engine] = None
            self._give(step[1])
            return True
        return gone > 0

    def _weights(self):
        def move(left):
            gone = min(left, self.config.weight_fifo_beats - self.weights)
            self.weights += gone
            return gone

        return self._flow("weights", lambda name, values: values.get("beats", 0), move)

    def _store(self):
        def move(left):
            burst = min(left, self.config.burst_beats)
            gone = burst if self.outputs >= burst else 0
            self.outputs -= gone
            return gone

        return self._flow("store", lambda name, values: values.get("beats", 0), move)

    def _compute(self):
        if self.running["compute"] is None:
            taken = self._take("compute")
            if taken is None:
                return False
            name, values = taken
            if name == "TILE":
                self.tiles[values["cluster"]] = values["pixels"]
            elif name == "DRAIN":
                self.pool, self.add = values["pool_columns"], values["add"]
            ends = name == "CONV" and not values["keep"]
            drained = sum(self.tiles) if ends else self.tiles[0] if name == "POOL" else 0
            self.running["compute"] = [values, self.tile_beats.popleft() if ends else 0, drained // (4 if self.pool else 1), False]
        values, needed, drained, given = step = self.running["compute"]
        gone = min(needed, self.weights)
        self.weights, step[1] = self.weights - gone, needed - gone
        if step[1]:
            return gone > 0
        if not given:
            self._give(values)
            step[3] = True
        gone = min(drained, self.config.output_fifo_beats - self.outputs, self.operands if self.add else drained)
        self.outputs, self.operands, step[2] = self.outputs + gone, self.operands - (gone if self.add else 0), drained - gone
        if step[2]:
            return gone > 0
        self.running["compute"] = None
        return True
