# SPDX-License-Identifier: BSD-2-Clause
"""Each operator of a model that onnxruntime quantised gives, layer by layer, onnxruntime's integers, or their neighbours."""

import numpy as np
import pytest

from compiler.ir import AveragePool2D, Concat
from tests.support.onnx_models import OnnxBuilder
from tests.support.qdq_models import check_layers, quantised

RNG = np.random.default_rng
KINDS = [("int8", True, False), ("uint8", True, False), ("uint8", False, False), ("int8", False, True), ("uint8", True, True)]
NAMES = ["QDQ int8", "QDQ uint8", "QDQ uint8 per tensor", "QLinear int8 per tensor", "QLinear uint8"]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=NAMES)


def images(shape, count=6, seed=1):
    """Return random float32 images."""
    return RNG(seed).normal(size=(count, *shape)).astype(np.float32)


def convolution(build, source, outputs, inputs, kernel=(3, 3), seed=1, group=1, **attributes):
    """Add a Conv with random weights of other sizes in each filter."""
    rng = RNG(seed)
    weights = rng.normal(size=(outputs, inputs // group, *kernel)) * rng.uniform(0.2, 2, (outputs, 1, 1, 1))
    return build.add("Conv", source, build.constant(weights), build.constant(rng.normal(size=outputs)), group=group, **attributes)


def check(build, tmp_path, kind, compared=None, **extra):
    """Quantise what `build` has, hold it against onnxruntime and return the Network."""
    activations, per_channel, operators = kind
    path = quantised(build.save(tmp_path / "float.onnx"), tmp_path / "m.onnx", images(build.shape), activations, per_channel, operators, **extra)
    return check_layers(path, images(build.shape, 3, 2), compared).network


@every_kind
@pytest.mark.parametrize("attributes", [{"pads": [1, 2, 0, 1]}, {"strides": [2, 3]}, {"auto_pad": "SAME_UPPER", "strides": [2, 2]}, {"group": 2},
                                        {"group": 4, "pads": [1, 1, 1, 1]}, {"dilations": [2, 1]}])
def test_a_convolution_with_and_without_relu(kind, attributes, tmp_path):
    build = OnnxBuilder((4, 8, 7), 13)
    inner = build.add("Relu", convolution(build, "input", 8, 4, **attributes))
    convolution(build, inner, 6, 8, (1, 1), 3)
    assert len(check(build, tmp_path, kind).layers) == 2


def test_a_relu_with_symmetric_activations_is_a_layer_or_part_of_one(tmp_path):
    build = OnnxBuilder((4, 8, 7), 13)
    convolution(build, build.add("Relu", convolution(build, "input", 8, 4)), 6, 8, (1, 1), 3)
    check(build, tmp_path, KINDS[0], ActivationSymmetric=True)


def test_a_clip_to_six(tmp_path):
    build = OnnxBuilder((4, 8, 7), 13)
    inner = build.add("Clip", convolution(build, "input", 8, 4), build.constant(0.0), build.constant(6.0))
    convolution(build, inner, 6, 8, (1, 1), 3)
    check(build, tmp_path, KINDS[1])


@every_kind
def test_a_matrix_product_of_a_flattened_map(kind, tmp_path):
    build, rng = OnnxBuilder((4, 5, 3), 13), RNG(5)
    flat = build.add("Flatten", convolution(build, "input", 6, 4, pads=[1, 1, 1, 1]))
    hidden = build.add("Relu", build.add("Gemm", flat, build.constant(rng.normal(size=(90, 12))), build.constant(rng.normal(size=12))))
    build.add("Gemm", hidden, build.constant(rng.normal(size=(7, 12))), build.constant(rng.normal(size=7)), transB=1)
    network = check(build, tmp_path, kind)
    assert network.tensors[network.output].shape == (1, 1, 7)


@every_kind
def test_a_matmul_with_an_addition_behind(kind, tmp_path):
    build, rng = OnnxBuilder((20,), 13), RNG(6)
    product = build.add("MatMul", "input", build.constant(rng.normal(size=(20, 9))))
    build.add("Add", product, build.constant(rng.normal(size=9)))
    check(build, tmp_path, kind)


@every_kind
def test_an_addition_of_two_branches(kind, tmp_path):
    build = OnnxBuilder((4, 8, 7), 13)
    one = convolution(build, "input", 8, 4, pads=[1, 1, 1, 1])
    other = convolution(build, "input", 8, 4, (1, 1), seed=9)
    build.add("Relu", build.add("Add", one, other))
    check(build, tmp_path, kind)


@every_kind
def test_a_concatenation_of_different_scales(kind, tmp_path):
    build = OnnxBuilder((4, 8, 7), 13)
    one = build.add("Relu", convolution(build, "input", 8, 4, pads=[1, 1, 1, 1]))
    joined = build.add("Concat", one, convolution(build, "input", 3, 4, (1, 1), seed=9), axis=1)
    convolution(build, joined, 4, 11, (1, 1), 2)
    network = check(build, tmp_path, kind, compared=4)
    concat = next(layer for layer in network.layers if isinstance(layer, Concat))
    assert any(name.endswith(f" for {concat.name}") for name in concat.inputs)


@every_kind
@pytest.mark.parametrize("attributes", [{"strides": [2, 2]}, {"strides": [2, 2], "ceil_mode": 1}, {"pads": [1, 1, 1, 1]}])
def test_a_max_pool(kind, attributes, tmp_path):
    build = OnnxBuilder((4, 9, 8), 13)
    pooled = build.add("MaxPool", build.add("Relu", convolution(build, "input", 8, 4)), kernel_shape=[3, 3], **attributes)
    convolution(build, pooled, 6, 8, (1, 1), 3)
    # Where the model pools integers there is no Q of the pool's own.
    check(build, tmp_path, kind, compared=2 if kind[2] else 3)


@every_kind
@pytest.mark.parametrize("attributes", [{"strides": [2, 2]}, {"pads": [1, 1, 1, 1], "count_include_pad": 1, "strides": [2, 1]}])
def test_an_average_pool_has_its_outputs_own_scale(kind, attributes, tmp_path):
    build = OnnxBuilder((4, 9, 8), 13)
    build.add("AveragePool", convolution(build, "input", 8, 4), kernel_shape=[3, 3], **attributes)
    assert len(check(build, tmp_path, kind).layers) == 2


@every_kind
def test_a_global_average_and_what_follows_it(kind, tmp_path):
    build, rng = OnnxBuilder((4, 9, 8), 13), RNG(4)
    mean = build.add("GlobalAveragePool", build.add("Relu", convolution(build, "input", 8, 4)))
    build.add("Gemm", build.add("Flatten", mean), build.constant(rng.normal(size=(8, 5))), build.constant(rng.normal(size=5)))
    check(build, tmp_path, kind)


@every_kind
def test_a_softmax(kind, tmp_path):
    build, rng = OnnxBuilder((20,), 13), RNG(6)
    build.add("Softmax", build.add("Gemm", "input", build.constant(rng.normal(size=(20, 9)) / 3), build.constant(rng.normal(size=9))))
    check(build, tmp_path, kind, compared=2)


@pytest.mark.parametrize("kind", KINDS[:2], ids=NAMES[:2])
def test_a_shortcut_that_takes_every_other_pixel_and_pads_channels(kind, tmp_path):
    build = OnnxBuilder((4, 9, 8), 13)
    inner = build.add("Relu", convolution(build, "input", 8, 4, pads=[1, 1, 1, 1]))
    part = build.add("Slice", inner, *(build.constant(values, np.int64) for values in ([0, 0], [99, 99], [2, 3], [2, 2])))
    wide = build.add("Pad", part, build.constant([0, 4, 0, 0, 0, 4, 0, 0], np.int64))
    build.add("Add", convolution(build, inner, 16, 8, strides=[2, 2], pads=[1, 1, 1, 1]), wide)
    check(build, tmp_path, kind, compared=3)


def test_padding_is_taken_in_by_the_convolution_behind_it(tmp_path):
    build = OnnxBuilder((4, 9, 8), 13)
    inner = build.add("Relu", convolution(build, "input", 8, 4))
    convolution(build, build.add("Pad", inner, build.constant([0, 0, 1, 2, 0, 0, 2, 1], np.int64)), 6, 8, seed=4)
    assert len(check(build, tmp_path, KINDS[1]).layers) == 2


def test_an_average_that_leaves_padding_out_is_exact_at_its_inputs_scale(tmp_path):
    build = OnnxBuilder((4, 9, 8), 13)
    pooled = build.add("AveragePool", convolution(build, "input", 8, 4), kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    convolution(build, pooled, 6, 8, (1, 1), 3)
    path = quantised(build.save(tmp_path / "float.onnx"), tmp_path / "m.onnx", images(build.shape), "int8")
    _same_scale(path, pooled, build)
    network = check_layers(path, images(build.shape, 3, 2)).network
    assert any(isinstance(layer, AveragePool2D) for layer in network.layers)


def _same_scale(path, tensor, build):
    """Give the QuantizeLinear of `tensor`, and what reads its integers, the scale of the pool's input."""
    import onnx

    model = onnx.load(path)
    source = next(node for node in build.nodes if node.output[0] == tensor).input[0]
    names = {name: f"{source}{name.removeprefix(tensor)}" for name in (f"{tensor}_scale", f"{tensor}_zero_point")}
    for node in model.graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = names.get(name, name)
    onnx.save(model, path)
