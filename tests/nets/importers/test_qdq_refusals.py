# SPDX-License-Identifier: BSD-2-Clause
"""What a quantised ONNX model may not be ends with one sentence that says what, where and what to do."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from accel.errors import UserError
from nets.importers.qdq import import_qdq
from tests.support.onnx_models import OnnxBuilder
from tests.support.qdq_models import quantised

RNG = np.random.default_rng


class Quantised(OnnxBuilder):
    """An OnnxBuilder that adds Q and DQ, and weights behind a DQ."""

    def pair(self, source, scale=0.05, zero_point=0, dtype=np.int8, other_scale=None):
        """Add QuantizeLinear and DequantizeLinear behind `source`."""
        scales = [self.constant(np.float32(one)) for one in (scale, other_scale or scale)]
        zero_point = self.constant(zero_point, dtype)
        return self.add("DequantizeLinear", self.add("QuantizeLinear", source, scales[0], zero_point), scales[1], zero_point)

    def weights(self, numbers, scale=0.01, zero_point=0, dtype=np.int8, **attributes):
        """Add constant integers and a DequantizeLinear behind them."""
        numbers = self.constant(numbers, dtype)
        return self.add("DequantizeLinear", numbers, self.constant(scale), self.constant(zero_point, dtype), **attributes)

    def convolution(self, source, numbers=None, **fields):
        """Add a Conv of 4 filters over 3 channels."""
        return self.add("Conv", source, self.weights(np.arange(108).reshape(4, 3, 3, 3) - 50 if numbers is None else numbers, **fields))


def small():
    """Return a Quantised over 3 x 6 x 6."""
    return Quantised((3, 6, 6), 21)


def refused(build, tmp_path):
    """Return the sentence with which the model of `build` is refused."""
    return refused_file(build.save(tmp_path / "m.onnx"))


def refused_file(path):
    """Return the sentence with which a file is refused."""
    with pytest.raises(UserError) as error:
        import_qdq(path)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_what_is_only_quantised_is_taken(tmp_path):
    build = small()
    build.pair(build.convolution(build.pair("input")))
    assert len(import_qdq(build.save(tmp_path / "m.onnx")).network.layers) == 1


@pytest.mark.parametrize("zero_point, dtype", [(3, np.int8), (0, np.uint8), (127, np.uint8), ([0, 0, 1, 0], np.int8)])
def test_asymmetric_weights_are_refused(zero_point, dtype, tmp_path):
    build = small()
    scale = np.full(np.shape(zero_point), 0.01)
    build.pair(build.convolution(build.pair("input"), np.zeros((4, 3, 3, 3)), scale=scale, zero_point=zero_point, dtype=dtype, axis=0))
    assert "its weights are asymmetric (zero point" in refused(build, tmp_path) and "quantise weights symmetrically" in refused(build, tmp_path)


def test_weights_that_onnxruntime_quantised_to_uint8_are_refused(tmp_path):
    build = OnnxBuilder((3, 6, 6), 21)
    build.add("Conv", "input", build.constant(RNG(1).normal(size=(4, 3, 3, 3)) + 0.5))
    path = quantised(build.save(tmp_path / "float.onnx"), tmp_path / "m.onnx", RNG(1).normal(size=(4, 3, 6, 6)).astype(np.float32), "uint8",
                     per_channel=False, weights="uint8")
    assert "its weights are asymmetric (zero point" in refused_file(path)


def test_activations_of_int16_are_refused(tmp_path):
    build = small()
    build.pair(build.convolution(build.pair("input", dtype=np.int16)))
    assert "it makes activations int16: quantise them to int8 or uint8" in refused(build, tmp_path)


def test_a_model_that_onnxruntime_quantised_to_int16_is_refused(tmp_path):
    build = OnnxBuilder((3, 6, 6), 21)
    build.add("Conv", "input", build.constant(np.ones((4, 3, 3, 3))))
    path = quantised(build.save(tmp_path / "float.onnx"), tmp_path / "m.onnx", RNG(1).normal(size=(4, 3, 6, 6)).astype(np.float32), "int16")
    assert "int16" in refused_file(path)


def test_weights_of_int16_are_refused(tmp_path):
    build = small()
    build.pair(build.convolution(build.pair("input"), dtype=np.int16))
    assert "its weights are int16: quantise weights to int8" in refused(build, tmp_path)


@pytest.mark.parametrize("op", ["Conv", "MatMul"])
def test_a_dynamically_quantised_model_is_refused(op, tmp_path):
    build = OnnxBuilder((3, 6, 6) if op == "Conv" else (6,), 13)
    build.add(op, "input", build.constant(RNG(1).normal(size=(4, 3, 3, 3) if op == "Conv" else (6, 5))))
    quantize_dynamic(build.save(tmp_path / "float.onnx"), tmp_path / "m.onnx", weight_type=QuantType.QInt8)
    sentence = refused_file(tmp_path / "m.onnx")
    assert "it is quantised dynamically" in sentence and "quantize_static" in sentence


def test_a_conv_integer_is_refused(tmp_path):
    build = Quantised((3, 6, 6), 21, TensorProto.UINT8)
    build.add("ConvInteger", "input", build.constant(np.zeros((4, 3, 3, 3)), np.uint8))
    model = build.model()
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info(build.nodes[-1].output[0], TensorProto.INT32, (1, 4, 4, 4)))
    onnx.save(model, tmp_path / "m.onnx")
    assert "operator ConvInteger 'ConvInteger0' (no attributes): it is quantised dynamically" in refused_file(tmp_path / "m.onnx")


def test_scales_of_each_channel_of_an_activation_are_refused(tmp_path):
    build = small()
    build.add("DequantizeLinear", build.add("QuantizeLinear", "input", build.constant([0.1, 0.2, 0.3]), build.constant([0, 0, 0], np.int8), axis=1),
              build.constant([0.1, 0.2, 0.3]), build.constant([0, 0, 0], np.int8), axis=1)
    assert "it has 3 scales for an activation: quantise activations per tensor" in refused(build, tmp_path)


def test_scales_of_input_channels_are_refused(tmp_path):
    build = small()
    build.pair(build.convolution(build.pair("input"), scale=np.full(3, 0.01), zero_point=[0, 0, 0], axis=1))
    assert "its weights have 3 scales along axis 1: quantise them per tensor or per output channel" in refused(build, tmp_path)


def test_a_scale_for_each_block_is_refused(tmp_path):
    build = small()
    numbers, scales = build.constant(np.zeros((4, 3, 3, 3)), np.int8), build.constant(np.full((4, 3, 1, 3), 0.1))
    weights = build.add("DequantizeLinear", numbers, scales, axis=2, block_size=3)
    build.pair(build.add("Conv", build.pair("input"), weights))
    assert "a scale for each block is not supported" in refused(build, tmp_path)


@pytest.mark.parametrize("scale", [0.0, -0.1, np.inf, np.nan])
def test_a_scale_that_is_none_is_refused(scale, tmp_path):
    build = small()
    build.pair(build.convolution(build.pair("input"), scale=scale))
    assert "a scale must be positive and finite" in refused(build, tmp_path)


def test_an_operator_that_reads_what_is_not_quantised_is_refused(tmp_path):
    build = small()
    build.pair(build.convolution("input"))
    assert "it reads 'input', which is not quantised: put QuantizeLinear and DequantizeLinear between the two" in refused(build, tmp_path)
    build = small()
    build.pair(build.add("GlobalAveragePool", build.convolution(build.pair("input"))))
    assert "operator GlobalAveragePool" in refused(build, tmp_path)


def test_weights_that_are_not_quantised_are_refused(tmp_path):
    build = small()
    build.pair(build.add("Conv", build.pair("input"), build.constant(np.ones((4, 3, 3, 3)))))
    assert "its weights are not quantised" in refused(build, tmp_path)


def test_an_output_that_is_not_quantised_is_refused(tmp_path):
    build = small()
    build.convolution(build.pair("input"))
    assert "the output 't3' is not quantised: put QuantizeLinear and DequantizeLinear behind it" in refused(build, tmp_path)


def test_a_pair_of_two_scales_is_refused(tmp_path):
    build = small()
    build.pair(build.convolution(build.pair("input", other_scale=0.06)))
    sentence = refused(build, tmp_path)
    assert "it takes numbers of scale 0.05 and zero point 0 for some of 0.06 and 0: both operators of a pair must have the same" in sentence


def test_reals_that_are_read_before_their_quantisation_too_are_refused(tmp_path):
    build = small()
    real = build.convolution(build.pair("input"))
    build.add("Add", build.pair(real), build.pair(build.add("Relu", real)))
    build.pair(build.nodes[-1].output[0])
    assert "as it is before its quantisation, which others read" in refused(build, tmp_path)


def test_what_becomes_integers_in_two_ways_behind_activations_is_refused(tmp_path):
    build = small()
    real = build.convolution(build.pair("input"))
    build.add("Add", build.pair(build.add("Clip", real, build.constant(0.0), build.constant(1.0)), 0.01), build.pair(build.add("Relu", real)))
    build.pair(build.nodes[-1].output[0])
    assert "is not quantised, and what reads it is, in different ways" in refused(build, tmp_path)


def test_arithmetic_on_the_integers_is_refused(tmp_path):
    build = small()
    build.add("QuantizeLinear", "input", build.constant(np.float32(0.1)), build.constant(0, np.int8))
    build.add("Relu", build.nodes[-1].output[0])
    build.add("DequantizeLinear", build.nodes[-1].output[0], build.constant(np.float32(0.1)), build.constant(0, np.int8))
    assert "it reads the integers 't0': put a DequantizeLinear before it" in refused(build, tmp_path)


def test_an_average_that_would_be_rounded_twice_is_refused(tmp_path):
    build = small()
    pooled = build.add("AveragePool", build.pair("input", 0.1), kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    build.pair(pooled, 0.02)
    sentence = refused(build, tmp_path)
    assert "leaves padding out of its means" in sentence and "set count_include_pad=1, or give both one scale" in sentence


def test_an_operator_that_nothing_can_do_is_refused_with_its_attributes(tmp_path):
    build = small()
    build.pair(build.add("LpPool", build.pair("input"), kernel_shape=[2, 2], p=2))
    sentence = refused(build, tmp_path)
    assert "operator LpPool 'LpPool2' (kernel_shape=[2, 2], p=2): neither the accelerator nor the CPU can do this operator" in sentence


def test_scales_that_depend_on_the_image_are_refused(tmp_path):
    build = small()
    scale = build.add("ReduceMax", "input", keepdims=0)
    build.add("DequantizeLinear", build.add("QuantizeLinear", "input", scale, build.constant(0, np.int8)), scale, build.constant(0, np.int8))
    assert "quantise the model statically" in refused(build, tmp_path) or "ReduceMax" in refused(build, tmp_path)


def test_a_bias_beyond_int32_is_refused(tmp_path):
    build = small()
    weights = build.weights(np.ones((4, 3, 3, 3)), scale=1e-9)
    build.pair(build.add("Conv", build.pair("input"), weights, build.constant(np.full(4, 1e3))))
    assert "its bias exceeds int32 at the scale of its sums" in refused(build, tmp_path)


def test_a_truncated_file_is_refused_with_its_name(tmp_path):
    build = small()
    build.pair(build.convolution(build.pair("input")))
    path = build.save(tmp_path / "m.onnx")
    path.write_bytes(path.read_bytes()[:-30])
    assert "m.onnx is no valid ONNX model" in refused_file(path)


def test_dynamic_sizes_are_refused(tmp_path):
    build = small()
    build.pair(build.convolution(build.pair("input")))
    model = build.model()
    model.graph.input[0].type.tensor_type.shape.dim[3].dim_param = "width"
    onnx.save(model, tmp_path / "m.onnx")
    assert "is of the dynamic shape" in refused_file(tmp_path / "m.onnx")


def _qlinear(tmp_path, domain, op, inputs, **attributes):
    constants = [numpy_helper.from_array(np.asarray(values), f"k{index}") for index, values in enumerate(inputs)]
    names = ["x", *(constant.name for constant in constants)]
    graph = helper.make_graph([helper.make_node(op, names, ["y"], op, domain=domain, **attributes)], "test",
                              [helper.make_tensor_value_info("x", TensorProto.INT8, (1, 3, 6, 6))],
                              [helper.make_tensor_value_info("y", TensorProto.INT8, (1, 3, 1, 1))], constants)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), tmp_path / "m.onnx")
    return tmp_path / "m.onnx"


def test_channels_that_come_last_are_refused(tmp_path):
    scales = [np.float32(0.1), np.int8(0), np.float32(0.1), np.int8(0)]
    path = _qlinear(tmp_path, "com.microsoft", "QLinearGlobalAveragePool", scales, channels_last=1)
    assert "channels_last is not supported: the channels must come first" in refused_file(path)


def test_an_unknown_operator_of_onnxruntime_is_refused_with_its_domain(tmp_path):
    path = _qlinear(tmp_path, "com.microsoft", "QLinearSigmoid", [np.float32(0.1), np.int8(0), np.float32(0.1), np.int8(0)])
    assert "operator com.microsoft.QLinearSigmoid 'QLinearSigmoid'" in refused_file(path)
