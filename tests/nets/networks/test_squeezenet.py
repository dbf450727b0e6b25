# SPDX-License-Identifier: BSD-2-Clause
"""The SqueezeNets are described as Caffe runs them, and their weights are read from each form in which they come."""

import numpy as np
import pytest

from accel.errors import UserError
from nets.described import NETWORKS, described
from nets.float_run import run_float
from tests.support.real_data import real_data


@pytest.fixture(scope="module")
def caffe():
    with np.load(real_data("squeezenet/v1.0_fp32/caffe_intermediates_one_image.npz")) as stored:
        return dict(stored)


def test_every_tensor_of_v1_0_equals_caffes_to_float32(caffe):
    network = described("squeezenet10", real_data("squeezenet/v1.0_fp32/weights.npz"))
    values = run_float(network, caffe["data"].transpose(1, 2, 0)[np.newaxis])
    compared = 0
    for name, expected in caffe.items():
        tensor = name.replace("_", ".")
        if tensor in values:
            got = values[tensor][0].transpose(2, 0, 1).reshape(expected.shape)
            np.testing.assert_allclose(got, expected, atol=1e-5 * expected.max(), err_msg=name)
            compared += 1
    # Every convolution and pool; not the input, nor the softmax.
    assert compared == len(caffe) - 2 == 30


def test_deep_compressions_file_and_its_arrays_give_the_same_network():
    compressed, arrays = (described("squeezenet10", real_data(f"squeezenet/v1.0_deepcompression/{name}"))
                          for name in ("compressed_SqueezeNet.net", "weights.npz"))
    layers = [layer for layer in compressed.layers if layer.op == "conv2d"]
    assert len(layers) == 26
    for one, other in zip(layers, (layer for layer in arrays.layers if layer.op == "conv2d"), strict=True):
        np.testing.assert_array_equal(one.weights, other.weights)
        np.testing.assert_array_equal(one.bias, other.bias)
    weights = np.concatenate([layer.weights.reshape(-1) for layer in layers])
    assert (weights != 0).mean() == pytest.approx(0.334, abs=0.001)


@pytest.mark.parametrize("name, weights, shapes", (
    ("squeezenet10", "squeezenet/v1.0_fp32/weights.npz", {"conv1": 111, "pool1": 55, "pool4": 27, "pool8": 13, "conv10": 15}),
    ("squeezenet11", "squeezenet/v1.1_fp16_ncnn/weights_fp16.npz", {"conv1": 113, "pool1": 56, "pool3": 28, "pool5": 14, "conv10": 14}),
))
def test_maps_have_the_sizes_that_ceil_mode_and_conv10s_padding_give(name, weights, shapes):
    network = described(name, real_data(weights))
    assert {tensor: network.tensors[tensor].height for tensor in shapes} == shapes
    assert network.tensors[network.output].shape == (1, 1, 1000)


def test_their_images_are_blue_first_less_the_mean():
    pixel = NETWORKS["squeezenet11"].preprocessing.apply(np.full((1, 256, 256, 3), (123, 117, 104), np.uint8))
    assert pixel.shape == (1, 227, 227, 3) and not pixel.any()


def test_the_weights_of_one_version_are_refused_for_the_other():
    with pytest.raises(UserError, match=r"'conv1.weight' has the shape \(64, 3, 3, 3\), but this network's has \(96, 3, 7, 7\)"):
        described("squeezenet10", real_data("squeezenet/v1.1_fp16_ncnn/weights_fp16.npz"))
