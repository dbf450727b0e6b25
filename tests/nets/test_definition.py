# SPDX-License-Identifier: BSD-2-Clause
"""A definition knows its shapes, a compressed layer is branches side by side, and layers that do not fit are refused."""

import numpy as np
import pytest

from accel.errors import UserError
from compiler.ir import Concat
from compiler.reference import compute, execute
from nets.definition import Convolution, Definition, Draft
from nets.random_network import random_network
from nets.synthetic import random_images


def small(**fields):
    draft = Draft("small", 8, 8, 3)
    tensor = draft.compressed("conv2", draft.convolution("conv1", "input", 16), 32, 8, 2, **fields)
    draft.dense("classifier", draft.max_pool("pool", tensor), 10)
    return draft.definition()


def test_shapes_follow_from_the_layers():
    assert small().shapes == {"input": (8, 8, 3), "conv1": (8, 8, 16), "conv2_compress": (8, 8, 8), "conv2": (8, 8, 32), "pool": (4, 4, 32),
                              "classifier": (1, 1, 10)}


def test_weights_are_those_of_the_groups():
    definition = small()
    assert [definition.weights_shape(layer) for layer in definition.weighted] == [(16, 3, 3, 3), (8, 1, 1, 16), (32, 3, 3, 4), (10, 4, 4, 32)]


def test_a_branch_reads_its_own_compressed_channels_only():
    network = random_network(small())
    images = random_images(network, 1)
    before = execute(network, images)
    layer = next(layer for layer in network.layers if layer.name == "conv2")
    compressed = before["conv2_compress"].copy()
    compressed[..., 4:] = 0  # the second branch's
    zero = network.tensors["conv2_compress"].zero_point, network.tensors["conv2"].zero_point
    after = compute(layer, [compressed], zero[:1], zero[1])
    np.testing.assert_array_equal(after[..., :16], before["conv2"][..., :16])
    assert not np.array_equal(after[..., 16:], before["conv2"][..., 16:])


def test_ceil_mode_adds_a_window_at_the_edge():
    draft = Draft("pooled", 6, 6, 4)
    draft.max_pool("floor", "input", 3, 2)
    draft.max_pool("ceiling", "input", 3, 2, ceil=1)
    shapes = draft.definition().shapes
    assert (shapes["floor"], shapes["ceiling"]) == ((2, 2, 4), (3, 3, 4))


def test_readers_are_those_that_read_a_tensor():
    definition = small()
    assert [layer.name for layer in definition.readers("conv1")] == ["conv2_compress"]


@pytest.mark.parametrize("layers, sentence", [
    ([Convolution("a", "nothing", "a", 4)], "reads 'nothing', which no earlier layer writes"),
    ([Convolution("a", "input", "input", 4)], "writes 'input', which is written already"),
    ([Convolution("a", "input", "a", 4, groups=2)], "3 input and 4 output channels do not divide into 2 groups"),
    ([Convolution("a", "input", "a", 4, stride=(0, 1))], "stride"),
    ([Convolution("a", "input", "a", 4, (11, 11))], "leaves nothing of the map"),
    ([Concat("a", ("input", "b"), "a")], "reads 'b'")])
def test_layers_that_do_not_fit_are_refused(layers, sentence):
    with pytest.raises(UserError, match=sentence):
        Definition("wrong", (8, 8, 3), tuple(layers))


def test_branches_that_do_not_divide_the_compressed_channels_are_refused():
    with pytest.raises(UserError, match="8 channels do not divide into 3 branches"):
        Draft("wrong", 8, 8, 3).compressed("conv", "input", 33, 8, 3)
