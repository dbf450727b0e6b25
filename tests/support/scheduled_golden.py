# SPDX-License-Identifier: BSD-2-Clause
"""The golden model with its engines in another order: a program whose semaphores are right gives the same in every order."""

import random

from accel.golden import Golden

EARLY_STORES = ("store", "load", "weights", "compute")
LATE_STORES = ("load", "weights", "compute", "store")
LATE_LOADS = ("compute", "store", "weights", "load")
ORDERS = (EARLY_STORES, LATE_STORES, LATE_LOADS)


class ScheduledGolden(Golden):
    """One instruction at a time, always of the first engine of `order` that can move; with order None of a random one, drawn from `seed`.

    A STORE moves what beats are there, as the hardware does.
    """

    def __init__(self, config, memory, origin=0, filters=None, order=None, seed=0):
        super().__init__(config, memory, origin, filters)
        self.order, self.random = order, random.Random(seed)

    def _run_engines(self):
        def move():
            order = self.order or self.random.sample(tuple(self.queues), len(self.queues))
            return any(self.queues[engine] and self._step(engine) for engine in order)

        while move():
            pass
        super()._run_engines()

    def _step(self, engine):
        there = len(self.outputs)
        if engine == "store" and self.queues[engine]:
            position, name, values = self.queues[engine][0]
            if name == "STORE" and 0 < there < values["beats"]:
                self._store({**values, "beats": there}, position)
                rest = {**values, "beats": values["beats"] - there, "address": values["address"] + there * self.config.beat_bytes,
                        "mask_first": 0,
                        "copy_destination": values["copy_destination"] + there * values["copy_pitch"]}
                self.queues[engine][0] = position, name, rest
                return True
        return super()._step(engine)
