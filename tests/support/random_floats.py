# SPDX-License-Identifier: BSD-2-Clause
"""Random float networks of all kinds of layers, their values such that nothing grows or vanishes."""

import math

import numpy as np

from compiler.layers import Padding
from nets.float_affine import affine
from nets.float_network import (
    FloatActivation,
    FloatAdd,
    FloatAveragePool,
    FloatConcat,
    FloatConv,
    FloatDense,
    FloatMaxPool,
    FloatNetwork,
    FloatSoftmax,
    FloatTensor,
)

_ACTIVATIONS = (None, (0.0, math.inf), (0.0, 6.0), (-1.5, 2.0))


def random_float_network(seed, layers=7, softmax=None):
    """Return a FloatNetwork of `layers` random layers over a small map, then a mean, a dense layer and perhaps a softmax (None: in half of all)."""
    return _Draw(seed).network(layers, seed % 2 == 0 if softmax is None else softmax)


def random_maps(network, seed, count=4):
    """Return random float32 images [count, H, W, C] for a FloatNetwork."""
    return np.random.default_rng(seed).normal(size=(count, *network.tensors[network.input].shape)).astype(np.float32)


class _Draw:
    """Draws layers that each read tensors that are there, most often the newest one."""

    def __init__(self, seed):
        self.seed, self.rng = seed, np.random.default_rng(seed)
        self.layers, self.tensors = [], {"input": FloatTensor("input", *self._ints(6, 10, 2), self._ints(1, 5))}

    def _ints(self, low, high, count=None):
        drawn = self.rng.integers(low, high, count)
        return int(drawn) if count is None else tuple(int(one) for one in drawn)

    def _pick(self, choices):
        return choices[self._ints(0, len(choices))]

    def _put(self, layer):
        self.layers.append(layer)
        self.tensors[layer.output] = FloatTensor(layer.output, *layer.output_shape(*(self.tensors[name].shape for name in layer.inputs)))
        return layer.output

    def _name(self, kind):
        return f"{kind}{len(self.layers)}"

    def _source(self):
        return list(self.tensors)[-1 if self.rng.random() < 0.7 else self._ints(0, len(self.tensors))]

    def _weights(self, outputs, *taps):
        return self.rng.normal(0, 1 / math.sqrt(math.prod(taps)), (outputs, *taps)), self.rng.normal(0, 0.3, outputs)

    def _convolution(self, source):
        shape, name = self.tensors[source].shape, self._name("conv")
        kernel = tuple(min(size, self._ints(1, 4)) for size in shape[:2])
        groups = self._pick([n for n in (1, 1, 2, shape[2]) if shape[2] % n == 0])
        outputs = groups * (1 if groups == shape[2] and groups > 1 else self._ints(1, 5))
        padding = Padding(*self._ints(0, 2, 4)) if min(kernel) > 1 else Padding()
        self._put(FloatConv(name, source, name, *self._weights(outputs, *kernel, shape[2] // groups), self._ints(1, 3, 2), padding, groups,
                            self._pick(_ACTIVATIONS)))

    def _pool(self, source):
        window = tuple(min(size, self._ints(1, 4)) for size in self.tensors[source].shape[:2])
        padding = Padding(*(min(size - 1, self._ints(0, 2)) for size in window * 2))
        kind = self._pick((FloatMaxPool, FloatAveragePool))
        name = self._name("pool")
        counts = {"include_padding": bool(self._ints(0, 2))} if kind is FloatAveragePool else {}
        self._put(kind(name, source, name, window, self._ints(1, 3, 2), padding, **counts))

    def _join(self, source):
        shape, name = self.tensors[source].shape, self._name("join")
        same = [other for other, info in self.tensors.items() if info.shape == shape]
        if self.rng.random() < 0.5:
            self._put(FloatAdd(name, source, self._pick(same), name, self._pick(_ACTIVATIONS)))
        else:
            flat = [other for other, info in self.tensors.items() if info.shape[:2] == shape[:2] and info.channels < 12]
            self._put(FloatConcat(name, (source, self._pick(flat or same)), name))

    def _pointwise(self, source):
        channels, name = self.tensors[source].channels, self._name("point")
        if self.rng.random() < 0.5:
            self._put(FloatActivation(name, source, name, *self._pick(_ACTIVATIONS[1:])))
        else:
            self._put(affine(name, source, name, self.rng.uniform(0.5, 1.5, channels), self.rng.normal(0, 0.3, channels)))

    def network(self, layers, softmax):
        """Return the FloatNetwork."""
        kinds = (self._convolution, self._convolution, self._convolution, self._pool, self._join, self._join, self._pointwise)
        for _ in range(layers):
            self._pick(kinds)(self._source())
        source = list(self.tensors)[-1]
        if self.rng.random() < 0.5:
            source = self._put(FloatAveragePool("mean", source, "mean", self.tensors[source].shape[:2], (1, 1)))
        source = self._put(FloatDense("dense", source, "dense", *self._weights(5, *self.tensors[source].shape)))
        if softmax:
            source = self._put(FloatSoftmax("softmax", source, "softmax"))
        return FloatNetwork(f"random{self.seed}", "input", source, self.tensors, tuple(self.layers))
