# SPDX-License-Identifier: BSD-2-Clause
"""The zoo's digits network is pruned as it says, classifies digits it never saw, and bad names are refused."""

import numpy as np
import pytest

from accel.errors import UserError
from compiler.reference import execute
from nets.digits_data import HELD_BACK, digits
from nets.images import digits_samples
from nets.zoo import accuracy, load_model
from tests.support.float_networks import small_classifier
from tests.support.float_to_onnx import float_to_onnx
from tests.support.networks import convolution
from tests.support.qdq_models import quantised
from tests.support.tflite_models import TFLiteModel


def test_digits_held_back_are_never_trained_on():
    train, _ = digits(held_back=False)
    test, labels = digits(held_back=True)
    assert len(test) == len(labels) == HELD_BACK
    seen = {image.tobytes() for image in train}
    assert not any(image.tobytes() in seen for image in test)


def test_digits_are_classified():
    assert accuracy(load_model("digits").network) >= 0.97


def test_the_digits_network_is_pruned_in_filters_and_in_channels_of_tiles():
    network = load_model("digits").network
    convolutions = [layer for layer in network.layers if layer.op == "conv2d"]
    assert [len(layer.weights) for layer in convolutions] == [12, 24, 28]
    for layer in convolutions[1:]:
        for first in range(0, len(layer.weights), 16):
            active = np.any(layer.weights[first:first + 16] != 0, axis=(0, 1, 2))
            assert active.sum() % 4 == 0 and 0 < active.sum() < len(active)
            assert np.any(np.diff(np.flatnonzero(active)) > 1), "the mask has no hole"


def test_every_kind_of_file_becomes_a_model_that_knows_where_it_came_from(tmp_path):
    images = np.random.default_rng(1).normal(size=(8, 8, 8, 3)).astype(np.float32)
    source = float_to_onnx(small_classifier(), 17).save(tmp_path / "float.onnx")
    quantised(source, tmp_path / "int8.onnx", images.transpose(0, 3, 1, 2))
    built = TFLiteModel((8, 8, 3))
    built.save(tmp_path, built.convolution(built.input, 4))
    shapes = []

    def calibration(shape):
        shapes.append(shape)
        return images

    for name, real in (("float.onnx", True), ("int8.onnx", False), ("model.tflite", False)):
        model = load_model(str(tmp_path / name), calibration=calibration, method="minmax")
        assert model.source == tmp_path / name and (model.real is not None) == real and bool(model.indices) == (name == "model.tflite")
        assert execute(model.network, np.zeros((1, 8, 8, 3), np.int8))[model.network.output].shape[0] == 1
    assert shapes == [(8, 8, 3)], "only the float model is calibrated"
    with pytest.raises(UserError, match="float.onnx is a float network.*give --calibrate SET"):
        load_model(str(tmp_path / "float.onnx"))


@pytest.mark.parametrize("name, sentence", [("digitz", "unknown model 'digitz'"), ("none.npz", "there is no model file")])
def test_a_model_that_is_not_there_is_refused(name, sentence):
    with pytest.raises(UserError, match=sentence):
        load_model(name)


def test_the_digits_are_only_for_a_model_that_takes_such_images():
    with pytest.raises(UserError, match=r"takes images of 3 x 3 x 2, for which the project has none: give --images SET"):
        digits_samples(convolution((3, 3), 2, 4))


@pytest.mark.parametrize("count", [0, -1, 361])
def test_a_count_beyond_the_images_is_refused(count):
    with pytest.raises(UserError, match="--count must be 1 to 360"):
        digits_samples(load_model("digits").network, count)
