# SPDX-License-Identifier: BSD-2-Clause
"""What cannot be imported from TFLite ends with one sentence that names it and says what to change in the model."""

import numpy as np
import pytest

from accel.errors import UserError
from nets.importers.interpreter import Interpreter
from nets.importers.tflite import import_tflite
from tests.support.tflite_models import RELU, SAME, VALID, TFLiteModel


def refusal(path):
    """Return the sentence that refuses the file."""
    with pytest.raises(UserError) as caught:
        import_tflite(path)
    sentence = str(caught.value)
    assert str(path) in sentence and "\n" not in sentence
    return sentence


def refusal_of(folder, model, output):
    """Return the sentence that refuses a model."""
    return refusal(model.save(folder, output))


def good_model():
    """Return (model, output) of what can be imported."""
    model = TFLiteModel((6, 5, 3))
    return model, model.dense(model.convolution(model.input, 4), 10)


def test_a_missing_file_is_refused_by_its_name(tmp_path):
    assert "cannot read" in refusal(tmp_path / "none.tflite")


def test_a_file_of_another_kind_is_refused(tmp_path):
    for content in (b"", b"\x00" * 100, b"PK\x03\x04 an archive"):
        (tmp_path / "other.tflite").write_bytes(content)
        assert "is no TFLite file" in refusal(tmp_path / "other.tflite")


def test_a_truncated_file_is_refused_with_its_name_wherever_it_was_cut(tmp_path):
    model, output = good_model()
    content = model.save(tmp_path, output).read_bytes()
    for length in (*range(8, len(content), 37), *range(len(content) - 40, len(content))):
        (tmp_path / "cut.tflite").write_bytes(content[:length])
        assert f"is damaged or truncated: it has {length} bytes" in refusal(tmp_path / "cut.tflite")


def test_an_unsupported_operator_is_refused_with_its_name_attributes_and_what_there_is(tmp_path):
    model, _ = good_model()
    output = model.map([1, 12, 10, 3], 0.05, -5)
    size = model.tensor([2], dtype="int32", data=[12, 10])
    model.operator("RESIZE_NEAREST_NEIGHBOR", [model.input, size], [output], "ResizeNearestNeighbor", 2, alignCorners=False, halfPixelCenters=True)
    sentence = refusal_of(tmp_path, model, output)
    assert "operator 2, RESIZE_NEAREST_NEIGHBOR" in sentence and "align_corners False, half_pixel_centers True" in sentence
    assert "replace it or cut the model before it; there are ADD, AVERAGE_POOL_2D, CONCATENATION" in sentence


def test_a_slice_of_a_map_is_no_arithmetic_on_shapes_and_is_refused(tmp_path):
    model, _ = good_model()
    output = model.map([1, 3, 5, 3], 0.05, -5)
    bounds = [model.tensor([4], dtype="int32", data=numbers) for numbers in ([0, 0, 0, 0], [1, 3, 5, 3], [1, 1, 1, 1])]
    model.operator("STRIDED_SLICE", [model.input, *bounds], [output], "StridedSlice", 2)
    assert "operator 2, STRIDED_SLICE" in refusal_of(tmp_path, model, output)


def test_a_float_model_is_refused_with_both_ways_out(tmp_path):
    model = TFLiteModel((4, 4, 3))
    source, target = (model.tensor([1, 4, 4, 3], dtype="float32") for _ in range(2))
    model.operator("RELU", [source], [target])
    model.input = source
    sentence = refusal_of(tmp_path, model, target)
    assert "is a float model" in sentence and "full integer quantisation" in sentence and "ONNX" in sentence


def test_a_hybrid_model_is_refused_as_such(tmp_path):
    model = TFLiteModel((4,))
    source, target = model.tensor([1, 4], dtype="float32"), model.tensor([1, 3], dtype="float32")
    weights, _ = model.weights([3, 4], 0)
    model.operator("FULLY_CONNECTED", [source, weights, -1], [target], "FullyConnected")
    model.input = source
    assert "is a hybrid model" in refusal_of(tmp_path, model, target)


def test_an_int16_model_is_refused(tmp_path):
    model = TFLiteModel((4, 4, 3))
    source, target = (model.tensor([1, 4, 4, 3], 0.01, 0, "int16") for _ in range(2))
    model.operator("RELU", [source], [target])
    model.input = source
    assert "has int16 activations" in refusal_of(tmp_path, model, target)


