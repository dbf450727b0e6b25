# SPDX-License-Identifier: BSD-2-Clause
"""Each operator of a float ONNX model gives, as float network, what onnxruntime gives."""

import numpy as np
import pytest
from onnx.helper import np_dtype_to_tensor_dtype

from nets.float_network import FloatConv
from tests.support.float_check import check_against_runtime
from tests.support.onnx_models import OnnxBuilder

RNG = np.random.default_rng


def weights(*shape, seed=1):
    """Return random float32 numbers."""
    return RNG(seed).normal(size=shape).astype(np.float32)


def convolution(build, source, outputs, inputs, kernel=(3, 3), bias=True, seed=1, group=1, **attributes):
    """Add a Conv with random weights."""
    constants = [build.constant(weights(outputs, inputs // group, *kernel, seed=seed))]
    if bias:
        constants.append(build.constant(weights(outputs, seed=seed + 1)))
    return build.add("Conv", source, *constants, group=group, **attributes)


def batch_norm(build, source, channels, seed=5):
    """Add a BatchNormalization with random statistics."""
    rng = RNG(seed)
    numbers = [rng.uniform(0.5, 2, channels), rng.normal(size=channels), rng.normal(size=channels), rng.uniform(0.5, 2, channels)]
    return build.add("BatchNormalization", source, *map(build.constant, numbers), epsilon=1e-3)


@pytest.mark.parametrize("opset", [7, 9, 11, 13, 18, 22, 24])
@pytest.mark.parametrize("attributes", [
    {}, {"pads": [1, 2, 0, 1]}, {"strides": [2, 3]}, {"auto_pad": "SAME_UPPER", "strides": [2, 2]}, {"auto_pad": "SAME_LOWER", "strides": [2, 2]},
    {"auto_pad": "VALID"}, {"dilations": [2, 1], "pads": [2, 1, 2, 1]}, {"group": 2}, {"group": 4, "bias": False, "kernel_shape": [3, 3]}])
def test_a_convolution(opset, attributes, tmp_path):
    build = OnnxBuilder((4, 8, 7), opset)
    convolution(build, "input", 8, 4, **attributes)
    check_against_runtime(build.save(tmp_path / "m.onnx"), build.shape)


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize("attributes", [
    {"strides": [2, 2]}, {"strides": [2, 2], "ceil_mode": 1}, {"strides": [2, 2], "ceil_mode": 1, "pads": [1, 1, 1, 1]},
    {"strides": [3, 3], "ceil_mode": 1, "pads": [1, 0, 1, 0]}, {"pads": [1, 1, 1, 1]}, {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
    {"auto_pad": "SAME_LOWER", "strides": [2, 1]}])
@pytest.mark.parametrize("size", [(8, 7), (5, 9)])
def test_a_pool(op, attributes, size, tmp_path):
    build = OnnxBuilder((3, *size), 22)
    build.add(op, "input", kernel_shape=[3, 3], **attributes)
    check_against_runtime(build.save(tmp_path / "m.onnx"), build.shape)


@pytest.mark.parametrize("attributes", [{}, {"strides": [2, 2]}, {"strides": [2, 2], "ceil_mode": 1}, {"strides": [3, 2], "ceil_mode": 1}])
@pytest.mark.parametrize("size", [(8, 7), (6, 9)])
def test_an_average_that_counts_padding(attributes, size, tmp_path):
    build = OnnxBuilder((3, *size), 22)
    build.add("AveragePool", "input", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1, **attributes)
    check_against_runtime(build.save(tmp_path / "m.onnx"), build.shape)


@pytest.mark.parametrize("op", ["GlobalAveragePool", "GlobalMaxPool"])
def test_a_global_pool_flattened_into_a_gemm(op, tmp_path):
    build = OnnxBuilder((6, 5, 4))
    flat = build.add("Flatten", build.add(op, "input"))
    build.add("Gemm", flat, build.constant(weights(3, 6)), build.constant(weights(3)), transB=1, alpha=0.5, beta=2.0)
    check_against_runtime(build.save(tmp_path / "m.onnx"), build.shape)


@pytest.mark.parametrize(("flatten", "opset"), [("Flatten", 11), ("Reshape", 11), ("Shape", 11), ("Shape", 17)])
@pytest.mark.parametrize("dense", ["Gemm", "MatMul", "MatMulAdd"])
def test_a_flattened_map_meets_the_weights_in_onnx_s_order(flatten, opset, dense, tmp_path):
    build = OnnxBuilder((3, 4, 5), opset)
    if flatten == "Flatten":
        flat = build.add("Flatten", "input")
    elif flatten == "Reshape":
        flat = build.add("Reshape", "input", build.constant([-1, 60], np.int64))
    else:
        batch = build.add("Gather", build.add("Shape", "input"), build.constant(0, np.int64), axis=0)
        rows = build.add("Unsqueeze", batch, axes=[0]) if opset < 13 else build.add("Unsqueeze", batch, build.constant([0], np.int64))
        flat = build.add("Reshape", "input", build.add("Concat", rows, build.constant([-1], np.int64), axis=0))
    if dense == "Gemm":
        build.add("Gemm", flat, build.constant(weights(60, 7)))
    else:
        product = build.add("MatMul", flat, build.constant(weights(60, 7)))
        if dense == "MatMulAdd":
            build.add("Add", product, build.constant(weights(7)))
    network = check_against_runtime(build.save(tmp_path / "m.onnx"), build.shape)
    assert [layer.op for layer in network.layers] == ["fully_connected"]


@pytest.mark.parametrize("open_batch", [1, "N", None])
def test_the_batch_may_be_open(open_batch, tmp_path):
    build = OnnxBuilder((2, 4, 4), batch=open_batch)
    convolution(build, "input", 3, 2)
    check_against_runtime(build.save(tmp_path / "m.onnx"), build.shape)


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("padding", [0, 1])
def test_batch_norm_before_or_after_a_convolution_is_folded_where_that_is_exact(before, padding, tmp_path):
    build = OnnxBuilder((4, 6, 6))
    source = batch_norm(build, "input", 4) if before else "input"
    tensor = convolution(build, source, 4, 4, group=2, pads=[padding] * 4)
    if not before:
        tensor = batch_norm(build, tensor, 4)
    build.add("Relu", tensor)
    network = check_against_runtime(build.save(tmp_path / "m.onnx"), build.shape)
    assert len(network.layers) == (2 if before and padding else 1)


def test_a_standalone_batch_norm_becomes_a_layer_of_its_own(tmp_path):
    build = OnnxBuilder((4, 6, 6))
    build.add("Relu", batch_norm(build, build.add("Add", "input", build.add("MaxPool", "input", kernel_shape=[1, 1])), 4))
    network = check_against_runtime(build.save(tmp_path / "m.onnx"), build.shape)
    assert [type(layer) for layer in network.layers][-1] is FloatConv and network.layers[-1].activation == (0.0, np.inf)


@pytest.mark.parametrize(("op", "first"), [
    ("Add", False), ("Add", True), ("Sub", False), ("Sub", True), ("Mul", False), ("Mul", True), ("Div", False)])
@pytest.mark.parametrize("shape", [(), (1,), (3, 1, 1), (1, 3, 1, 1)])
def test_arithmetic_with_a_constant_for_each_channel(op, first, shape, tmp_path):
    build = OnnxBuilder((3, 5, 4))
    constant = build.constant(weights(*shape))
    build.add(op, *((constant, "input") if first else ("input", constant)))
    check_against_runtime(build.save(tmp_path / "m.onnx"), build.shape)


@pytest.mark.parametrize("op", ["Add", "Sub"])
def test_two_maps_are_added_or_subtracted(op, tmp_path):
    build = OnnxBuilder((3, 5, 4))
    build.add("Relu", build.add(op, convolution(build, "input", 4, 3), convolution(build, "input", 4, 3, seed=9)))
    check_against_runtime(build.save(tmp_path / "m.onnx"), build.shape)


@pytest.mark.parametrize(("opset", "limits"), [(6 + 1, (0.0, 1.0)), (11, (0.0, 6.0)), (13, (None, 0.5)), (17, (-0.25, None))])
def test_a_clip_with_attributes_or_inputs(opset, limits, tmp_path):
    build = OnnxBuilder((3, 5, 4), opset)
    if opset < 11:
        build.add("Clip", "input", min=limits[0], max=limits[1])
    else:
        build.add("Clip", "input", *("" if limit is None else build.constant(limit) for limit in limits))
    check_against_runtime(build.save(tmp_path / "m.onnx"), build.shape)


@pytest.mark.parametrize("opset", [8, 10, 13])
def test_padding_is_part_of_the_convolution_behind_it(opset, tmp_path):
    build = OnnxBuilder((2, 5, 4), opset)
    pads = [0, 0, 1, 2, 0, 0, 0, 1]
    padded = build.add("Pad", "input", pads=pads) if opset < 11 else build.add("Pad", "input", build.constant(pads, np.int64))
    convolution(build, padded, 3, 2, pads=[1, 0, 1, 0])
    network = check_against_runtime(build.save(tmp_path / "m.onnx"), build.shape)
    assert len(network.layers) == 1


@pytest.mark.parametrize("reader", ["MaxPool", "Relu", "AveragePool", "SAME"])
def test_padding_that_nothing_can_take_in_is_a_layer(reader, tmp_path):
    build = OnnxBuilder((2, 5, 4))
    padded = build.add("Pad", "input", build.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64))
    if reader == "SAME":
        convolution(build, padded, 3, 2, auto_pad="SAME_UPPER", strides=[2, 2])
    else:
        build.add(reader, padded, **({} if reader == "Relu" else {"kernel_shape": [2, 2]}))
    network = check_against_runtime(build.save(tmp_path / "m.onnx"), build.shape)
    assert len(network.layers) == 2 - (reader == "Relu")


@pytest.mark.parametrize(("starts", "ends", "axes", "steps"), [
    ([0, 0], [9, 9], [2, 3], [2, 2]), ([1], [3], [1], [1]), ([1, 2], [6, 99], [2, 3], [1, 2]), ([-3], [-1], [3], [1]),
    ([2, 1], [8, 8], [2, 3], [3, 2])])
@pytest.mark.parametrize("pads", [None, [0, 1, 0, 0, 0, 2, 0, 0], [0, 1, 1, 0, 0, 2, 0, 2]])
def test_slices_and_channels_that_are_padded_become_one_selecting_convolution(starts, ends, axes, steps, pads, tmp_path):
    build = OnnxBuilder((4, 9, 8))
    tensor = build.add("Slice", "input", *(build.constant(part, np.int64) for part in (starts, ends, axes, steps)))
    if pads:
        tensor = build.add("Pad", tensor, build.constant(pads, np.int64))
    build.add("Relu", tensor)
    check_against_runtime(build.save(tmp_path / "m.onnx"), build.shape)


@pytest.mark.parametrize("opset", [11, 18])
@pytest.mark.parametrize("axes", [[2, 3], [-1, -2], [2], [3]])
@pytest.mark.parametrize("keep", [0, 1])
def test_a_mean_over_space(opset, axes, keep, tmp_path):
    build = OnnxBuilder((4, 5, 6), opset)
    mean = build.add("ReduceMean", "input", axes=axes, keepdims=keep) if opset < 18 else build.add(
        "ReduceMean", "input", build.constant(axes, np.int64), keepdims=keep)
    build.add("Gemm", build.add("Flatten", mean), build.constant(weights(4 * (1 if len(axes) == 2 else 6 if axes == [2] else 5), 3)))
    check_against_runtime(build.save(tmp_path / "m.onnx"), build.shape)


@pytest.mark.parametrize("opset", [11, 13])
def test_a_softmax_of_scores(opset, tmp_path):
    build = OnnxBuilder((4, 5, 6), opset)
    scores = build.add("Flatten", build.add("GlobalAveragePool", "input"))
    build.add("Softmax", build.add("Mul", scores, build.constant(9.0)), axis=1)
    assert check_against_runtime(build.save(tmp_path / "m.onnx"), build.shape).layers[-1].op == "softmax"


def test_a_softmax_over_the_channels_of_each_pixel(tmp_path):
    build = OnnxBuilder((4, 3, 2), 13)
    build.add("Softmax", "input", axis=1)
    check_against_runtime(build.save(tmp_path / "m.onnx"), build.shape)


def test_channels_are_concatenated_and_the_activation_moves_into_the_convolutions(tmp_path):
    build = OnnxBuilder((3, 6, 6))
    parts = [convolution(build, "input", outputs, 3, pads=[1] * 4, seed=outputs) for outputs in (2, 5)]
    build.add("MaxPool", build.add("Relu", build.add("Concat", *parts, axis=1)), kernel_shape=[2, 2], strides=[2, 2])
    network = check_against_runtime(build.save(tmp_path / "m.onnx"), build.shape)
    assert [layer.op for layer in network.layers] == ["conv2d", "conv2d", "concat", "max_pool2d"]


def test_flattened_maps_of_one_size_are_concatenated(tmp_path):
    build = OnnxBuilder((3, 4, 4))
    parts = [build.add("Flatten", build.add(op, "input", kernel_shape=[2, 2])) for op in ("MaxPool", "AveragePool")]
    build.add("Gemm", build.add("Concat", *parts, axis=-1), build.constant(weights(54, 4)))
    check_against_runtime(build.save(tmp_path / "m.onnx"), build.shape)


def test_operators_that_change_nothing_are_no_layers(tmp_path):
    build = OnnxBuilder((3, 1, 1))
    tensor = build.add("Dropout", build.add("Identity", "input"))
    tensor = build.add("Transpose", tensor, perm=[0, 2, 1, 3])
    tensor = build.add("Squeeze", tensor, build.constant([1, 3], np.int64))
    tensor = build.add("Unsqueeze", tensor, build.constant([2, 3], np.int64))
    build.add("Relu", build.add("Cast", tensor, to=1))
    network = check_against_runtime(build.save(tmp_path / "m.onnx"), build.shape)
    assert len(network.layers) == 1


def test_a_graph_that_takes_and_gives_nhwc_has_no_transposes(tmp_path):
    build = OnnxBuilder((6, 5, 3))
    tensor = convolution(build, build.add("Transpose", "input", perm=[0, 3, 1, 2]), 4, 3)
    tensor = build.add("Mul", build.add("Relu", build.add("Transpose", tensor, perm=[0, 2, 3, 1])), build.constant(weights(4)))
    build.add("Gemm", build.add("Reshape", tensor, build.constant([1, -1], np.int64)), build.constant(weights(48, 3)))
    network = check_against_runtime(build.save(tmp_path / "m.onnx"), build.shape, nhwc=True)
    assert network.tensors["input"].shape == (6, 5, 3)


@pytest.mark.parametrize("kind", [np.float16, np.float64])
def test_other_floats_are_read(kind, tmp_path):
    build = OnnxBuilder((3, 5, 4), kind=np_dtype_to_tensor_dtype(np.dtype(kind)))
    build.add("Gemm", build.add("Flatten", "input"), build.constant(weights(60, 2), kind), build.constant(weights(2), kind))
    check_against_runtime(build.save(tmp_path / "m.onnx"), build.shape, dtype=kind)


def test_a_vector_goes_through_dense_layers(tmp_path):
    build = OnnxBuilder((12,))
    tensor = build.add("Relu", build.add("Gemm", "input", build.constant(weights(12, 8)), build.constant(weights(8))))
    build.add("Gemm", batch_norm(build, tensor, 8), build.constant(weights(8, 3)))
    network = check_against_runtime(build.save(tmp_path / "m.onnx"), build.shape)
    assert [layer.op for layer in network.layers] == ["fully_connected", "fully_connected"]


def test_constants_are_computed_when_the_model_is_read(tmp_path):
    build = OnnxBuilder((3, 5, 4))
    kernel = build.add("Mul", build.constant(weights(4, 3, 3, 3)), build.add("Exp", build.constant(weights(4, 1, 1, 1))))
    zeros = build.add("ConstantOfShape", build.constant([4], np.int64))
    build.add("Conv", "input", kernel, build.add("Add", zeros, build.constant(1.5)))
    network = check_against_runtime(build.save(tmp_path / "m.onnx"), build.shape)
    assert len(network.layers) == 1
