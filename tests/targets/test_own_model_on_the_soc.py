# SPDX-License-Identifier: BSD-2-Clause
"""Models of one's own in the simulated SoC, by the command line: exact, against TFLite's interpreter too where they came as .tflite."""

import json
from dataclasses import replace

import numpy as np
import pytest

from compiler.ir import Conv2D
from nets import zoo
from targets import sim
from tests.support.float_networks import small_classifier
from tests.support.float_to_onnx import float_to_onnx
from tests.support.tflite_models import TFLiteModel

IMAGES = np.random.default_rng(7)


@pytest.fixture
def tflite_run(tmp_path):
    """Return the words that run a small .tflite with a softmax on two images."""
    model = TFLiteModel((8, 8, 3), seed=2)
    model.save(tmp_path, model.softmax(model.dense(model.pool("MAX_POOL_2D", model.convolution(model.input, 6)), 10)))
    np.savez(tmp_path / "set.npz", x=IMAGES.integers(-128, 128, (2, 8, 8, 3), dtype=np.int8), y=np.array([1, 2]))
    return ["--model", str(tmp_path / "model.tflite"), "--images", str(tmp_path / "set.npz"), "--count", "2", "--run",
            "--json", str(tmp_path / "out.json")]


def test_a_tflite_model_is_exact_as_tflites_interpreter_has_it(tflite_run, tmp_path, capsys):
    assert sim.run(tflite_run) == 0
    report = json.loads((tmp_path / "out.json").read_text())
    assert report["exact"] is True and report["count"] == 2
    assert [layer["where"] for layer in report["layers"]] == ["accel", "accel", "cpu"]
    assert "every tensor of all images equals the golden model's and TFLite's" in capsys.readouterr().out


def test_a_network_that_was_imported_wrongly_is_not_exact_and_the_layer_is_named(tflite_run, tmp_path, capsys, monkeypatch):
    """The SoC computes the wrong network rightly: only the interpreter can tell."""
    load = zoo.load_model

    def wrong(*arguments):
        model = load(*arguments)
        layers = [replace(layer, bias=layer.bias + 4096) if type(layer) is Conv2D else layer for layer in model.network.layers]
        return replace(model, network=replace(model.network, layers=tuple(layers)))

    monkeypatch.setattr("targets.model_options.load_model", wrong)
    assert sim.run(tflite_run) == 1
    assert json.loads((tmp_path / "out.json").read_text())["exact"] is False
    said = " ".join(capsys.readouterr().out.split())
    assert "image 0: layer 'conv_2d', tensor 'conv_2d', position (0, 0, " in said and "TFLite's interpreter gives" in said and "NOT EXACT" in said


def test_a_float_onnx_model_is_quantised_and_exact(tmp_path):
    float_to_onnx(small_classifier(), 17).save(tmp_path / "net.onnx")
    np.savez(tmp_path / "set.npz", x=IMAGES.normal(size=(8, 8, 8, 3)).astype(np.float32))
    files = ["--model", str(tmp_path / "net.onnx"), "--calibrate", str(tmp_path / "set.npz"), "--images", str(tmp_path / "set.npz")]
    assert sim.run([*files, "--count", "1", "--run", "--json", str(tmp_path / "out.json")]) == 0
    report = json.loads((tmp_path / "out.json").read_text())
    assert report["exact"] is True and report["accuracy"] is None and len(report["layers"]) >= 4
