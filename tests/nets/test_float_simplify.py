# SPDX-License-Identifier: BSD-2-Clause
"""Simplifying a float network keeps its function and leaves no layer that another can take in."""

import math

import numpy as np
import pytest

from compiler.layers import Padding
from nets.float_affine import affine, is_affine
from nets.float_network import FloatActivation, FloatConcat, FloatConv, FloatMaxPool, FloatNetwork, FloatTensor
from nets.float_run import run_float
from nets.float_simplify import simplify
from tests.support.random_floats import random_float_network, random_maps
from tests.support.slices import slice_of


def chain(*layers, channels=2, size=4):
    """Return the FloatNetwork of `layers`, each of which reads the output of the one before it; all maps have the input's height and width."""
    tensors = {"in": FloatTensor("in", size, size, channels)}
    for layer in layers:
        tensors[layer.output] = FloatTensor(layer.output, *layer.output_shape(*(tensors[name].shape for name in layer.inputs)))
    return FloatNetwork("chain", "in", layers[-1].output, tensors, layers)


def conv(name, source, padding=Padding()):
    """Return a random FloatConv of two channels."""
    rng = np.random.default_rng(len(name))
    return FloatConv(name, source, name, rng.normal(size=(2, 3, 3, 2)), rng.normal(size=2), padding=padding)


def scaled(name, source, offset=0.5):
    """Return an affine layer of two channels."""
    return affine(name, source, name, [2.0, -0.5], [offset, -offset])


@pytest.mark.parametrize("seed", slice_of(range(200), 60))
def test_the_function_stays_and_doing_it_again_changes_nothing(seed):
    network = random_float_network(seed, layers=9)
    images, once = random_maps(network, seed), simplify(network)
    got, wanted = (run_float(one, images) for one in (once, network))
    for name in got.keys() & wanted.keys():
        if not any(name in layer.inputs and isinstance(layer, FloatActivation) for layer in network.layers):
            assert got[name].shape == wanted[name].shape
    np.testing.assert_allclose(got[once.output], wanted[network.output], rtol=1e-3, atol=1e-4)
    twice = simplify(once)
    assert [layer.name for layer in twice.layers] == [layer.name for layer in once.layers] and len(once.layers) <= len(network.layers)
    assert set(once.tensors) == {once.input, *(layer.output for layer in once.layers)}


@pytest.mark.parametrize(("layers", "left"), [
    ((conv("conv", "in"), scaled("norm", "conv")), ["conv"]),
    ((scaled("norm", "in"), conv("conv", "norm")), ["conv"]),
    ((scaled("norm", "in"), conv("conv", "norm", Padding(1, 1, 1, 1))), ["norm", "conv"]),
    ((scaled("norm", "in", 0.0), conv("conv", "norm", Padding(1, 1, 1, 1))), ["conv"]),
    ((scaled("one", "in"), scaled("two", "one")), ["two"]),
    ((conv("conv", "in"), FloatActivation("relu", "conv", "relu", 0, math.inf), scaled("norm", "relu")), ["conv", "norm"])])
def test_affine_layers_fold_where_that_is_exact(layers, left):
    network = chain(*layers)
    done, images = simplify(network), random_maps(network, 1)
    assert [layer.name for layer in done.layers] == left
    np.testing.assert_allclose(run_float(done, images)[done.output], run_float(network, images)[network.output], rtol=1e-4, atol=1e-5)


def test_an_activation_moves_before_pool_and_concatenation_into_the_convolutions():
    first, second = conv("a", "in"), conv("bb", "in")
    tail = (FloatConcat("both", ("a", "bb"), "both"), FloatMaxPool("pool", "both", "pool", (2, 2), (1, 1)),
            FloatActivation("relu", "pool", "relu", 0.0, math.inf))
    done = simplify(chain(first, second, *tail, size=5))
    assert [layer.op for layer in done.layers] == ["conv2d", "conv2d", "concat", "max_pool2d"]
    assert [layer.activation for layer in done.layers[:2]] == [(0.0, math.inf)] * 2 and done.output == "relu"


def test_clips_join_unless_nothing_passes_both():
    clips = [FloatActivation(str(i), source, str(i), *limits)
             for i, (source, limits) in enumerate((("in", (-1.0, 3.0)), ("0", (0.0, math.inf)), ("1", (-4.0, -2.0))))]
    done = simplify(chain(*clips))
    assert [(layer.low, layer.high) for layer in done.layers] == [(0.0, 3.0), (-4.0, -2.0)]


def test_what_others_read_keeps_its_values():
    shared = conv("conv", "in")
    relu = FloatActivation("relu", "conv", "relu", 0.0, math.inf)
    done = simplify(chain(shared, relu, FloatConcat("both", ("conv", "relu"), "both")))
    assert [layer.name for layer in done.layers] == ["conv", "relu", "both"] and done.layers[0].activation is None
    assert not any(is_affine(layer) for layer in done.layers)