def test_an_int32_tensor_in_the_middle_is_refused(tmp_path):
    model = TFLiteModel((4, 4, 3))
    target = model.tensor([1, 4, 4, 3], 0.01, 0, "int32")
    model.operator("RELU", [model.input], [target])
    assert "is int32, but activations must be int8 or uint8" in refusal_of(tmp_path, model, target)


def test_dynamic_shapes_are_refused(tmp_path):
    model = TFLiteModel((4, 4, 3), signature=[1, -1, -1, 3])
    assert "has the dynamic shape [1, -1, -1, 3]" in refusal_of(tmp_path, model, model.convolution(model.input, 4))


def test_a_batch_of_several_images_is_refused(tmp_path):
    model = TFLiteModel((4, 4, 3))
    model.graph.tensors[model.input].shape = [2, 4, 4, 3]
    assert "a batch of 1" in refusal_of(tmp_path, model, model.single("RELU", model.input, 0.05, -128))


def test_asymmetric_weights_are_refused(tmp_path):
    for dtype, zero_point in (("uint8", 3), ("int8", -2)):
        model = TFLiteModel((4, 4, 3), dtype)
        sentence = refusal_of(tmp_path, model, _asymmetric(model, zero_point))
        assert f"has asymmetric weights, with the zero point {zero_point + model.offset}" in sentence


def _asymmetric(model, zero_point):
    output = model.convolution(model.input, 4, per_channel=False)
    model.graph.tensors[model.graph.operators[-1].inputs[1]].quantization.zeroPoint = np.array([zero_point + model.offset])
    return output


def test_a_dilated_convolution_is_refused(tmp_path):
    model = TFLiteModel((9, 9, 3))
    sentence = refusal_of(tmp_path, model, model.convolution(model.input, 4, dilation=(2, 2)))
    assert "dilation_h_factor 2" in sentence and "is dilated: set its dilation to 1" in sentence


def test_a_broadcasting_addition_is_refused(tmp_path):
    model = TFLiteModel((4, 4, 3))
    mean = model.mean(model.input)
    output = model.map([1, 4, 4, 3], 0.1, 0)
    model.operator("ADD", [model.input, mean], [output], "Add", 2)
    assert "adds maps of [1, 4, 4, 3] and [1, 1, 1, 3]: there is no broadcasting" in refusal_of(tmp_path, model, output)


def test_an_addition_of_a_constant_is_refused(tmp_path):
    model = TFLiteModel((4, 4, 3))
    constant, output = model.map([1, 1, 1, 3], 0.1, 0, data=[[[[1, 2, 3]]]]), model.map([1, 4, 4, 3], 0.1, 0)
    model.operator("ADD", [model.input, constant], [output], "Add", 2)
    assert "adds a constant: put it into the bias" in refusal_of(tmp_path, model, output)


def test_a_product_of_two_maps_and_a_factor_beyond_int8_are_refused(tmp_path):
    model = TFLiteModel((4, 4, 3))
    output = model.map([1, 4, 4, 3], 0.1, 0)
    model.operator("MUL", [model.input, model.input], [output], "Mul", 2)
    assert "multiplies two maps" in refusal_of(tmp_path, model, output)
    model = TFLiteModel((4, 4, 60))
    assert "exceed int8: quantise the factor with zero point 0" in refusal_of(tmp_path, model, model.mul(model.input, (60,), zero_point=-100))


@pytest.mark.parametrize("dtype, scale, sentence", [
    ("int8", None, "has a factor of int8 with 0 scales"), ("int8", [0.01] * 4, "has a factor of int8 with 4 scales"),
    ("int32", 0.01, "has a factor of int32 with 1 scales"), ("uint8", 0.01, "has a factor of uint8 with 1 scales")])
def test_a_factor_that_is_not_quantised_as_the_map_is_is_refused(dtype, scale, sentence, tmp_path):
    model = TFLiteModel((3, 3, 4))
    factor, output = model.tensor([4], scale, 0, dtype, [1, 2, 3, 4]), model.map([1, 3, 3, 4], 0.01, 3)
    model.operator("MUL", [model.input, factor], [output], "Mul", 2)
    assert f"{sentence}: quantise the factor as the map is, with one scale" in refusal_of(tmp_path, model, output)


def _pool(model):
    return model.pool("MAX_POOL_2D", model.input)


def _convolution(model):
    return model.convolution(model.input, 4)


