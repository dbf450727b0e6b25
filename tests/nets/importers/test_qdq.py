# SPDX-License-Identifier: BSD-2-Clause
"""Quantised ONNX models whole: ResNet-20 as onnxruntime quantises it, and what the small cases of the format come to."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from accel.config import CONFIGS
from compiler.binary import build_binary
from compiler.expectation import expect
from compiler.reference import execute
from nets.importers.qdq import import_qdq
from nets.quantise import quantise_activations
from nets.zoo import predictions
from tests.support.onnx_models import OnnxBuilder, onnx_output
from tests.support.qdq_models import as_map, check_layers, quantised
from tests.support.real_data import real_data

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def _cifar(name, count):
    """Return (float32 images [N, C, H, W] as ResNet-20 takes them, labels)."""
    with np.load(real_data(f"cifar10/{name}.npz")) as stored:
        images, labels = stored["x"][:count], stored["y"][:count]
    return ((images / 255 - MEAN) / STD).astype(np.float32).transpose(0, 3, 1, 2), labels


def _resnet20(path, activations, per_channel, operators):
    images, _ = _cifar("cifar10_train2000_lossless", 32)
    return quantised(real_data("resnet_cifar10/resnet20-12fca82f_bnfolded.onnx"), path, images, activations, per_channel, operators)


def _same_answers(path, images):
    """Return the share of images that the imported network and onnxruntime give the same class."""
    network = import_qdq(path).network
    info = network.tensors[network.input]
    numbers = quantise_activations(images.transpose(0, 2, 3, 1), info.scale, info.zero_point)
    answers = np.concatenate([predictions(execute(network, numbers[first:first + 50])[network.output]) for first in range(0, len(numbers), 50)])
    return float((answers == onnx_output(path, images).argmax(axis=1)).mean())


@pytest.mark.parametrize("activations, per_channel, operators", [
    ("uint8", True, False),
    pytest.param("int8", True, False, marks=pytest.mark.full),
    pytest.param("int8", False, False, marks=pytest.mark.full),
    pytest.param("uint8", True, True, marks=pytest.mark.full),
])
def test_every_layer_of_resnet_20_is_within_one_of_onnxruntimes(activations, per_channel, operators, tmp_path):
    path = _resnet20(tmp_path / "m.onnx", activations, per_channel, operators)
    # Every layer but the two that select the pixels and channels of a shortcut: they have no integers of their own in the file.
    check_layers(path, _cifar("cifar10_test100_lossless", 3)[0], compared=30)


def test_resnet_20_is_compiled_to_what_the_golden_model_computes_too(tmp_path):
    network = import_qdq(_resnet20(tmp_path / "m.onnx", "int8", True, False)).network
    image = np.random.default_rng(8).integers(-128, 128, (32, 32, 3)).astype(np.int8)
    assert network.output in expect(network, build_binary(network, CONFIGS["arty-35"]).model, image).tensors


def test_resnet_20_gives_onnxruntimes_answers(tmp_path):
    path = _resnet20(tmp_path / "m.onnx", "uint8", True, False)
    assert _same_answers(path, _cifar("cifar10_test100_lossless", 50)[0]) >= 0.99


@pytest.mark.full
@pytest.mark.parametrize("activations, per_channel, operators", [("uint8", True, False), ("int8", False, False), ("int8", True, True)])
def test_resnet_20_gives_onnxruntimes_answers_on_1000_images(activations, per_channel, operators, tmp_path):
    path = _resnet20(tmp_path / "m.onnx", activations, per_channel, operators)
    assert _same_answers(path, _cifar("cifar10_test5000_jpeg", 1000)[0]) >= 0.99


def _one_convolution(numbers, dtype, zero_point, activations=np.int8, kind=TensorProto.FLOAT):
    """Return an OnnxBuilder of a Conv with the integer weights `numbers` of `dtype` between pairs of Q and DQ."""
    build = OnnxBuilder((3, 7, 6), 21, kind)
    middle = 0 if activations == np.int8 else 128
    scale, zero = build.constant(np.float32(0.05)), build.constant(middle - 3, activations)
    source = "input" if kind != TensorProto.FLOAT else build.add("QuantizeLinear", "input", scale, zero)
    weights = build.add("DequantizeLinear", build.constant(numbers, dtype), build.constant(np.float32(0.01)), build.constant(zero_point, dtype))
    convolved = build.add("Conv", build.add("DequantizeLinear", source, scale, zero), weights)
    scale, zero = build.constant(np.float32(0.3)), build.constant(middle + 9, activations)
    build.add("DequantizeLinear", build.add("QuantizeLinear", convolved, scale, zero), scale, zero)
    return build


def test_a_factor_and_an_offset_for_each_channel_become_a_convolution(tmp_path):
    build, rng = OnnxBuilder((5, 4, 4), 21), np.random.default_rng(6)
    scale, zero = build.constant(np.float32(0.05)), build.constant(7, np.int8)
    source = build.add("DequantizeLinear", build.add("QuantizeLinear", "input", scale, zero), scale, zero)
    statistics = [build.constant(values) for values in (rng.normal(size=5), rng.normal(size=5), rng.normal(size=5), rng.uniform(0.5, 2, 5))]
    normal = build.add("BatchNormalization", source, *statistics)
    scale = build.constant(np.float32(0.03))
    normal = build.add("DequantizeLinear", build.add("QuantizeLinear", normal, scale, zero), scale, zero)
    product = build.add("Mul", normal, build.constant(rng.normal(size=(5, 1, 1))))
    build.add("DequantizeLinear", build.add("QuantizeLinear", product, scale, zero), scale, zero)
    images = rng.normal(size=(4, 5, 4, 4)).astype(np.float32)
    assert len(check_layers(build.save(tmp_path / "m.onnx"), images).network.layers) == 2


def test_a_maximum_that_is_read_as_it_is_and_quantised_otherwise_is_both(tmp_path):
    build = OnnxBuilder((3, 8, 8), 21)
    scale, zero = build.constant(np.float32(0.05)), build.constant(7, np.int8)
    source = build.add("DequantizeLinear", build.add("QuantizeLinear", "input", scale, zero), scale, zero)
    pooled = build.add("MaxPool", source, kernel_shape=[2, 2], strides=[2, 2])
    coarse = build.constant(np.float32(0.3717))
    other = build.add("DequantizeLinear", build.add("QuantizeLinear", pooled, coarse, zero), coarse, zero)
    total = build.add("Add", pooled, other)
    build.add("DequantizeLinear", build.add("QuantizeLinear", total, scale, zero), scale, zero)
    images = np.random.default_rng(7).normal(size=(2, 3, 8, 8)).astype(np.float32) * 2
    network = import_qdq(build.save(tmp_path / "m.onnx")).network
    assert [layer.op for layer in network.layers] == ["max_pool2d", "conv2d", "add"]
    output = execute(network, quantise_activations(images.transpose(0, 2, 3, 1), 0.05, 7))[network.output]
    expected = np.round(onnx_output(tmp_path / "m.onnx", images) / 0.05) + 7
    assert np.abs(output - expected.transpose(0, 2, 3, 1)).max() <= 1


def _weights():
    numbers = np.random.default_rng(1).integers(-128, 128, (4, 3, 3, 3))
    numbers[0, 0, 0, 0] = -128
    return numbers


def test_weights_of_minus_128_come_as_they_are(tmp_path):
    numbers = _weights()
    build = _one_convolution(numbers, np.int8, 0)
    images = np.random.default_rng(2).normal(size=(3, 3, 7, 6)).astype(np.float32) * 2
    network = check_layers(build.save(tmp_path / "m.onnx"), images).network
    np.testing.assert_array_equal(network.layers[0].weights, numbers.transpose(0, 2, 3, 1))


def test_uint8_weights_around_128_and_uint8_activations_are_the_same_network_as_int8(tmp_path):
    numbers = _weights()
    one = import_qdq(_one_convolution(numbers, np.int8, 0).save(tmp_path / "m.onnx")).network
    other = import_qdq(_one_convolution(numbers + 128, np.uint8, 128, np.uint8).save(tmp_path / "m.onnx")).network
    assert one.tensors == other.tensors
    for name in ("weights", "bias", "multipliers", "shifts"):
        np.testing.assert_array_equal(getattr(one.layers[0], name), getattr(other.layers[0], name))


@pytest.mark.parametrize("activations, kind", [(np.int8, TensorProto.INT8), (np.uint8, TensorProto.UINT8)])
def test_a_model_may_take_integers(activations, kind, tmp_path):
    model = _one_convolution(_weights(), np.int8, 0, activations, kind).model()
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info(model.graph.output[0].name, TensorProto.FLOAT, (1, 4, 5, 4)))
    onnx.save(model, tmp_path / "m.onnx")
    network = import_qdq(tmp_path / "m.onnx").network
    numbers = np.random.default_rng(3).integers(-128, 128, (2, 3, 7, 6))
    images = (numbers + (0 if activations == np.int8 else 128)).astype(activations)
    output = execute(network, numbers.transpose(0, 2, 3, 1).astype(np.int8))[network.output]
    info = network.tensors[network.output]
    expected = np.round(onnx_output(tmp_path / "m.onnx", images) / info.scale) + info.zero_point
    assert np.abs(output - expected.transpose(0, 2, 3, 1)).max() <= 1


def test_a_softmax_without_quantisation_ends_the_network_with_a_note(tmp_path):
    build, rng = OnnxBuilder((6,), 21), np.random.default_rng(4)
    scale, zero = build.constant(np.float32(0.05)), build.constant(0, np.int8)
    weights = build.add("DequantizeLinear", build.constant(rng.integers(-127, 128, (6, 4)), np.int8), scale, zero)
    product = build.add("Gemm", build.add("DequantizeLinear", build.add("QuantizeLinear", "input", scale, zero), scale, zero), weights)
    build.add("Softmax", build.add("DequantizeLinear", build.add("QuantizeLinear", product, scale, zero), scale, zero))
    model = import_qdq(build.save(tmp_path / "m.onnx"))
    assert [layer.op for layer in model.network.layers] == ["fully_connected", "softmax"]
    assert "it becomes int8 with the scale 1/256" in model.notes[0] and model.source == tmp_path / "m.onnx" and model.real is None


def test_a_map_with_channels_last_is_taken_without_moving_it(tmp_path):
    build = OnnxBuilder((7, 6, 3), 21)
    scale, zero = build.constant(np.float32(0.05)), build.constant(4, np.int8)
    first = build.add("Transpose", build.add("DequantizeLinear", build.add("QuantizeLinear", "input", scale, zero), scale, zero), perm=[0, 3, 1, 2])
    weights = build.add("DequantizeLinear", build.constant(_weights(), np.int8), scale, build.constant(0, np.int8))
    convolved = build.add("QuantizeLinear", build.add("Conv", first, weights), build.constant(np.float32(2.0)), zero)
    build.add("DequantizeLinear", convolved, build.constant(np.float32(2.0)), zero)
    network = import_qdq(build.save(tmp_path / "m.onnx")).network
    assert len(network.layers) == 1 and network.tensors[network.input].shape == (7, 6, 3)
    images = np.random.default_rng(5).normal(size=(2, 7, 6, 3)).astype(np.float32)
    info = network.tensors[network.output]
    expected = np.round(onnx_output(build.save(tmp_path / "m.onnx"), images) / 2.0) + info.zero_point
    output = execute(network, quantise_activations(images, 0.05, 4))[network.output]
    assert np.abs(output - as_map(expected[:1], info.shape))[:1].max() <= 1


def test_a_tensor_that_is_quantised_again_gets_a_layer_of_its_own(tmp_path):
    build = _one_convolution(_weights(), np.int8, 0)
    scale, zero = build.constant(np.float32(0.4)), build.constant(-20, np.int8)
    build.add("DequantizeLinear", build.add("QuantizeLinear", build.nodes[-1].output[0], scale, zero), scale, zero)
    images = np.random.default_rng(2).normal(size=(3, 3, 7, 6)).astype(np.float32) * 2
    network = check_layers(build.save(tmp_path / "m.onnx"), images).network
    assert [layer.op for layer in network.layers] == ["conv2d", "conv2d"]
    assert (network.tensors[network.output].scale, network.tensors[network.output].zero_point) == (pytest.approx(0.4), -20)
