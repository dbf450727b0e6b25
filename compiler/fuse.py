# SPDX-License-Identifier: BSD-2-Clause
"""Which layers the accelerator runs as one: a convolution and the 2 x 2 max pool that alone reads it."""

from dataclasses import dataclass, replace

from compiler.ir import Conv2D, FullyConnected, MaxPool2D, Padding


@dataclass(frozen=True)
class Unit:
    """One layer of the accelerator. `layer` reads `layer.input`; its numbers are those of tensor `inner`; `output` is what is stored.

    pool: whether the 2 x 2 maximum of `inner` is stored, else `inner` and `output` are the same. `members` are the names of the network's layers.
    """

    name: str
    op: str
    layer: object
    inner: str
    output: str
    members: tuple
    pool: bool = False


def fused_units(network):
    """Return the network's layers as Units, in order."""
    units, taken = [], set()
    for layer in network.layers:
        pool = _pool_of(network, layer)
        if pool is not None:
            taken.add(pool.name)
            units.append(_fused(layer, pool))
        elif layer.name not in taken:
            units.append(Unit(layer.name, layer.op, layer, layer.output, layer.output, (layer.name,)))
    return units


def _pool_of(network, layer):
    """Return the pool that can be fused into `layer`'s drain, or None."""
    readers = [reader for reader in network.layers if reader.input == layer.output]
    if not isinstance(layer, Conv2D) or isinstance(layer, FullyConnected) or layer.output == network.output or len(readers) != 1:
        return None
    pool = readers[0]
    plain = isinstance(pool, MaxPool2D) and (tuple(pool.window), tuple(pool.stride), pool.padding) == ((2, 2), (2, 2), Padding())
    return pool if plain else None


def _fused(layer, pool):
    """Return the Unit of both. A maximum of clamped numbers, clamped again, is the maximum clamped to the limits of both."""
    low, high = (min(max(limit, pool.clamp_min), pool.clamp_max) for limit in (layer.clamp_min, layer.clamp_max))
    return Unit(f"{layer.name}+{pool.name}", f"{layer.op}+{pool.op}", replace(layer, clamp_min=low, clamp_max=high), layer.output, pool.output,
                (layer.name, pool.name), True)
