# SPDX-License-Identifier: BSD-2-Clause
"""Which integers a quantised ONNX model means: by a zero point, by output_dtype, by what is dequantised; held against onnxruntime."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from accel.errors import UserError
from compiler.reference import execute
from nets.importers.qdq import import_qdq
from tests.support.onnx_models import OnnxBuilder
from tests.support.qdq_models import Runtime, as_map, check_layers

RNG = np.random.default_rng
WEIGHTS = RNG(3).integers(-127, 128, (4, 3, 3, 3))


class Typed(OnnxBuilder):
    """An OnnxBuilder of operator set 21 over 3 x 6 x 6 that leaves zero points out."""

    def __init__(self, kind=TensorProto.FLOAT, shape=(3, 6, 6)):
        super().__init__(shape, 21, kind)

    def quantise(self, source, scale, zero_point=None, **attributes):
        """Add a QuantizeLinear; zero_point: an array."""
        return self.add("QuantizeLinear", source, self.constant(scale), *self._given(zero_point), **attributes)

    def dequantise(self, source, scale, zero_point=None):
        """Add a DequantizeLinear."""
        return self.add("DequantizeLinear", source, self.constant(scale), *self._given(zero_point))

    def _given(self, zero_point):
        return () if zero_point is None else (self.constant(zero_point, zero_point.dtype),)

    def convolution(self, source):
        """Add a convolution with WEIGHTS, quantised to int8 with the scale 0.01."""
        return self.add("Conv", source, self.dequantise(self.constant(WEIGHTS, np.int8), 0.01))


def images(seed=2, count=3):
    """Return random float32 images."""
    return RNG(seed).normal(size=(count, 3, 6, 6)).astype(np.float32)


def save(build, tmp_path):
    """Write the model as the newest intermediate representation that both runtimes know."""
    return build.save(tmp_path / "m.onnx", ir_version=10)


@pytest.mark.parametrize("kind, dtype", [(TensorProto.INT8, np.int8), (TensorProto.UINT8, np.uint8)])
def test_an_input_of_integers_without_zero_point_has_the_zero_of_its_own_type(kind, dtype, tmp_path):
    build = Typed(kind)
    output = build.quantise(build.convolution(build.dequantise("input", 0.05)), 0.4, np.array(5, dtype))
    build.add("Identity", output)
    path = save(build, tmp_path)
    network, limits = import_qdq(path).network, np.iinfo(dtype)
    image = RNG(5).integers(limits.min, limits.max + 1, (3, 6, 6)).astype(dtype)
    expected = Runtime(path).run(image)[0][output]
    numbers = (image.astype(int) - (128 if dtype == np.uint8 else 0)).astype(np.int8)
    got = execute(network, as_map(numbers, network.tensors[network.input].shape))[network.output]
    assert np.abs(got.astype(int) - as_map(expected, network.tensors[network.output].shape)).max() <= 1


def test_a_zero_of_int8_before_a_dequantize_linear_without_zero_point_is_one_pair(tmp_path):
    build = Typed()
    source = build.dequantise(build.quantise("input", 0.05, np.array(0, np.int8)), 0.05)
    build.dequantise(build.quantise(build.convolution(source), 0.4, np.array(0, np.int8)), 0.4)
    network = check_layers(save(build, tmp_path), images()).network
    assert network.tensors[network.input].zero_point == 0


@pytest.mark.parametrize("attributes, zero_point", [({}, -128), ({"output_dtype": TensorProto.UINT8}, -128), ({"output_dtype": TensorProto.INT8}, 0)])
def test_without_zero_point_output_dtype_tells_the_type_and_without_both_it_is_uint8(attributes, zero_point, tmp_path):
    build = Typed()
    source = build.dequantise(build.quantise("input", 0.05, **attributes), 0.05)
    build.dequantise(build.quantise(build.convolution(source), 0.4, **attributes), 0.4)
    network = check_layers(save(build, tmp_path), images()).network
    assert {network.tensors[name].zero_point for name in (network.input, network.output)} == {zero_point}


def test_an_output_dtype_of_int16_is_refused(tmp_path):
    build = Typed()
    source = build.dequantise(build.quantise("input", 0.05, output_dtype=TensorProto.INT16), 0.05)
    build.dequantise(build.quantise(build.convolution(source), 0.4, np.array(0, np.int8)), 0.4)
    with pytest.raises(UserError, match="it makes activations int16: quantise them to int8 or uint8"):
        import_qdq(save(build, tmp_path))


def test_constants_that_a_quantize_linear_makes_have_its_output_dtype(tmp_path):
    build = Typed()
    source = build.dequantise(build.quantise("input", 0.05, np.array(0, np.int8)), 0.05)
    weights = build.dequantise(build.quantise(build.constant(WEIGHTS * 0.01), 0.01, output_dtype=TensorProto.INT8), 0.01)
    build.dequantise(build.quantise(build.add("Conv", source, weights), 0.4, np.array(3, np.int8)), 0.4, np.array(3, np.int8))
    network = import_qdq(save(build, tmp_path)).network
    np.testing.assert_array_equal(network.layers[0].weights, WEIGHTS.transpose(0, 2, 3, 1))


@pytest.mark.parametrize("channels", [False, True])
def test_a_matrix_that_is_transposed_behind_its_dequantize_linear_is_taken(channels, tmp_path):
    build, rng = Typed(shape=(20,)), RNG(6)
    source = build.dequantise(build.quantise("input", 0.05, np.array(0, np.int8)), 0.05)
    scales = build.constant(rng.uniform(0.005, 0.02, 9) if channels else 0.01)
    matrix = build.add("DequantizeLinear", build.constant(rng.integers(-127, 128, (9, 20)), np.int8), scales, axis=0)
    product = build.add("MatMul", source, build.add("Transpose", matrix, perm=[1, 0]))
    build.dequantise(build.quantise(product, 0.2, np.array(3, np.int8)), 0.2, np.array(3, np.int8))
    check_layers(save(build, tmp_path), rng.normal(size=(4, 20)).astype(np.float32) * 2)


def _qlinear(tmp_path, op, constants, shape, kind=TensorProto.INT8, **attributes):
    """Write the model of one operator of onnxruntime's that reads x of `shape`; a constant of None is left out."""
    known = {f"k{index}": numpy_helper.from_array(np.asarray(values), f"k{index}") for index, values in enumerate(constants) if values is not None}
    names = ["x", *(f"k{index}" if f"k{index}" in known else "" for index in range(len(constants)))]
    domain = "com.microsoft" if op != "QLinearConv" else ""
    graph = helper.make_graph([helper.make_node(op, names, ["y"], op, domain=domain, **attributes)], "test",
                              [helper.make_tensor_value_info("x", kind, (1, *shape))], [helper.make_tensor_value_info("y", kind, None)],
                              list(known.values()))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)], ir_version=10)
    onnx.save(model, tmp_path / "m.onnx")
    return tmp_path / "m.onnx"


