# SPDX-License-Identifier: BSD-2-Clause
"""TFLite in: the reference's tensors equal those of TFLite's interpreter, bit for bit, for every operator and in every form it has."""

import numpy as np
import pytest

from accel.config import CONFIGS
from compiler.expectation import expect
from compiler.ir import Conv2D, Lookup, Rescale
from compiler.numbers import multiply_by_quantized_multiplier, quantize_multiplier
from compiler.program import compile_network
from nets.importers.tflite import import_tflite
from nets.importers.tflite_numbers import half_short_product_scale, product_scale
from tests.support.tflite_models import (
    NONE,
    RELU,
    RELU6,
    RELU_N1_TO_1,
    SAME,
    TYPES,
    VALID,
    TFLiteModel,
    assert_equal_to_interpreter,
    check,
    random_images,
    symmetric,
)


@TYPES
@pytest.mark.parametrize("kernel, stride, padding, activation", [
    ((3, 3), (1, 1), SAME, RELU), ((3, 3), (2, 2), SAME, NONE), ((3, 3), (2, 2), VALID, RELU6), ((1, 1), (1, 1), SAME, RELU_N1_TO_1),
    ((1, 1), (2, 2), SAME, NONE), ((5, 2), (3, 1), SAME, RELU), ((2, 4), (1, 3), VALID, NONE), ((11, 9), (1, 1), VALID, NONE)])
def test_convolutions_are_exact(tmp_path, dtype, kernel, stride, padding, activation):
    model = TFLiteModel((11, 9, 5), dtype, seed=kernel[0])
    check(tmp_path, model, model.convolution(model.input, 7, kernel, stride, padding, activation, **symmetric(dtype)))


@TYPES
@pytest.mark.parametrize("kernel, stride, padding, multiplier, channels", [
    ((3, 3), (1, 1), SAME, 1, 6), ((3, 3), (2, 2), SAME, 1, 5), ((3, 3), (2, 1), VALID, 1, 17), ((4, 2), (1, 1), SAME, 3, 4),
    ((3, 3), (1, 1), SAME, 8, 1)])
def test_depthwise_convolutions_are_exact_with_a_channel_multiplier_too(tmp_path, dtype, kernel, stride, padding, multiplier, channels):
    model = TFLiteModel((8, 7, channels), dtype, seed=channels)
    layer, = check(tmp_path, model, model.depthwise(model.input, kernel, stride, padding, RELU, multiplier, **symmetric(dtype)))
    assert (layer.groups, len(layer.weights)) == (channels, channels * multiplier)


@pytest.mark.parametrize("zero_point", (-128, -1, 0, 127))
@pytest.mark.parametrize("output_zero_point", (-128, 127))
def test_zero_points_at_the_ends_are_exact_with_padding(tmp_path, zero_point, output_zero_point):
    model = TFLiteModel((6, 5, 3), zero_point=zero_point, scale=0.003)
    middle = model.convolution(model.input, 8, stride=(2, 1), zero_point=output_zero_point)
    check(tmp_path, model, model.depthwise(middle, zero_point=zero_point))


@TYPES
def test_weights_of_minus_128_are_exact(tmp_path, dtype):
    model = TFLiteModel((5, 5, 4), dtype)
    middle = model.convolution(model.input, 6, smallest=-128, **symmetric(dtype))
    layers = check(tmp_path, model, model.dense(model.depthwise(middle, smallest=-128, **symmetric(dtype)), 9, smallest=-128, **symmetric(dtype)))
    assert all(layer.weights.min() == -128 for layer in layers)


def test_a_convolution_in_groups_is_exact(tmp_path):
    model = TFLiteModel((6, 6, 8))
    layer, = check(tmp_path, model, model.convolution(model.input, 12, groups=4))
    assert layer.groups == 4


def test_a_convolution_without_bias_has_zeros(tmp_path):
    model = TFLiteModel((6, 6, 8))
    layer, = import_tflite(model.save(tmp_path, model.convolution(model.input, 12, bias=False))).network.layers
    assert layer.bias.shape == (12,) and not layer.bias.any()