DAMAGE = {
    "no stride": (_convolution, lambda operator: setattr(operator.builtinOptions, "strideH", 0), "has no positive stride_h"),
    "a negative stride": (_pool, lambda operator: setattr(operator.builtinOptions, "strideW", -1), "has no positive stride_w"),
    "no window": (_pool, lambda operator: setattr(operator.builtinOptions, "filterWidth", 0), "has no positive filter_width"),
    "no padding": (_pool, lambda operator: setattr(operator.builtinOptions, "padding", 7), "neither SAME nor VALID"),
    "no options": (_convolution, lambda operator: vars(operator).update(builtinOptions=None, builtinOptionsType=0), "has no positive stride_h"),
    "no options of a pool": (_pool, lambda operator: vars(operator).update(builtinOptions=None, builtinOptionsType=0), "has no positive stride_h"),
    "no weights": (_convolution, lambda operator: setattr(operator, "inputs", [0]), "has 1 of the 2 inputs that it needs"),
    "weights left out": (_convolution, lambda operator: setattr(operator, "inputs", [0, -1, -1]), "has 1 of the 2 inputs that it needs"),
    "no inputs": (_pool, lambda operator: setattr(operator, "inputs", []), "has 0 of the 1 inputs that it needs"),
    "no axes": (lambda model: model.mean(model.input), lambda operator: setattr(operator, "inputs", [0]), "has 1 of the 2 inputs"),
    "no output": (_convolution, lambda operator: setattr(operator, "outputs", [-1]), "outputs, or one that is no tensor"),
    "a bias for weights": (_convolution, lambda operator: setattr(operator, "inputs", [0, 0]), "computed or compressed"),
    "a matrix for filters": (lambda model: model.dense(model.convolution(model.input, 4), 10),
                             lambda operator: setattr(operator, "inputs", [2, 1, -1]), "but 2 dimensions are right"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_file_that_can_still_be_read_is_refused_by_its_operator(case, tmp_path):
    (build, damage, sentence), model = DAMAGE[case], TFLiteModel((6, 5, 3))
    output = build(model)
    damage(model.graph.operators[-1])
    said = refusal_of(tmp_path, model, output)
    assert sentence in said and "operator " in said


def test_an_input_that_is_no_tensor_is_refused(tmp_path):
    model, output = good_model()
    assert "its input is no tensor" in refusal(model.write(tmp_path / "model.tflite", [-1], [output]))


@pytest.mark.parametrize("seed", range(3))
def test_damaged_bytes_lead_to_a_sentence_or_a_network_and_nothing_else(seed, tmp_path):
    model = TFLiteModel((6, 6, 3))
    deep = model.depthwise(model.convolution(model.pad(model.input, 1, 1, 1, 1), 4, padding=VALID, activation=RELU))
    mean = model.mean(model.pool("MAX_POOL_2D", model.mul(model.add(deep, deep), (4,))))
    content = model.save(tmp_path, model.softmax(model.dense(model.reshape(mean, [1, 4]), 5))).read_bytes()
    rng = np.random.default_rng(seed)
    for _ in range(60):
        damaged = bytearray(content)
        damaged[rng.integers(len(content))] = rng.choice([0, 1, 2, 3, 127, 128, 255])
        (tmp_path / "model.tflite").write_bytes(damaged)
        try:
            import_tflite(tmp_path / "model.tflite")
        except UserError as error:
            assert str(tmp_path / "model.tflite") in str(error)


def test_several_subgraphs_inputs_or_outputs_are_refused(tmp_path):
    model, output = good_model()
    path = tmp_path / "model.tflite"
    assert "has 2 subgraphs" in refusal(model.write(path, [model.input], [output], subgraphs=2))
    assert "has 2 inputs" in refusal(model.write(path, [model.input, output], [output]))
    assert "has 0 outputs" in refusal(model.write(path, [model.input], []))


def test_a_model_without_operators_is_refused(tmp_path):
    model = TFLiteModel((4, 4, 3))
    assert "has no operator" in refusal_of(tmp_path, model, model.input)


def test_a_fused_activation_that_is_no_clamp_is_refused(tmp_path):
    model = TFLiteModel((4, 4, 3))
    assert "the fused activation TANH is no clamp: use RELU" in refusal_of(tmp_path, model, model.convolution(model.input, 4, activation=4))


def test_computed_weights_are_refused(tmp_path):
    model = TFLiteModel((2, 2, 1))
    flat, output = model.reshape(model.input, [1, 4]), model.map([1, 1], 1.0, 0)
    model.operator("FULLY_CONNECTED", [flat, flat, -1], [output], "FullyConnected", 9)
    assert "has weights that are computed or compressed" in refusal_of(tmp_path, model, output)


def test_pads_that_nothing_takes_in_are_refused(tmp_path):
    model = TFLiteModel((4, 4, 3))
    padded = model.pad(model.input, 1, 1, 1, 1)
    assert "is no operator's, or a PAD's" in refusal_of(tmp_path, model, padded)
    assert "reads what a PAD writes: only convolutions and pools" in refusal_of(tmp_path, model, model.single("RELU", padded, 0.05, -128))
    model = TFLiteModel((4, 4, 3))
    assert "whose zeros can be the largest" in refusal_of(tmp_path, model, model.pool("MAX_POOL_2D", model.pad(model.input, 1, 1, 1, 1)))
    model = TFLiteModel((4, 4, 3))
    padded = model.pad(model.input, 1, 1, 1, 1)
    assert "has padding SAME behind a PAD" in refusal_of(tmp_path, model, model.pool("AVERAGE_POOL_2D", padded, padding=SAME))


def test_a_pad_of_channels_is_refused(tmp_path):
    model = TFLiteModel((4, 4, 3))
    output = model.map([1, 4, 4, 5], 0.05, -5)
    model.operator("PAD", [model.input, model.tensor([4, 2], dtype="int32", data=[[0, 0], [0, 0], [0, 0], [1, 1]])], [output], "Pad", 2)
    assert "pads by [[0, 0], [0, 0], [0, 0], [1, 1]]: pad rows and columns only" in refusal_of(tmp_path, model, output)


def test_a_mean_over_channels_and_a_concatenation_of_rows_are_refused(tmp_path):
    model = TFLiteModel((4, 4, 3))
    assert "is over the axes [3]" in refusal_of(tmp_path, model, model.mean(model.input, (3,)))
    model = TFLiteModel((4, 4, 3))
    assert "joins along axis 1" in refusal_of(tmp_path, model, model.concatenation(model.input, model.input, axis=1))


def test_a_concatenation_of_int8_maps_of_other_scales_is_refused_here_and_by_tflite(tmp_path):
    model = TFLiteModel((4, 4, 3))
    other = model.convolution(model.input, 3)
    path = model.save(tmp_path, model.concatenation(model.input, other))
    assert "joins int8 maps of the scales" in refusal(path)
    with pytest.raises(UserError, match="TFLite's interpreter refuses"):
        Interpreter(path)


def test_a_reshape_that_regroups_pixels_in_the_middle_is_refused(tmp_path):
    model = TFLiteModel((4, 4, 3))
    regrouped = model.reshape(model.convolution(model.input, 4), [1, 8, 2, 4])
    assert "reads a map of [4, 4, 4] that a RESHAPE made [8, 2, 4]" in refusal_of(tmp_path, model, model.convolution(regrouped, 4))


def test_a_pool_that_changes_the_scale_is_refused(tmp_path):
    model = TFLiteModel((4, 4, 3))
    output = model.pool("MAX_POOL_2D", model.input)
    model.graph.tensors[output].quantization.scale = np.array([0.06], np.float32)
    assert "changes scale" in refusal_of(tmp_path, model, output)


def test_uint8_means_over_windows_of_even_and_odd_sizes_are_refused(tmp_path):
    model = TFLiteModel((5, 5, 3), "uint8")
    assert "averages windows of even and odd sizes" in refusal_of(tmp_path, model, model.pool("AVERAGE_POOL_2D", model.input, (3, 3), (2, 2), SAME))


def test_an_activation_with_no_scale_or_with_many_is_refused(tmp_path):
    model = TFLiteModel((4, 4, 3))
    output = model.tensor([1, 4, 4, 3])
    model.operator("RELU", [model.input], [output])
    assert "has 0 scales, but an activation has one" in refusal_of(tmp_path, model, output)


def test_a_wrong_output_shape_is_refused(tmp_path):
    model = TFLiteModel((6, 6, 3))
    output = model.convolution(model.input, 4, padding=VALID, activation=RELU)
    model.graph.tensors[output].shape = [1, 6, 6, 4]
    assert "declares an output of [1, 6, 6, 4], but gives a map of [4, 4, 4]" in refusal_of(tmp_path, model, output)
