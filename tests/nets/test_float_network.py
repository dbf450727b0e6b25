# SPDX-License-Identifier: BSD-2-Clause
"""A float network that cannot be computed is refused when it is made, with the layer and what is wrong."""

import math

import numpy as np
import pytest

from accel.errors import UserError
from compiler.layers import Padding
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

IN, SMALL = FloatTensor("in", 6, 5, 4), FloatTensor("small", 3, 2, 4)


def network(layer, shape, *others):
    """Return the FloatNetwork of one layer that writes "out" of `shape`, over IN and SMALL."""
    tensors = {"in": IN, "small": SMALL, "out": FloatTensor("out", *shape)}
    pool = FloatMaxPool("pool", "in", "small", (2, 2), (2, 2))
    return FloatNetwork("net", "in", "out", tensors, (pool, layer, *others))


def conv(**fields):
    """Return a FloatConv of IN."""
    return FloatConv(**{"name": "conv", "input": "in", "output": "out", "weights": np.ones((8, 3, 3, 4)), "bias": np.zeros(8), **fields})


@pytest.mark.parametrize(("layer", "shape"), [
    (conv(), (4, 3, 8)), (conv(stride=(2, 1), padding=Padding(1, 0, 1, 2)), (3, 5, 8)), (conv(weights=np.ones((8, 1, 1, 2)), groups=2), (6, 5, 8)),
    (FloatDense("dense", "small", "out", np.ones((7, 3, 2, 4)), np.zeros(7)), (1, 1, 7)), (FloatAdd("add", "in", "in", "out"), (6, 5, 4)),
    (FloatConcat("concat", ("in", "in", "in"), "out"), (6, 5, 12)), (FloatAveragePool("mean", "in", "out", (6, 5), (1, 1)), (1, 1, 4)),
    (FloatActivation("relu", "in", "out", 0, math.inf), (6, 5, 4)), (FloatSoftmax("softmax", "in", "out"), (6, 5, 4))])
def test_a_layer_gives_its_shape(layer, shape):
    assert network(layer, shape).tensors["out"].shape == shape
    with pytest.raises(UserError, match=f"layer {layer.name!r}: .* but (its output is declared as|'out' has)"):
        network(layer, (shape[0], shape[1] + 1, shape[2]))


@pytest.mark.parametrize(("layer", "sentence"), [
    (conv(weights=np.ones((8, 3, 3))), "the weights have 3 dimensions, but must have 4"),
    (conv(weights=np.ones((8, 3, 3, 5))), "the weights want 5 input channels, but the input has 4"),
    (conv(groups=3), "8 output channels do not divide into 3 groups"), (conv(bias=np.zeros(7)), "bias must be one for each of 8 output channels"),
    (conv(stride=(0, 1)), "stride .* must be at least 1"), (conv(bias=np.full(8, np.nan)), "a weight or bias is infinite or not a number"),
    (conv(activation=(1.0, 1.0)), "the activation keeps values from 1.0 to 1.0, which is no range"),
    (FloatDense("dense", "small", "out", np.ones((7, 2, 3, 4)), np.zeros(7)), r"the weights want a map of \(2, 3, 4\)"),
    (FloatAdd("add", "in", "small", "out"), "but they must have the same shape"), (FloatConcat("join", ("in", "small"), "out"), "has 6 x 5 pixels"),
    (FloatActivation("relu", "in", "out", math.nan, 1.0), "which is no range"),
    (FloatMaxPool("pool2", "in", "out", (2, 2), (1, 1), Padding(2)), "is not smaller than the window"),
    (FloatConcat("join", (), "out"), "reads nothing"), (FloatAdd("add", "in", "out", "out"), "which no earlier layer writes")])
def test_a_layer_that_is_wrong_is_refused(layer, sentence):
    with pytest.raises(UserError, match=sentence):
        network(layer, (4, 3, 8))


def test_a_tensor_is_written_once():
    with pytest.raises(UserError, match="writes 'out', which is written already"):
        network(conv(), (4, 3, 8), conv(name="again"))


def test_weights_cannot_be_changed_behind_the_network_s_back():
    weights = np.ones((8, 3, 3, 4))
    layer = conv(weights=weights)
    weights[:] = 2
    assert (layer.weights == 1).all()
    with pytest.raises(ValueError, match="read-only"):
        layer.weights[0] = 0
