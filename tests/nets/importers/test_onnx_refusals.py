# SPDX-License-Identifier: BSD-2-Clause
"""What an ONNX model may not be ends with one sentence that says what, where and what to do."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from accel.errors import UserError
from nets.importers.onnx_file import is_quantised, read_onnx
from nets.importers.onnx_float import OPERATORS, import_onnx_float
from tests.support.onnx_models import OnnxBuilder


def small(shape=(3, 6, 6), **fields):
    """Return an OnnxBuilder with one convolution."""
    build = OnnxBuilder(shape, **fields)
    build.add("Conv", "input", build.constant(np.ones((4, 3, 3, 3))))
    return build


def refused(path):
    """Return the sentence with which `path` is refused."""
    with pytest.raises(UserError) as error:
        import_onnx_float(path)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    assert "missing.onnx cannot be read: No such file" in refused(tmp_path / "missing.onnx")


@pytest.mark.parametrize("content", [b"", b"no model at all", bytes(range(256))])
def test_a_file_that_is_no_model_is_refused_with_its_name(content, tmp_path):
    (tmp_path / "m.onnx").write_bytes(content)
    assert "m.onnx is no valid ONNX model" in refused(tmp_path / "m.onnx")


def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path):
    data = small().save(tmp_path / "whole.onnx").read_bytes()
    for size in range(1, len(data), max(1, len(data) // 40)):
        (tmp_path / "cut.onnx").write_bytes(data[:size])
        assert "cut.onnx" in refused(tmp_path / "cut.onnx"), size


def test_only_the_batch_may_be_open(tmp_path):
    model = small().model()
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "height"
    onnx.save(model, tmp_path / "m.onnx")
    assert "the input 'input' is of the dynamic shape [1, 3, 'height', 6]: export the model with fixed sizes" in refused(tmp_path / "m.onnx")


def test_a_batch_of_more_than_one_is_refused(tmp_path):
    assert "export the model for a batch of 1" in refused(small(batch=8).save(tmp_path / "m.onnx"))


def test_two_outputs_are_refused_by_name(tmp_path):
    model = small().model()
    model.graph.output.append(helper.make_tensor_value_info("input", TensorProto.FLOAT, (1, 3, 6, 6)))
    onnx.save(model, tmp_path / "m.onnx")
    assert "has 2 outputs (t0, input)" in refused(tmp_path / "m.onnx")


def test_shapes_that_do_not_fit_are_refused(tmp_path):
    model = small().model()
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 5
    onnx.save(model, tmp_path / "m.onnx")
    assert "layer 'Conv0': the weights want 3 input channels, but the input has 5" in refused(tmp_path / "m.onnx")


def test_an_integer_model_is_refused_by_its_type(tmp_path):
    build = OnnxBuilder((3, 4, 4), kind=TensorProto.INT16)
    build.add("Identity", "input")
    assert "the input 'input' is int16, but a float model must take floats" in refused(build.save(tmp_path / "m.onnx"))


def test_a_shape_that_is_no_image_is_refused(tmp_path):
    build = OnnxBuilder((3, 4))
    build.add("Relu", "input")
    assert "must be [1, channels, rows, columns]" in refused(build.save(tmp_path / "m.onnx"))


def test_an_old_operator_set_is_refused(tmp_path):
    assert "of operator set 6, but 7 is the oldest" in refused(small(opset=6).save(tmp_path / "m.onnx"))


def test_an_operator_set_that_is_not_known_yet_is_refused(tmp_path):
    newest = onnx.defs.onnx_opset_version()
    model = small().model()
    model.opset_import[0].version = newest + 5
    onnx.save(model, tmp_path / "m.onnx")
    assert f"of operator set {newest + 5}, but {newest} is the newest" in refused(tmp_path / "m.onnx")


def test_a_constant_with_too_many_bytes_is_refused(tmp_path):
    model = small().model()
    model.graph.initializer[0].raw_data += bytes(8)
    onnx.save(model, tmp_path / "m.onnx")
    assert "m.onnx is damaged, or not all of a model" in refused(tmp_path / "m.onnx")


@pytest.mark.parametrize("seed", range(3))
def test_damaged_bytes_lead_to_a_sentence_or_a_network_and_nothing_else(seed, tmp_path):
    rng, content = np.random.default_rng(seed), small().save(tmp_path / "m.onnx").read_bytes()
    outside = [place for place in range(len(content)) if not content.find(b"\x3f\x80") <= place < content.rfind(b"\x80\x3f")]
    for _ in range(60):
        damaged = bytearray(content)
        damaged[rng.choice(outside)] = rng.choice([0, 1, 127, 128, 255])
        (tmp_path / "m.onnx").write_bytes(damaged)
        try:
            import_onnx_float(tmp_path / "m.onnx")
        except UserError as error:
            assert str(error)


def test_a_quantised_model_goes_to_the_other_importer(tmp_path):
    build = OnnxBuilder((3, 4, 4))
    scale, zero = build.constant(0.5), build.constant(0, np.int8)
    build.add("DequantizeLinear", build.add("QuantizeLinear", "input", scale, zero), scale, zero)
    path = build.save(tmp_path / "m.onnx")
    assert "quantised already" in refused(path) and is_quantised(read_onnx(path))
    assert not is_quantised(read_onnx(small().save(path)))


def test_scales_of_a_quantised_model_stay_visible_when_constants_are_computed(tmp_path):
    build = OnnxBuilder((3, 4, 4))
    weights = build.add("DequantizeLinear", build.constant(np.ones((2, 3, 1, 1)), np.int8), build.constant(0.5))
    build.add("Conv", "input", weights)
    model = read_onnx(build.save(tmp_path / "m.onnx"))
    assert [node.op_type for node in model.graph.node] == ["DequantizeLinear", "Conv"]


@pytest.mark.parametrize(("op", "attributes", "hint"), [
    ("Sigmoid", {}, "use ReLU or ReLU6"), ("LeakyRelu", {"alpha": 0.25}, "train with ReLU"), ("Selu", {"gamma": 1.5}, "express it by operators")])
def test_an_unknown_operator_is_refused_with_its_name_attributes_and_what_to_do(op, attributes, hint, tmp_path):
    build = small()
    build.add(op, "t0", **attributes)
    sentence = refused(build.save(tmp_path / "m.onnx"))
    assert f"operator {op} '{op}1'" in sentence and hint in sentence
    for name, value in attributes.items():
        assert f"{name}={value}" in sentence


def test_an_operator_of_another_domain_is_refused_with_it(tmp_path):
    build = OnnxBuilder((3, 4, 4))
    build.add("Relu", "input")
    model = build.model()
    model.graph.node[0].op_type, model.graph.node[0].domain = "Fancy", "com.example"
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    onnx.save(model, tmp_path / "m.onnx")
    assert "operator com.example.Fancy" in refused(tmp_path / "m.onnx")


def _two_maps(build):
    build.add("Mul", "t0", "t0")


def _computed_weights(build):
    build.add("Conv", "t0", build.add("Reshape", "t0", build.constant([1, 4, 4, 4], np.int64)))


def _broadcast(build):
    build.add("Add", "t0", build.add("GlobalAveragePool", "t0"))


def _places(build):
    build.nodes.append(helper.make_node("MaxPool", ["t0"], ["t1", "places"], name="pool", kernel_shape=[2, 2]))


def _cast_and_back(build, kind):
    build.add("Cast", build.add("Cast", "t0", to=kind), to=TensorProto.FLOAT)


CASES = {
    "two maps": (_two_maps, "it multiplies two maps"),
    "weights": (_computed_weights, "depends on the image, but must be a constant"),
    "broadcast": (_broadcast, "both must be the same; there is no broadcasting"),
    "places": (_places, "the places of the maxima"),
    "a constant for each pixel": (lambda b: b.add("Add", "t0", b.constant(np.arange(64).reshape(4, 4, 4))), "one number for each channel"),
    "pooling with dilation": (lambda b: b.add("MaxPool", "t0", kernel_shape=[2, 2], dilations=[2, 2]), "pools with dilation"),
    "reflection": (lambda b: b.add("Pad", "t0", b.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64), mode="reflect"), "only padding with zeros"),
    "padding with ones": (lambda b: b.add("Pad", "t0", b.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64), b.constant(1.0)), "only padding with zeros"),
    "rows concatenated": (lambda b: b.add("Concat", "t0", "t0", axis=2), "only channels can be concatenated"),
    "rows softmaxed": (lambda b: b.add("Softmax", "t0", axis=2), "only softmax over the channels"),
    "a mean of channels": (lambda b: b.add("ReduceMean", "t0", axes=[1]), "only means over the rows and columns"),
    "a shuffle": (lambda b: b.add("Reshape", "t0", b.constant([1, 2, 2, 4, 4], np.int64)), "only flattening it whole"),
    "a permutation": (lambda b: b.add("Transpose", "t0", perm=[0, 1, 3, 2]), "only between NCHW and NHWC"),
    "backwards": (lambda b: b.add("Slice", "t0", *(b.constant(v, np.int64) for v in ([-1], [-9], [2], [-1]))), "it runs backwards"),
    "no range": (lambda b: b.add("Clip", "t0", b.constant(3.0), b.constant(2.0)), "which is no range"),
    "a matrix over pixels": (lambda b: b.add("MatMul", "t0", b.constant(np.ones((4, 5)))), "flatten before it"),
    "a cast to integers": (lambda b: _cast_and_back(b, TensorProto.INT32), "it makes INT32 of what is computed from the image"),
    "a cast to bytes": (lambda b: _cast_and_back(b, TensorProto.UINT8), "only casts between floats can be left out"),
    "a cast to truth": (lambda b: _cast_and_back(b, TensorProto.BOOL), "it makes BOOL of what is computed from the image"),
    "a negative variance": (lambda b: b.add("BatchNormalization", "t0", *(b.constant(v) for v in ([1] * 4, [0] * 4, [0] * 4, [1, 1, -1, 1]))),
                            "its variance and epsilon together must be above 0"),
    "training": (lambda b: b.add("Dropout", "t0", b.constant(0.5), b.constant(True, bool)), "export the model in evaluation mode"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_use_of_an_operator_that_cannot_be_done_is_refused(case, tmp_path):
    build, (extend, sentence) = small(), CASES[case]
    extend(build)
    said = refused(build.save(tmp_path / "m.onnx"))
    assert sentence in said and f"operator {build.nodes[-1].op_type}" in said


def test_a_last_window_that_lies_in_padding_is_refused_where_onnx_and_its_runtimes_differ(tmp_path):
    build = OnnxBuilder((3, 8, 7), 19)
    build.add("MaxPool", "input", kernel_shape=[3, 3], strides=[3, 3], ceil_mode=1, pads=[1, 0, 1, 0])
    assert "export with operator set 22" in refused(build.save(tmp_path / "m.onnx"))


def test_an_output_that_is_constant_is_refused(tmp_path):
    build = OnnxBuilder((3, 4, 4))
    build.add("Relu", build.constant(np.ones((1, 3))))
    assert "does not depend on the image" in refused(build.save(tmp_path / "m.onnx"))


def test_every_operator_that_is_read_is_one_of_onnx():
    assert set(OPERATORS) <= {schema.name for schema in onnx.defs.get_all_schemas()}
