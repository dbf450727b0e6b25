# SPDX-License-Identifier: BSD-2-Clause
"""TFLite's pools, means and pads in: the reference's tensors equal those of TFLite's interpreter, bit for bit, in every form they have."""

import numpy as np
import pytest

from compiler.ir import Padding
from tests.support.tflite_models import NONE, RELU, RELU6, SAME, TYPES, VALID, TFLiteModel, assert_equal_to_interpreter, check, symmetric


@TYPES
@pytest.mark.parametrize("kind", ("AVERAGE_POOL_2D", "MAX_POOL_2D"))
@pytest.mark.parametrize("window, stride, padding, activation", [
    ((2, 2), (2, 2), VALID, NONE), ((3, 3), (2, 2), VALID, RELU), ((7, 5), (7, 5), VALID, NONE), ((2, 3), (1, 2), VALID, RELU6),
    ((6, 4), (25, 3), VALID, NONE)])
def test_pools_are_exact(tmp_path, dtype, kind, window, stride, padding, activation):
    model = TFLiteModel((7, 5, 6), dtype)
    check(tmp_path, model, model.pool(kind, model.input, window, stride, padding, activation), count=30)


def test_a_stride_that_leaves_a_window_one_place_is_as_small_as_it_can_be(tmp_path):
    model = TFLiteModel((30, 7, 2))
    layer, = check(tmp_path, model, model.pool("AVERAGE_POOL_2D", model.input, (30, 5), (30, 25)))
    assert layer.stride == (1, 3)


@pytest.mark.parametrize("dtype, kind", [("int8", "AVERAGE_POOL_2D"), ("int8", "MAX_POOL_2D"), ("uint8", "MAX_POOL_2D")])
@pytest.mark.parametrize("window, stride", [((3, 3), (2, 2)), ((2, 3), (1, 2)), ((3, 3), (1, 1))])
def test_pools_over_the_border_are_exact(tmp_path, dtype, kind, window, stride):
    model = TFLiteModel((7, 6, 3), dtype)
    check(tmp_path, model, model.pool(kind, model.input, window, stride, SAME), count=30)


def test_the_mean_of_uint8_halves_is_rounded_up_at_every_sum(tmp_path):
    model = TFLiteModel((1, 2, 1), "uint8")
    path = model.save(tmp_path, model.pool("AVERAGE_POOL_2D", model.input, (1, 2), (1, 1)))
    assert_equal_to_interpreter(path, np.array([[[[low], [high]]] for low in range(-128, 128, 5) for high in range(-128, 128, 3)], np.int8))


@TYPES
@pytest.mark.parametrize("axes, keep, scale", [
    ((1, 2), True, None), ((1, 2), False, 0.03), ((-2, -3), True, 0.0123), ((1,), True, None), ((2,), True, 0.02)])
def test_means_over_space_are_exact(tmp_path, dtype, axes, keep, scale):
    model = TFLiteModel((6, 4, 5), dtype)
    check(tmp_path, model, model.mean(model.input, axes, keep, scale), count=60)


@TYPES
@pytest.mark.parametrize("stride", ((1, 1), (2, 2)))
def test_a_pad_is_part_of_the_convolution_behind_it(tmp_path, dtype, stride):
    model = TFLiteModel((7, 6, 3), dtype)
    padded = model.pad(model.input, 1, 2, 0, 3)
    layer, = check(tmp_path, model, model.convolution(padded, 5, stride=stride, padding=VALID, **symmetric(dtype)))
    assert layer.padding == Padding(1, 0, 2, 3)


def test_a_pad_behind_a_pad_and_before_padding_same_adds_up(tmp_path):
    model = TFLiteModel((5, 5, 3))
    check(tmp_path, model, model.depthwise(model.pad(model.pad(model.input, 1, 0, 0, 0), 0, 1, 1, 0), stride=(2, 2), padding=SAME))


def test_a_pad_before_a_max_pool_is_exact_where_zero_is_the_smallest_number(tmp_path):
    model = TFLiteModel((6, 6, 3), zero_point=-128)
    check(tmp_path, model, model.pool("MAX_POOL_2D", model.pad(model.input, 1, 1, 1, 1), (3, 3), (2, 2)))


def test_a_pad_before_an_average_pool_counts(tmp_path):
    model = TFLiteModel((6, 6, 3), zero_point=17)
    check(tmp_path, model, model.pool("AVERAGE_POOL_2D", model.pad(model.input, 1, 1, 1, 1), (2, 2), (2, 2)))
