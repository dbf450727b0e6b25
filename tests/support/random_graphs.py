# SPDX-License-Identifier: BSD-2-Clause
"""Random networks of all operators with residuals and concatenations, tensors read several times, channels that never change."""

from dataclasses import replace

import numpy as np

from compiler.ir import Add, AveragePool2D, Concat, Network, Padding, Rescale, TensorInfo
from tests.support.random_networks import Limits, next_layer, square_convolution
from tests.support.random_numbers import scaling, zero_point

MOST_LAYERS = 12


class _Graph:
    """Grows layer by layer."""

    def __init__(self, rng, limits, layers):
        self.rng, self.limits, self.most = rng, limits, layers
        shape = rng.integers(1, limits.largest_map + 1), rng.integers(1, limits.largest_map + 1), rng.integers(1, limits.largest_channels + 1)
        self.source = TensorInfo("image", *(int(n) for n in shape), zero_point=zero_point(rng))
        self.tensors, self.layers = {"image": self.source}, []

    def _names(self):
        number = len(self.layers)
        return f"layer{number}", f"t{number}"

    def _put(self, layer, info):
        self.layers.append(layer)
        self.tensors[info.name] = info
        return info

    def _pick(self):
        """Return a tensor, the last one more often than not."""
        infos = list(self.tensors.values())
        return infos[-1] if self.rng.random() < 0.6 else infos[self.rng.integers(len(infos))]

    def chain(self):
        """Append a layer of any kind."""
        return self._put(*next_layer(self.rng, self.limits, self._names(), self._pick()))

    def same(self, source):
        """Append a convolution, now and then an average, whose output has the shape of `source`."""
        if self.rng.random() < 0.15:
            name, output = self._names()
            window = AveragePool2D(name, source.name, output, (3, 3), (1, 1), Padding(1, 1, 1, 1), include_padding=bool(self.rng.random() < 0.5))
            return self._put(window, replace(source, name=output))
        return self._put(*square_convolution(self.rng, self.limits, self._names(), source))

    def residual(self):
        """Append an addition of two tensors of one shape, sometimes of one to itself; a convolution gives the second where there is none."""
        rng, one = self.rng, self._pick()
        others = [info for info in self.tensors.values() if info.shape == one.shape and (info is not one or rng.random() < 0.1)]
        other = others[rng.integers(len(others))] if others and rng.random() < 0.4 else self.same(one)
        if rng.random() < 0.5:
            one, other = other, one
        name, output = self._names()
        low, high = sorted(int(n) for n in rng.integers(-128, 128, 2)) if rng.random() < 0.2 else (-128, 127)
        layer = Add(name, one.name, other.name, output, *scaling(rng, -6, 0, 0), *scaling(rng, -6, 0, 0), *scaling(rng, -20, -15, 30), low, high)
        return self._put(layer, TensorInfo(output, *one.shape, zero_point=zero_point(rng)))

    def concatenation(self):
        """Append a concatenation of tensors of one size, brought to one zero point where they differ."""
        rng, first = self.rng, self._pick()
        fitting = [info for info in self.tensors.values() if info.shape[:2] == first.shape[:2]]
        chosen = [first, *(fitting[rng.integers(len(fitting))] for _ in range(rng.integers(0, 3)))]
        chosen = [self._requantised(info, first.zero_point) for info in chosen]
        name, output = self._names()
        layer = Concat(name, tuple(info.name for info in chosen), output)
        return self._put(layer, TensorInfo(output, *layer.output_shape(*(info.shape for info in chosen)), zero_point=first.zero_point))

    def _requantised(self, info, zero_point):
        if info.zero_point == zero_point:
            return info
        name, output = self._names()
        return self._put(Rescale(name, info.name, output, *scaling(self.rng, -2, 1, 8)), TensorInfo(output, *info.shape, zero_point=zero_point))

    def grow(self):
        """Append layers until there are as many as asked for; returns the Network."""
        while len(self.layers) < self.most:
            choice = self.rng.random()
            room = self.most - len(self.layers)
            if choice < 0.25 and room >= 2:
                self.residual()
            elif choice < 0.45 and room >= 4 and sum(info.channels for info in self.tensors.values()) < 400:
                self.concatenation()
            else:
                self.chain()
        return self.layers[-1].output


def random_graph(seed, columns, layers=None, largest_map=10, largest_kernel=4, largest_channels=20, least_weight=-128, words=10_000):
    """Return a Network of `layers` layers (None: 2 to 12) drawn from `seed`, with residuals and concatenations; see Limits for the rest."""
    rng = np.random.default_rng(seed)
    limits = Limits(columns, largest_map, largest_kernel, largest_channels, least_weight, None, words)
    graph = _Graph(rng, limits, int(rng.integers(2, MOST_LAYERS + 1)) if layers is None else layers)
    output = graph.grow()
    return Network(f"graph-{seed}", "image", output, graph.tensors, tuple(graph.layers))
