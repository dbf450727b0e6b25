# SPDX-License-Identifier: BSD-2-Clause
"""Networks whose filters lack input channels each in its own way, and those in which a shuffle hides that filters lack the same ones."""

from dataclasses import replace

import numpy as np

from compiler.depthwise import runs_depthwise
from compiler.ir import Add, AveragePool2D, Concat, Conv2D, FullyConnected, MaxPool2D, Network, Padding, TensorInfo
from tests.support.random_graphs import random_graph

ZERO = 4
_SAME = Padding(1, 1, 1, 1)


def sparse_graph(seed, columns, density=0.3, **options):
    """Return a random_graph of which each filter of a convolution reads an input channel with probability `density`, or its last one."""
    network, rng = random_graph(seed, columns, **options), np.random.default_rng(seed)

    def sparse(layer):
        if not isinstance(layer, Conv2D) or runs_depthwise(layer):
            return layer
        keeps = rng.random((len(layer.weights), 1, 1, layer.weights.shape[3])) < density
        keeps[..., -1] = True
        return replace(layer, weights=layer.weights * keeps)

    return replace(network, layers=tuple(map(sparse, network.layers)))


class SparseNet:
    """Collects layers over "image", 6 x 6 pixels; each method returns the name of its output."""

    def __init__(self, channels, seed=5):
        self.rng, self.layers = np.random.default_rng(seed), []
        self.tensors = {"image": TensorInfo("image", 6, 6, channels, zero_point=-20)}

    def put(self, layer):
        """Append any layer."""
        shape = layer.output_shape(*(self.tensors[name].shape for name in layer.inputs))
        self.tensors[layer.output] = TensorInfo(layer.output, *shape, zero_point=ZERO)
        self.layers.append(layer)
        return layer.output

    def conv(self, source, outputs, classes=1, groups=1, size=3, dead=(), mask=False, kind=Conv2D):
        """A convolution whose filters, in each group, are of `classes` kinds in a shuffled order: those of a kind read the same run of channels.

        dead: filters whose output is always the zero point. mask: a dynamic mask of half of the channels.
        """
        info, name = self.tensors[source], f"c{len(self.layers)}"
        kernel = info.shape[:2] if kind is FullyConnected else (size, size)
        inputs, each = info.channels // groups, outputs // groups
        weights = self.rng.integers(1, 128, (outputs, *kernel, inputs)) * self.rng.choice([-1, 1], (outputs, *kernel, inputs))
        kinds = np.concatenate([self.rng.permutation(np.arange(each) * classes // each) for _ in range(groups)])
        weights *= (kinds[:, None] == np.arange(inputs) * classes // inputs)[:, None, None, :]
        multipliers = self.rng.integers(1 << 30, 1 << 31, outputs)
        multipliers[list(dead)] = 0
        shift = round(np.log2(60 / (75 * 75 * np.sqrt(weights[0].size / classes))))
        kept = self.rng.random(info.channels) < 0.5 if mask else None
        return self.put(kind(name, source, name, weights, self.rng.integers(-999, 1000, outputs), multipliers, np.full(outputs, shift),
                             padding=_SAME if kind is Conv2D and size == 3 else Padding(), groups=groups, dynamic_mask=kept))

    def add(self, one, other):
        """A sum."""
        name = f"a{len(self.layers)}"
        return self.put(Add(name, one, other, name, 1 << 30, 0, 1 << 30, 0, 1 << 30, -17))

    def concat(self, *sources):
        """The channels of several tensors."""
        name = f"j{len(self.layers)}"
        return self.put(Concat(name, sources, name))

    def pool(self, source, kind=MaxPool2D):
        """A 3 x 3 pool that keeps the size."""
        name = f"p{len(self.layers)}"
        return self.put(kind(name, source, name, (3, 3), (1, 1), _SAME))

    def average(self, source):
        """A 3 x 3 average that keeps the size."""
        return self.pool(source, AveragePool2D)

    def network(self):
        """Return the Network whose output is that of the last layer."""
        return Network("sparse", "image", self.layers[-1].output, self.tensors, tuple(self.layers))
