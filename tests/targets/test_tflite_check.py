# SPDX-License-Identifier: BSD-2-Clause
"""A run of a .tflite is held against TFLite's interpreter, and what differs is found and located."""

from dataclasses import replace

import numpy as np
import pytest

from accel.errors import UserError
from compiler.ir import Conv2D
from nets import zoo
from nets.importers.tflite import import_tflite
from nets.model import Model
from targets.tflite_check import tflite_check
from tests.support.tflite_models import TFLiteModel


def small_model(folder):
    """Return the Model of a .tflite of two convolutions and a pool, and an image for it."""
    built = TFLiteModel((8, 8, 3), seed=4)
    output = built.dense(built.pool("MAX_POOL_2D", built.convolution(built.convolution(built.input, 5), 6)), 4)
    return import_tflite(built.save(folder, output)), np.random.default_rng(1).integers(-128, 128, (8, 8, 3), dtype=np.int8)


def test_a_faithful_network_has_no_difference(tmp_path):
    model, image = small_model(tmp_path)
    assert tflite_check(model).difference(image) is None


def test_one_wrong_bias_is_found_in_its_layer_with_place_and_values(tmp_path):
    model, image = small_model(tmp_path)
    layers = list(model.network.layers)
    place = [i for i, layer in enumerate(layers) if isinstance(layer, Conv2D)][1]
    bias = layers[place].bias.copy()
    bias[2] += 1 << 12
    layers[place] = replace(layers[place], bias=bias)
    wrong = replace(model, network=replace(model.network, layers=tuple(layers)))
    sentence = tflite_check(wrong).difference(image)
    assert f"layer {layers[place].name!r}" in sentence and f"tensor {model.indices[layers[place].output]} of the file" in sentence
    assert ", 2) (row, column, channel): expected" in sentence


def test_a_model_of_another_kind_has_nothing_to_be_held_against():
    assert tflite_check(zoo.load_model("digits")) is None


def test_without_the_packages_there_is_one_sentence(tmp_path, monkeypatch):
    def missing(name):
        raise ModuleNotFoundError("No module named 'tflite'")

    (tmp_path / "model.tflite").write_bytes(b"x")
    monkeypatch.setattr(zoo.importlib, "import_module", missing)
    model = Model(None, tmp_path / "model.tflite", indices={"x": 0})
    for work in (lambda: tflite_check(model), lambda: zoo.load_model(str(model.source))):
        with pytest.raises(UserError, match="No module named 'tflite'.*: run `make import`"):
            work()
