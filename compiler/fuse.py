# SPDX-License-Identifier: BSD-2-Clause
"""Which layers the accelerator runs as one: a convolution and the 2 x 2 max pool, or the addition, that alone reads it."""

from dataclasses import dataclass, replace

from compiler.ir import Add, AveragePool2D, Concat, Conv2D, FullyConnected, MaxPool2D, Padding, Rescale


@dataclass(frozen=True)
class Unit:
    """One layer of the accelerator. `layer` reads `layer.input`; its numbers are those of tensor `inner`; `output` is what is stored.

    pool: whether the 2 x 2 maximum of `inner` is stored. addition: the Add whose sum of `inner` and another tensor is stored, or None. Without both
    `inner` and `output` are the same. `members` are the names of the network's layers.
    """

    name: str
    op: str
    layer: object
    inner: str
    output: str
    members: tuple
    pool: bool = False
    addition: Add | None = None

    @property
    def operand(self):
        """The name of the tensor that is added, or None."""
        return None if self.addition is None else self.addition.inputs[1 - self.own]

    @property
    def own(self):
        """Which input of the addition the unit computes itself."""
        return self.addition.inputs.index(self.inner)


def fused_units(network):
    """Return the network's layers as Units, in order: a layer that an addition takes in stands at the addition's place. A Concat is none."""
    carriers = {layer.name: carrier(network, layer) for layer in network.layers if isinstance(layer, Add)}
    taken = {layer.name for layer in carriers.values()}
    units = []
    for layer in network.layers:
        if layer.name in taken or isinstance(layer, Concat):
            continue
        pool = _pool_of(network, layer)
        if layer.name in carriers:
            units.append(_with_addition(carriers[layer.name], layer))
        elif pool is not None:
            taken.add(pool.name)
            units.append(_with_pool(layer, pool))
        else:
            units.append(Unit(layer.name, layer.op, layer, layer.output, layer.output, (layer.name,)))
    return units


def can_carry(network, add, name):
    """Whether the layer that writes tensor `name` can have the addition `add` in its drain: nothing else reads the tensor, and it multiplies."""
    writer = next((layer for layer in network.layers if layer.output == name), None)
    alone = network.readers(name) == [add] and add.inputs.count(name) == 1 and name != network.output
    return alone and isinstance(writer, (Conv2D, AveragePool2D, Rescale))


def carrier(network, add):
    """Return the layer into whose drain an addition goes, of two that can the one with more work, or None where neither can."""
    found = [layer for layer in network.layers if layer.output in add.inputs and can_carry(network, add, layer.output)]
    return max(found, key=network.macs, default=None)


def _pool_of(network, layer):
    """Return the pool that can be fused into `layer`'s drain, or None."""
    readers = network.readers(layer.output)
    if not isinstance(layer, Conv2D) or isinstance(layer, FullyConnected) or layer.output == network.output or len(readers) != 1:
        return None
    pool = readers[0]
    plain = isinstance(pool, MaxPool2D) and (tuple(pool.window), tuple(pool.stride), pool.padding) == ((2, 2), (2, 2), Padding())
    return pool if plain else None


def _with_pool(layer, pool):
    """Return the Unit of both. A maximum of clamped numbers, clamped again, is the maximum clamped to the limits of both."""
    low, high = (min(max(limit, pool.clamp_min), pool.clamp_max) for limit in (layer.clamp_min, layer.clamp_max))
    return Unit(f"{layer.name}+{pool.name}", f"{layer.op}+{pool.op}", replace(layer, clamp_min=low, clamp_max=high), layer.output, pool.output,
                (layer.name, pool.name), True)


def _with_addition(layer, add):
    return Unit(f"{layer.name}+{add.name}", f"{layer.op}+{add.op}", layer, layer.output, add.output, (layer.name, add.name), addition=add)
