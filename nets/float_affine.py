# SPDX-License-Identifier: BSD-2-Clause
"""Folds what multiplies and shifts each channel by itself, as batch norm does, into the convolution before or after it."""

from dataclasses import replace

import numpy as np

from compiler.layers import Padding
from nets.float_network import FloatConv, FloatDense
from nets.float_rewrite import Rewrite


def affine(name, source, target, factors, offsets):
    """Return the FloatConv that gives each channel times its factor plus its offset, float [C] each."""
    factors = np.asarray(factors, np.float64)
    return FloatConv(name, source, target, factors.reshape(-1, 1, 1, 1), offsets, groups=len(factors))


def is_affine(layer):
    """Whether a layer does to each value by itself what only its channel says."""
    plain = isinstance(layer, FloatConv) and layer.depthwise and tuple(layer.kernel) == (1, 1)
    return plain and tuple(layer.stride) == (1, 1) and layer.padding == Padding()


def fold_affine(network):
    """Return a FloatNetwork of the same function in which affine layers are part of a convolution or a dense layer wherever that is exact.

    Into the layer before where no activation lies between; into the layer behind too, but with an offset only where that pads nothing: around the
    map the offset would be missing.
    """
    work = Rewrite(network)
    while any(is_affine(layer) and (_into_writer(work, layer) or _into_reader(work, layer)) for layer in work.layers):
        pass
    return work.finish()


def _into_writer(work, layer):
    writer = work.writer(layer.input)
    if not isinstance(writer, (FloatConv, FloatDense)) or writer.activation is not None or work.only_reader(layer.input) is not layer:
        return False
    factors = layer.weights.reshape(-1)
    work.merge(writer, layer, replace(writer, output=layer.output, weights=writer.weights * factors[:, None, None, None],
                                      bias=writer.bias * factors + layer.bias, activation=layer.activation))
    return True


def _into_reader(work, layer):
    reader = work.only_reader(layer.output)
    if not isinstance(reader, (FloatConv, FloatDense)) or layer.activation is not None or (layer.bias.any() and reader.padding != Padding()):
        return False
    outputs, inputs = len(reader.weights) // reader.groups, reader.weights.shape[3]
    factors, offsets = (np.repeat(values.reshape(reader.groups, inputs), outputs, axis=0)[:, None, None, :]
                        for values in (layer.weights.reshape(-1), layer.bias))
    work.merge(layer, reader, replace(reader, input=layer.input, weights=reader.weights * factors,
                                      bias=reader.bias + (reader.weights * offsets).sum(axis=(1, 2, 3))))
    return True
