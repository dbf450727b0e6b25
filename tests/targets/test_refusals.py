# SPDX-License-Identifier: BSD-2-Clause
"""A model or an image that cannot be run ends with one sentence and a non-zero status, and nothing is built for it."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from accel.errors import UserError
from targets import sim
from tests.support.onnx_models import OnnxBuilder
from tests.support.tflite_models import TFLiteModel

ROOT = Path(__file__).resolve().parents[2]


def good(folder):
    model = TFLiteModel((6, 5, 3))
    return model.save(folder, model.dense(model.convolution(model.input, 4), 10))


def unsupported_operator(folder):
    model = TFLiteModel((6, 5, 3))
    return model.save(folder, model.single("TANH", model.convolution(model.input, 4), 1 / 128, 0))


def of_type(dtype):
    def build(folder):
        model = TFLiteModel((4, 4, 3))
        source, target = (model.tensor([1, 4, 4, 3], None if dtype == "float32" else 0.01, 0, dtype) for _ in range(2))
        model.operator("RELU", [source], [target])
        model.input = source
        return model.save(folder, target)
    return build


def truncated(folder):
    path = good(folder)
    path.write_bytes(path.read_bytes()[:700])
    return path


def dynamic_shapes(folder):
    model = TFLiteModel((4, 4, 3), signature=[1, -1, -1, 3])
    return model.save(folder, model.convolution(model.input, 4))


def asymmetric_weights(folder):
    model = TFLiteModel((4, 4, 3))
    output = model.convolution(model.input, 4, per_channel=False)
    model.graph.tensors[model.graph.operators[-1].inputs[1]].quantization.zeroPoint = np.array([2])
    return model.save(folder, output)


def onnx_of(op, shape=(3, 6, 6), **fields):
    def build(folder):
        model = OnnxBuilder(shape, **fields)
        model.add(op, "input")
        return model.save(folder / "model.onnx")
    return build


def truncated_onnx(folder):
    path = onnx_of("Relu")(folder)
    path.write_bytes(path.read_bytes()[:60])
    return path


REFUSALS = {
    "unsupported operator": (unsupported_operator, "operator 1, TANH 'tensor_"),
    "float": (of_type("float32"), "is a float model"),
    "truncated": (truncated, "is damaged or truncated: it has 700 bytes"),
    "int16": (of_type("int16"), "has int16 activations"),
    "dynamic shapes": (dynamic_shapes, "has the dynamic shape [1, -1, -1, 3]"),
    "asymmetric weights": (asymmetric_weights, "has asymmetric weights, with the zero point 2"),
    "unsupported ONNX operator": (onnx_of("Sin"), "Sin"),
    "truncated ONNX": (truncated_onnx, "is no valid ONNX model"),
    "dynamic ONNX shapes": (onnx_of("Relu", (3, "height", "width")), "height"),
    "ONNX of other numbers": (onnx_of("Relu", kind=TensorProto.INT32), "int32"),
}


def build(*words):
    return subprocess.run([ROOT / "build.py", *map(str, words)], capture_output=True, text=True, timeout=240)


def check_one_sentence(result, sentence):
    assert result.returncode == 1, result.stdout
    assert result.stderr.startswith("error: ") and sentence in result.stderr
    assert result.stderr.count("\n") == 1 and "Traceback" not in result.stderr


@pytest.mark.parametrize("name", REFUSALS)
def test_a_model_that_cannot_be_run_ends_with_one_sentence(name, tmp_path):
    make, sentence = REFUSALS[name]
    check_one_sentence(build("--model", make(tmp_path), "--check"), sentence)


def test_an_image_of_the_wrong_size_ends_with_one_sentence(tmp_path):
    np.savez(tmp_path / "images.npz", x=np.zeros((2, 6, 6, 3), np.uint8))
    sentence = f"the network takes images of 6 x 5 x 3, but {tmp_path / 'images.npz'} holds images of 6 x 6 x 3"
    for verb in (("--target", "sim", "--run"), ("--evaluate",)):
        check_one_sentence(build(*verb, "--model", good(tmp_path), "--images", tmp_path / "images.npz"), sentence)


@pytest.mark.parametrize("name", REFUSALS)
def test_nothing_is_built_for_it(name, tmp_path, monkeypatch):
    make, sentence = REFUSALS[name]
    monkeypatch.setattr(sim, "build_soc", lambda *_: pytest.fail("the simulator or firmware was built"))
    np.savez(tmp_path / "images.npz", x=np.zeros((1, 6, 5, 3), np.uint8))
    with pytest.raises(UserError) as caught:
        sim.run(["--model", str(make(tmp_path)), "--images", str(tmp_path / "images.npz"), "--count", "1", "--run"])
    assert sentence in str(caught.value)


def test_a_float_model_asks_for_calibration_images_where_it_is_to_run(tmp_path):
    path = onnx_of("Relu")(tmp_path)
    np.savez(tmp_path / "images.npz", x=np.zeros((1, 6, 6, 3), np.uint8))
    with pytest.raises(UserError, match="is a float network.*: give --calibrate SET"):
        sim.run(["--model", str(path), "--images", str(tmp_path / "images.npz"), "--run"])
