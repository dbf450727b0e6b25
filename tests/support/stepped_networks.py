# SPDX-License-Identifier: BSD-2-Clause
"""Networks of which the CPU computes layers: before, between and behind the accelerator's programs."""

from dataclasses import fields, replace

import numpy as np

from compiler.ir import Add, Concat, Conv2D, Lookup, Network, Padding, Softmax, Sums, TensorInfo
from compiler.numbers import Rounding

# The steps of stepped(): a kernel's name, or how many layers of the network its program has.
STEPS = ("lookup", 1, "lookup", "lookup", 3, "softmax")


def random_table(seed):
    """Return int8 [256]."""
    return np.random.default_rng(seed).integers(-128, 128, 256).astype(np.int8)


class _Chain:
    """Collects layers; each method returns the name of the new tensor, which is the layer's."""

    def __init__(self, seed, height, width, channels):
        self.rng, self.layers = np.random.default_rng(seed), []
        self.tensors = {"image": TensorInfo("image", height, width, channels, 0.1, -5)}

    def put(self, layer, scale=0.1, zero_point=3, dtype="int8"):
        """Append a layer."""
        shape = layer.output_shape(*(self.tensors[name].shape for name in layer.inputs))
        self.layers.append(layer)
        self.tensors[layer.output] = TensorInfo(layer.output, *shape, scale, zero_point, dtype)
        return layer.output

    def convolution(self, name, source, outputs, size=3, rounding=Rounding.TWICE):
        """Append a convolution whose map has the size of its input's."""
        channels = self.tensors[source].channels
        weights = self.rng.integers(-127, 128, (outputs, size, size, channels))
        multiplier = int((1 << 31) * 0.9)
        shift = -round(np.log2(np.sqrt(size * size * channels) * 75 * 75 / 60))
        bias = self.rng.integers(-3000, 3000, outputs)
        return self.put(Conv2D(name, source, name, weights, bias, np.full(outputs, multiplier), np.full(outputs, shift),
                               padding=Padding(*4 * [size // 2]), rounding=rounding))

    def lookup(self, name, source):
        """Append a Lookup with a random table."""
        return self.put(Lookup(name, source, name, random_table(len(self.layers))))

    def network(self, name):
        """Return the Network of all layers."""
        return Network(name, "image", self.layers[-1].output, self.tensors, tuple(self.layers))


def stepped(seed=0, size=(7, 6), channels=5):
    """Return a Network with all kinds of steps but sums: a Lookup of the image first, two in a row in the middle, a Concat and an Add of what the CPU
    gave, a Softmax last."""
    chain = _Chain(seed, *size, channels)
    first = chain.lookup("first", "image")
    conv = chain.convolution("conv", first, 20, rounding=Rounding.HALF_AWAY)
    one = chain.lookup("one", conv)
    two = chain.lookup("two", one)
    wide = chain.convolution("wide", two, 20, rounding=Rounding.DOWN)
    half = 1 << 30
    added = chain.put(Add("added", wide, one, "added", half, 0, half, 0, int(1.4 * half), -19))
    joined = chain.put(Concat("joined", (two, added), "joined"))
    last = chain.convolution("last", joined, 11, 1, Rounding.HALF_UP)
    chain.put(Softmax("softmax", last, "softmax"), 1 / 256, -128)
    return chain.network("stepped")


def ending_in_sums(seed=0):
    """Return a Network of a convolution, a Lookup, a convolution, and the Sums of all that."""
    chain = _Chain(seed, 5, 4, 3)
    looked = chain.lookup("lookup", chain.convolution("conv", "image", 24))
    last = chain.convolution("last", looked, 18)
    weights = chain.rng.integers(-128, 128, (10, *chain.tensors[last].shape))
    chain.put(Sums("sums", last, "sums", weights, chain.rng.integers(-9999, 9999, 10)), dtype="int32")
    return chain.network("sums")


def behind_a_join(kind):
    """Return a Network in which one of the CPU's layers reads a concatenation with gaps: `kind` is "lookup", "softmax" or "sums"."""
    chain = _Chain(1, 4, 5, 3)
    joined = chain.put(Concat("joined", (chain.convolution("one", "image", 5), chain.convolution("two", "image", 18)), "joined"))
    if kind == "lookup":
        chain.convolution("last", chain.lookup("lookup", joined), 6)
    elif kind == "softmax":
        chain.put(Softmax("softmax", joined, "softmax"), 1 / 256, -128)
    else:
        weights = chain.rng.integers(-128, 128, (3, *chain.tensors[joined].shape))
        chain.put(Sums("sums", joined, "sums", weights, [1, -2, 3]), dtype="int32")
    return chain.network(f"{kind} behind a join")


def with_lookups(network, seed):
    """Return `network` with a Lookup behind some of its tensors, the input among them; all that read the tensor then read the Lookup's output.

    Some tables have few values, so that channels become constant.
    """
    rng = np.random.default_rng(seed)
    tensors, layers, renamed = dict(network.tensors), [], {}

    def look_up(name):
        if rng.random() < 0.3:
            renamed[name] = f"{name} looked up"
            tensors[renamed[name]] = replace(tensors[name], name=renamed[name])
            table = random_table(int(rng.integers(1 << 30)))
            layers.append(Lookup(renamed[name], name, renamed[name], np.maximum(table, 100) if rng.random() < 0.4 else table))

    look_up(network.input)
    for layer in network.layers:
        names = {field.name: _renamed(getattr(layer, field.name), renamed) for field in fields(layer) if field.name in ("input", "other", "inputs")}
        layers.append(replace(layer, **names))
        look_up(layer.output)
    return Network(f"{network.name} with tables", network.input, layers[-1].output, tensors, tuple(layers))


def _renamed(names, renamed):
    return renamed.get(names, names) if isinstance(names, str) else tuple(renamed.get(name, name) for name in names)


def only_on_the_cpu():
    """Return a Network of a Lookup alone."""
    chain = _Chain(0, 2, 2, 3)
    chain.lookup("lookup", "image")
    return chain.network("table")