@pytest.mark.parametrize("kind, dtype, per_channel", [(kind, *numbers) for kind in ("convolution", "depthwise", "dense")
                                                      for numbers in (("int8", True), ("int8", False), ("uint8", False))])
def test_sums_that_lie_where_scales_of_single_and_double_precision_differ_are_exact(tmp_path, kind, dtype, per_channel):
    told_apart = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        scale, weight_scale, output_scale = (np.float32(rng.uniform(*ends)) for ends in ((0.01, 0.1), (1e-4, 2e-4), (0.05, 0.3)))
        sums = _sums_told_apart(scale, weight_scale, output_scale)
        told_apart += len(sums)
        if len(sums):
            model = TFLiteModel((1, 1, len(sums) if kind == "depthwise" else 1), dtype, scale=scale, zero_point=0)
            output = _only_bias(model, kind, sums, np.full(len(sums), weight_scale) if per_channel else weight_scale, output_scale)
            path = model.save(tmp_path, output)
            assert_equal_to_interpreter(path, np.zeros((1, *model.shape(model.input)[1:]), np.int8))
    assert told_apart > 20


def _sums_told_apart(scale, weight_scale, output_scale):
    """Return up to 60 sums that lie between what the scale in float64 and the one with its product in float32 round up."""
    both = [product(scale, weight_scale, output_scale) for product in (product_scale, half_short_product_scale)]
    near = np.floor((np.arange(-120, 120) + 0.5) / both[0]).astype(np.int64)
    sums = np.unique(near + np.arange(-12, 13)[:, np.newaxis])
    first, second = (multiply_by_quantized_multiplier(sums, *quantize_multiplier(real)) for real in both)
    return sums[first != second][:60]