SOFTMAX = (np.float32(0.05), np.int8(4), np.float32(1 / 256), np.int8(-128))


@pytest.mark.parametrize("attributes, shape", [
    ({"opset": 11, "axis": 1}, (10, 1, 1)), ({"opset": 11, "axis": 1}, (10,)), ({"opset": 13, "axis": 1}, (5, 3, 4)), ({"opset": 13}, (10,)),
    ({"opset": 11}, (10,))])
def test_a_softmax_of_integers_is_that_of_the_operator_set_that_it_names(attributes, shape, tmp_path):
    path = _qlinear(tmp_path, "QLinearSoftmax", SOFTMAX, shape, **attributes)
    network = import_qdq(path).network
    image = RNG(7).integers(-128, 128, shape).astype(np.int8)
    _, expected = Runtime(path).run(image)
    got = execute(network, as_map(image, network.tensors[network.input].shape))[network.output]
    assert np.abs(got.astype(int) - as_map(expected, network.tensors[network.output].shape)).max() <= 1


@pytest.mark.parametrize("attributes", [{"opset": 11, "axis": 1}, {"opset": 11}, {"opset": 13}])
def test_a_softmax_of_integers_over_more_than_channels_is_refused(attributes, tmp_path):
    with pytest.raises(UserError, match="only softmax over the channels can be done"):
        import_qdq(_qlinear(tmp_path, "QLinearSoftmax", SOFTMAX, (5, 3, 4), **attributes))


def test_a_matrix_that_does_not_fit_what_an_operator_on_integers_reads_is_refused(tmp_path):
    constants = (np.float32(0.05), np.int8(0), np.ones((7, 2), np.int8), np.float32(0.01), np.int8(0), None, np.float32(0.1), np.int8(0))
    with pytest.raises(UserError, match="m.onnx: the shapes of its operators do not fit together"):
        import_qdq(_qlinear(tmp_path, "QGemm", constants, (10,)))


POOL = (np.float32(0.05), np.int8(4), np.float32(0.04))


def test_an_operator_on_integers_without_an_outputs_zero_point_has_that_of_its_inputs_type(tmp_path):
    path = _qlinear(tmp_path, "QLinearAveragePool", POOL, (3, 6, 6), kernel_shape=[2, 2])
    network = import_qdq(path).network
    image = RNG(8).integers(-128, 128, (3, 6, 6)).astype(np.int8)
    got = execute(network, as_map(image, (6, 6, 3)))[network.output]
    assert np.abs(got.astype(int) - as_map(Runtime(path).run(image)[1], (5, 5, 3))).max() <= 1


def test_an_operator_on_integers_without_any_zero_point_is_refused(tmp_path):
    path = _qlinear(tmp_path, "QLinearAveragePool", (POOL[0], None, POOL[2]), (3, 6, 6), kernel_shape=[2, 2])
    with pytest.raises(UserError, match="neither its input nor its output has a constant zero point"):
        import_qdq(path)


def test_scales_of_each_channel_of_an_activation_before_a_bias_are_refused(tmp_path):
    constants = (np.full(3, 0.05, np.float32), np.zeros(3, np.int8), WEIGHTS.astype(np.int8), np.float32(0.01), np.int8(0), np.float32(0.4),
                 np.int8(0), np.zeros(4, np.int32))
    with pytest.raises(UserError, match="it has 3 scales for an activation: quantise activations per tensor"):
        import_qdq(_qlinear(tmp_path, "QLinearConv", constants, (3, 6, 6)))
