# SPDX-License-Identifier: BSD-2-Clause
"""Names of layers are short, clean and unique, whatever a converter joined."""

import pytest

from nets.importers.tflite_names import Names, clean_name, shared_scope


@pytest.mark.parametrize("kind, stored, name", [
    ("CONV_2D", "model/activation/Relu;model/batch_norm/FusedBatchNormV3;model/conv2d/BiasAdd;model/conv2d_2/Conv2D;model/conv2d/Conv2D1", "conv2d"),
    ("DEPTHWISE_CONV_2D", "model/relu/Relu6;model/block_1/depthwise/depthwise", "block_1_depthwise"),
    ("ADD", "model/activation_2/Relu;model/add/add", "add"),
    ("AVERAGE_POOL_2D", "model/average_pooling2d/AvgPool", "average_pooling2d"),
    ("FULLY_CONNECTED", "model/dense/MatMul;model/dense/BiasAdd", "dense"),
    ("SOFTMAX", "Identity_int8", "softmax"), ("SOFTMAX", "StatefulPartitionedCall:0", "softmax"), ("input", "input_1_int8", "input_1_int8"),
    ("RELU", "model/a b-c/Relu", "a_b_c"), ("CONV_2D", "", "conv_2d")])
def test_a_name_is_the_layers_own_part_of_what_was_joined(kind, stored, name):
    assert clean_name(kind, stored, "model/") == name


def test_the_scope_is_what_all_names_begin_with():
    assert shared_scope(["model/a/b", "model/c", "Identity"]) == "model/"
    assert shared_scope(["model/a", "other/c"]) == shared_scope(["a", "b"]) == ""


def test_names_that_are_taken_get_a_number():
    names = Names()
    assert [names.unique(wish) for wish in ("conv", "conv", "conv_2", "conv")] == ["conv", "conv_2", "conv_2_2", "conv_3"]
