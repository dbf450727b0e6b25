# SPDX-License-Identifier: BSD-2-Clause
"""The program under construction: the operations of all layers in order, what each must wait for, and who touched what last."""

from dataclasses import dataclass

from accel import isa


@dataclass(eq=False)
class Op:
    """An instruction before its semaphores are known.

    `needs`: Ops earlier in the program that must be complete before it begins. `index` is its place in the program, `layer` the number of its
    layer. `reads`: the rows of its source that a CONV or POOL reads (a range).
    """

    name: str
    values: dict
    index: int
    layer: int
    needs: tuple = ()
    reads: range = range(0)

    @property
    def engine(self):
        """The engine that executes it."""
        return isa.BY_NAME[self.name].engine


class Schedule:
    """`ops` in program order. Emitters add to it; compiler/link.py makes instructions of it.

    `parts` are for each concatenation the tensors that lie in it. `stored` has for each tensor the Op of the STORE that ends each row, or None where
    no row was stored: the stores of a tensor complete in order, so who waits for that one has the row. `reads` has for each place (first beat, end)
    of the activation buffers the last Op that read it.
    """

    def __init__(self, parts=None):
        self.ops, self.layer, self.settings, self.parts = [], 0, {}, parts or {}
        self.stored, self.reads, self.adding = {}, {}, []

    def add(self, name, needs=(), reads=range(0), **values):
        """Append one instruction; returns its Op."""
        op = Op(name, values, len(self.ops), self.layer, tuple(needs), reads)
        self.ops.append(op)
        return op

    def set(self, name, **values):
        """Append a setting, unless it holds already, perhaps since an earlier layer."""
        key = name, values.get("cluster", 0)
        if self.settings.get(key) != values:
            self.settings[key] = values
            self.add(name, **values)

    def end_layer(self, index):
        """Append the LAYER that closes record `index`."""
        self.add("LAYER", index=index)
        self.layer += 1

    def store(self, tensor, row, height, **values):
        """Append a STORE of a piece of row `row` of `tensor`, which has `height` rows."""
        rows = self.stored.setdefault(tensor, [None] * height)
        rows[row] = self.add("STORE", **values)

    def stores_of(self, tensor, rows=None):
        """Return the Ops after which the rows (a range, or None for all) of a tensor are stored; none where it is the network's input."""
        if tensor in self.parts:
            return [op for part in self.parts[tensor] for op in self.stores_of(part, rows)]
        stored = self.stored.get(tensor, [])
        return [op for op in (stored if rows is None else stored[rows.start:rows.stop]) if op is not None]

    def adds(self):
        """Note that the present layer's drain adds."""
        self.adding.append(self.layer)

    def last_sums(self):
        """Return the Op of the last STORE of the last layer that adds, if any: after it the tables are free."""
        layer = self.adding[-1] if self.adding else None
        return [op for op in reversed(self.ops) if op.name == "STORE" and op.layer == layer][:1]

    def read(self, places, op):
        """Note that `op` reads the beats `places` (a range) of the activation buffers."""
        self.reads[places.start, places.stop] = op

    def readers_of(self, places):
        """Return the last Ops that read any of the beats `places`: who writes there must wait for them."""
        return [op for (first, end), op in self.reads.items() if first < places.stop and places.start < end]
