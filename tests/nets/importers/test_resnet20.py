# SPDX-License-Identifier: BSD-2-Clause
"""A real float model from PyTorch, ResNet-20, through our importer and quantisation: as accurate as the float network, exact on the SoC."""

import numpy as np
import pytest

from accel.config import CONFIGS
from bench.soc_runs import run_network
from nets.evaluation import evaluate
from nets.float_run import predict_float
from nets.images import Arrays, ImageSet
from nets.importers.onnx_float import import_onnx_float
from nets.model import Model
from nets.preprocessing import Preprocessing
from nets.quantise import quantise_activations
from nets.quantise_network import METHODS, quantise_network
from nets.sqnr import sqnr
from targets.running_soc import build_soc
from tests.support.onnx_models import onnx_output
from tests.support.real_data import real_data

PREPROCESSING = Preprocessing(scale=1 / 255, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
# How many of the training images calibrate, and by how much of all images int8 may be worse.
CALIBRATION, LOSS = 100, 0.01


@pytest.fixture(scope="module")
def path():
    return real_data("resnet_cifar10/resnet20-12fca82f_bnfolded.onnx")


def lossless(*parts):
    """Return the ImageSet of the original pixels of CIFAR-10's `parts`."""
    arrays = [dict(np.load(real_data(f"cifar10/cifar10_{part}_lossless.npz"))) for part in parts]
    return ImageSet(Arrays(*(np.concatenate([array[key] for array in arrays]) for key in ("x", "y"))), PREPROCESSING)


@pytest.fixture(scope="module")
def calibration():
    """The first of the training images, real."""
    return lossless("train2000").real(0, CALIBRATION)


@pytest.fixture(scope="module")
def model(path, calibration):
    real = import_onnx_float(path)
    return Model(quantise_network(real, calibration), path, real)


def test_the_float_network_is_what_onnxruntime_computes(model, calibration):
    images = calibration[:10]
    wanted = onnx_output(model.source, np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    info = model.network.tensors[model.network.input]
    found = sqnr(model.real, model.network, images)
    assert info.shape == (32, 32, 3) and len(model.real.layers) == 32
    np.testing.assert_allclose(_scores(model, images), wanted, rtol=1e-4, atol=1e-4)
    assert min(found.values()) > 20 and list(found) == list(model.network.tensors)


def _scores(model, images):
    return predict_float(model.real, images).reshape(len(images), -1)


def test_its_shortcuts_are_convolutions_that_select(model):
    selecting = [layer for layer in model.real.layers if layer.op == "conv2d" and layer.name.endswith("selected")]
    assert [(layer.weights.shape, tuple(layer.stride), layer.weights.sum()) for layer in selecting] == [
        ((32, 1, 1, 16), (2, 2), 16), ((64, 1, 1, 32), (2, 2), 32)]


def test_int8_predicts_what_float_predicts_on_the_test_images(model):
    result = evaluate(model, lossless("test100"), 100)
    assert len(result.changed) <= 2
    assert result.accuracy(result.int8) >= result.accuracy(result.real) - LOSS


@pytest.mark.full
@pytest.mark.parametrize("method", METHODS)
def test_int8_is_at_most_a_point_below_float_on_all_lossless_images(path, calibration, method):
    real = import_onnx_float(path)
    result = evaluate(Model(quantise_network(real, calibration, method), path, real), lossless("test100", "train2000"), 2100)
    assert result.accuracy(result.real) > 0.98
    assert result.accuracy(result.int8) >= result.accuracy(result.real) - LOSS


@pytest.mark.full
def test_an_image_is_exact_on_the_soc(model, calibration):
    config, info = CONFIGS["arty-35"], model.network.tensors[model.network.input]
    images = quantise_activations(calibration[:1], info.scale, info.zero_point)
    measured = run_network(model.network, config, *build_soc(config), images=images)
    assert measured.report["exact"] and measured.report["count"] == 1