def _only_bias(model, kind, sums, weight_scale, output_scale):
    """Append a layer of `kind` whose outputs are its bias `sums`, scaled, for an input of zeros."""
    outputs, depthwise = len(sums), kind == "depthwise"
    shape = {"convolution": [outputs, 1, 1, 1], "depthwise": [1, 1, 1, outputs], "dense": [outputs, 1]}[kind]
    weights = model.tensor(shape, weight_scale, model.offset, model.dtype, np.full(shape, 1 + model.offset), axis=3 if depthwise else 0)
    bias = model.tensor([outputs], np.float32(model.scale(model.input)) * weight_scale, 0, "int32", sums)
    output = model.map([1, outputs] if kind == "dense" else [1, 1, 1, outputs], output_scale, 0)
    name, options = {"convolution": ("CONV_2D", "Conv2D"), "depthwise": ("DEPTHWISE_CONV_2D", "DepthwiseConv2D"),
                     "dense": ("FULLY_CONNECTED", "FullyConnected")}[kind]
    window = {} if kind == "dense" else {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    model.operator(name, [model.input, weights, bias], [output], options, 3, **window, **({"depthMultiplier": 1} if depthwise else {}))
    return output


@TYPES
@pytest.mark.parametrize("activation", (NONE, RELU, RELU6))
def test_fully_connected_layers_are_exact_over_a_whole_map(tmp_path, dtype, activation):
    model = TFLiteModel((3, 4, 5), dtype)
    hidden = model.dense(model.input, 20, activation, zero_point=-128, **symmetric(dtype))
    check(tmp_path, model, model.dense(hidden, 10, bias=False, **symmetric(dtype)), count=40)


def test_a_fully_connected_layer_that_keeps_the_dimensions_works_on_each_pixel(tmp_path):
    model = TFLiteModel((3, 4, 5))
    layer, = check(tmp_path, model, model.dense(model.input, 6, keep=True))
    assert type(layer) is Conv2D and layer.kernel == (1, 1)


@TYPES
@pytest.mark.parametrize("power", (-8, -6))
def test_fully_connected_sums_that_lie_on_halves_are_rounded_away_from_zero(tmp_path, dtype, power):
    model = TFLiteModel((1, 1, 4), dtype, scale=1.0, zero_point=0)
    offset = model.offset
    weights = model.tensor([2, 4], 1.0, offset, dtype, np.array([[1, 1, 1, 1], [-1, 2, -3, 4]]) + offset)
    output = model.map([1, 2], 2.0 ** -power, 0)
    model.operator("FULLY_CONNECTED", [model.input, weights, -1], [output], "FullyConnected", 4)
    sums = np.array([[[[half, 0, 0, 0]]] for half in range(-128, 128)], np.int8)
    assert_equal_to_interpreter(model.save(tmp_path, output), sums)


def test_a_fully_connected_scale_just_below_a_power_of_two_never_rounds_a_half_up(tmp_path):
    scale, weight_scale = np.float32(1 + 2 ** -23), np.float32((1 - 2 ** -23) / 128)
    model = TFLiteModel((1, 1, 1), scale=scale, zero_point=0)
    weights, output = model.tensor([1, 1], weight_scale, data=[[1]]), model.map([1, 1], 1.0, 0)
    model.operator("FULLY_CONNECTED", [model.input, weights, -1], [output], "FullyConnected", 4)
    layer = assert_equal_to_interpreter(model.save(tmp_path, output), np.arange(-128, 128).astype(np.int8).reshape(-1, 1, 1, 1)).network.layers[0]
    assert layer.multipliers[0] == (1 << 31) - 1 or layer.multipliers[0] == (1 << 30) - 1


@TYPES
@pytest.mark.parametrize("activation", (NONE, RELU, RELU6))
def test_additions_of_maps_of_other_scales_are_exact(tmp_path, dtype, activation):
    model = TFLiteModel((5, 4, 6), dtype)
    first, second = (model.convolution(model.input, 6, (1, 1), zero_point=zero_point, **symmetric(dtype)) for zero_point in (-128, 31))
    total = model.add(first, second, activation)
    check(tmp_path, model, model.add(total, total))


@TYPES
@pytest.mark.parametrize("ratio", (0.77, 3.1))
def test_an_addition_is_exact_for_every_pair_of_numbers(tmp_path, dtype, ratio):
    model = TFLiteModel((256, 256, 2), dtype, scale=0.0713, zero_point=-77)
    first, second = (_channel(model, channel, zero_point) for channel, zero_point in enumerate((-77, -100)))
    output = model.add(first, model.quantize(second, 0.0713 * ratio, 11), zero_point=-20)
    numbers = np.stack(np.meshgrid(np.arange(-128, 128), np.arange(-128, 128)), axis=-1)
    assert_equal_to_interpreter(model.save(tmp_path, output), numbers.astype(np.int8)[np.newaxis])


def _channel(model, channel, zero_point):
    """Append a convolution that gives one of the input's two channels; returns its output's number."""
    numbers = np.zeros((1, 1, 1, 2), int)
    numbers[..., channel] = 127
    weights = model.tensor([1, 1, 1, 2], 1 / 127, model.offset, model.dtype, numbers + model.offset)
    bias = model.tensor([1], model.scale(model.input) / 127, 0, "int32", [0])
    output = model.map([*model.shape(model.input)[:3], 1], model.scale(model.input), zero_point)
    model.operator("CONV_2D", [model.input, weights, bias], [output], "Conv2D", 3, strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1)
    return output


@TYPES
@pytest.mark.parametrize("shape, first", [((1, 1, 1, 6), False), ((6,), True), ((1,), False), ((), True)])
def test_a_multiplication_by_a_constant_is_a_depthwise_convolution(tmp_path, dtype, shape, first):
    model = TFLiteModel((5, 4, 6), dtype)
    layer, = check(tmp_path, model, model.mul(model.input, shape, first=first, activation=RELU))
    assert layer.depthwise and layer.kernel == (1, 1)


def test_a_multiplication_by_a_constant_with_a_zero_point_is_exact_where_the_factors_fit(tmp_path):
    model = TFLiteModel((3, 3, 4))
    check(tmp_path, model, model.mul(model.input, (4,), zero_point=20, smallest=-107))


@TYPES
def test_concatenations_of_one_scale_are_exact(tmp_path, dtype):
    model = TFLiteModel((4, 3, 5), dtype)
    pooled = model.pool("MAX_POOL_2D", model.input, (1, 1), (1, 1))
    check(tmp_path, model, model.concatenation(model.input, pooled, axis=-1 if dtype == "uint8" else 3))


@pytest.mark.parametrize("seed", range(4))
def test_a_concatenation_of_uint8_maps_of_other_scales_is_exact(tmp_path, seed):
    rng = np.random.default_rng(seed)
    model = TFLiteModel((4, 16, 4), "uint8", scale=float(rng.uniform(0.01, 0.1)), zero_point=int(rng.integers(-128, 128)))
    other = model.convolution(model.input, 6, (1, 1), per_channel=False)
    output = model.concatenation(model.input, other, scale=float(rng.uniform(0.02, 0.2)), zero_point=int(rng.integers(-128, 128)))
    images = np.stack([np.arange(-128, 128), np.arange(127, -129, -1)]).astype(np.int8).reshape(2, 4, 16, 4)
    layers = assert_equal_to_interpreter(model.save(tmp_path, output), images).network.layers
    assert sum(isinstance(layer, (Lookup, Rescale)) for layer in layers) == 2


@TYPES
@pytest.mark.parametrize("kind", ("RELU", "RELU6", "RELU_N1_TO_1"))
@pytest.mark.parametrize("scale, zero_point", [(0.05, -128), (0.031, -100), (0.2, 0)])
def test_activations_that_stand_alone_are_exact_for_every_number(tmp_path, dtype, kind, scale, zero_point):
    model = TFLiteModel((16, 16, 1), dtype, zero_point=4)
    images = np.arange(-128, 128).astype(np.int8).reshape(1, 16, 16, 1)
    assert_equal_to_interpreter(model.save(tmp_path, model.single(kind, model.input, scale, zero_point)), images)


@TYPES
@pytest.mark.parametrize("seed", range(6))
def test_the_sigmoid_is_exact_for_every_number(tmp_path, dtype, seed):
    rng = np.random.default_rng(seed)
    model = TFLiteModel((16, 16, 1), dtype, scale=float(rng.uniform(0.001, 0.2)), zero_point=int(rng.integers(-128, 128)))
    images = np.arange(-128, 128).astype(np.int8).reshape(1, 16, 16, 1)
    assert_equal_to_interpreter(model.save(tmp_path, model.single("LOGISTIC", model.input, 1 / 256, -128)), images)


@TYPES
@pytest.mark.parametrize("shape, scale, beta", [((1, 1, 10), 0.17, 1.0), ((1, 1, 400), 0.08, 1.0), ((3, 2, 5), 0.02, 2.0), ((1, 1, 2), 0.9, 0.5)])
def test_a_softmax_is_exact(tmp_path, dtype, shape, scale, beta):
    model = TFLiteModel(shape, dtype, scale=scale)
    check(tmp_path, model, model.softmax(model.input, beta), count=20)


@TYPES
@pytest.mark.parametrize("scale, zero_point", [(0.05, -5), (0.05, 20), (0.0271, 3), (0.3, -128)])
def test_a_change_of_scale_in_the_middle_is_exact(tmp_path, dtype, scale, zero_point):
    model = TFLiteModel((5, 4, 3), dtype)
    check(tmp_path, model, model.convolution(model.quantize(model.input, scale, zero_point), 4, **symmetric(dtype)), count=20)


def test_real_numbers_at_the_edges_are_left_to_the_user_and_noted(tmp_path):
    model = TFLiteModel((5, 4, 3))
    model.input = model.tensor([1, 5, 4, 3], dtype="float32")
    output = model.convolution(model.quantize(model.input, 0.03, 7), 4)
    imported = assert_equal_to_interpreter(model.save(tmp_path, model.dequantize(output)))
    info = imported.network.tensors[imported.network.input]
    assert (info.scale, info.zero_point) == (pytest.approx(0.03), 7)
    assert imported.notes == ("QUANTIZE 'tensor_2' is left out: the network takes the int8 numbers that it gives",
                              "DEQUANTIZE 'tensor_6' is left out: the network gives the int8 numbers that it reads")


def test_what_is_expressed_by_something_else_is_noted_in_the_order_of_the_file(tmp_path):
    model = TFLiteModel((6, 6, 4), "uint8")
    padded = model.pad(model.mul(model.input, (4,)), 1, 1, 1, 1)
    pooled = model.pool("AVERAGE_POOL_2D", padded)
    notes = import_tflite(model.save(tmp_path, model.reshape(model.mean(pooled), [1, 4]))).notes
    assert notes[0] == "uint8 numbers became int8 by subtracting 128"
    assert [note.split()[0] for note in notes[1:]] == ["MUL", "PAD", "AVERAGE_POOL_2D", "MEAN", "RESHAPE"]


@pytest.mark.parametrize("kind", ("RESHAPE", "SQUEEZE"))
def test_flattening_only_renames_and_the_network_keeps_the_map(tmp_path, kind):
    model = TFLiteModel((1, 1, 12) if kind == "SQUEEZE" else (2, 3, 2))
    pooled = model.pool("MAX_POOL_2D", model.input, (1, 1), (1, 1))
    flat = model.reshape(pooled, [1, 12], kind)
    imported = assert_equal_to_interpreter(model.save(tmp_path, model.dense(flat, 4)))
    assert [layer.op for layer in imported.network.layers] == ["max_pool2d", "fully_connected"]
    assert imported.indices[imported.network.layers[0].output] == pooled


def test_a_reshape_of_the_input_gives_the_network_the_map(tmp_path):
    model = TFLiteModel((24,))
    imported = assert_equal_to_interpreter(model.save(tmp_path, model.convolution(model.reshape(model.input, [1, 4, 3, 2]), 4)))
    assert imported.network.tensors[imported.network.input].shape == (4, 3, 2)


def test_a_file_whose_batch_is_left_open_is_imported_for_one_image(tmp_path):
    model = TFLiteModel((6, 6, 3), signature=[-1, 6, 6, 3])
    check(tmp_path, model, model.convolution(model.input, 4))


def test_numbers_say_what_each_tensor_of_the_network_is_called_in_the_file(tmp_path):
    model = TFLiteModel((6, 6, 3))
    first = model.convolution(model.input, 4)
    model.graph.tensors[first].name = "model/activation/Relu;model/conv2d/BiasAdd;model/conv2d_7/Conv2D"
    second = model.convolution(first, 4)
    model.graph.tensors[second].name = "model/conv2d/Conv2D;again"
    imported = import_tflite(model.save(tmp_path, second))
    assert imported.indices == {"input": model.input, "conv2d": first, "conv2d_2": second}
    assert imported.network.name == "model" and imported.source == tmp_path / "model.tflite"


@TYPES
@pytest.mark.parametrize("seed", range(3))
def test_whole_networks_are_exact(tmp_path, dtype, seed):
    model = TFLiteModel((13, 11, 3), dtype, seed=seed, zero_point=-128)
    stem = model.convolution(model.input, 8, stride=(2, 2), activation=RELU6, zero_point=-128, **symmetric(dtype))
    deep = model.depthwise(stem, activation=RELU, zero_point=-128, **symmetric(dtype))
    wide = model.convolution(deep, 8, (1, 1), **symmetric(dtype))
    both = model.add(stem, wide, RELU, -128)
    joined = model.concatenation(both, model.pool("MAX_POOL_2D", both, (3, 3), (1, 1), SAME))
    mean = model.mean(joined, keep=False)
    check(tmp_path, model, model.softmax(model.dense(mean, 10, **symmetric(dtype))))


@pytest.mark.parametrize("append", (
    lambda model: model.depthwise(model.input, multiplier=3),
    lambda model: model.mean(model.input),
    lambda model: model.mul(model.input, (6,)),
    lambda model: model.dense(model.input, 10),
    lambda model: model.dense(model.input, 10, keep=True),
    lambda model: model.pool("AVERAGE_POOL_2D", model.pad(model.input, 1, 1, 1, 1)),
    lambda model: model.single("RELU6", model.input, 0.02, -128)))
def test_what_is_expressed_by_other_layers_compiles_and_the_golden_model_computes_the_same(tmp_path, append):
    model = TFLiteModel((6, 5, 6), zero_point=17)
    network = import_tflite(model.save(tmp_path, append(model))).network
    image, = random_images((6, 5, 6), 4)[3:]
    expect(network, compile_network(network, CONFIGS["arty-35"]), image)
