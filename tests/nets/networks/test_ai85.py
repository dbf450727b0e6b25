# SPDX-License-Identifier: BSD-2-Clause
"""The MAX78000's integer network: its authors' formula, exact in the golden model with weights of -128, and as accurate as it should be."""

import numpy as np
import pytest

from accel.config import CONFIGS
from compiler.expectation import expect
from compiler.reference import execute
from nets.described import NETWORKS, described
from nets.evaluation import evaluate
from nets.images import Arrays, ImageSet
from nets.model import Model
from targets.running_soc import work_for
from tests.support.real_data import real_data


@pytest.fixture(scope="module")
def arrays():
    with np.load(real_data("ai85_cifar10_int8/weights.npz")) as stored:
        return dict(stored)


@pytest.fixture(scope="module")
def network():
    return described("ai85", real_data("ai85_cifar10_int8/weights.npz"))


def _images(name):
    with np.load(real_data(f"cifar10/cifar10_{name}.npz")) as stored:
        return ImageSet(Arrays(stored["x"], stored["y"]), NETWORKS["ai85"].preprocessing)


def _layer(maps, arrays, name, low=0):
    """Return the authors' layer of int64 maps [H, W, C], in plain integers."""
    weights = arrays[f"{name}_w"].astype(int)
    edge = weights.shape[2] // 2
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(maps, ((edge, edge), (edge, edge), (0, 0))), weights.shape[2:], axis=(0, 1))
    sums = np.einsum("yxcij,ocij->yxo", windows, weights) + arrays[f"{name}_b"]
    return np.clip(np.floor(sums * 2.0 ** int(arrays[f"{name}_shift"]) / 128 + 0.5), low, 127).astype(int)


def test_every_layer_is_its_authors_formula(network, arrays):
    image = _images("test100_lossless").int8(0, 1, network.tensors["input"])
    tensors, maps = execute(network, image), image[0].astype(int)
    np.testing.assert_array_equal(maps, _images("test100_lossless").source.images[0].astype(int) - 128)
    for name in [name.removesuffix("_w") for name in arrays if name.startswith("conv") and name.endswith("_w")]:
        if name in ("conv2_1", "conv3_1", "conv4_1", "conv5_1"):
            side = len(maps) // 2
            maps = maps.reshape(side, 2, side, 2, -1).max(axis=(1, 3))
        maps = _layer(maps, arrays, name)
        np.testing.assert_array_equal(tensors[name][0], maps, err_msg=name)
    sums = arrays["fc_w"].astype(int) @ maps.transpose(2, 0, 1).reshape(-1) + arrays["fc_b"]
    scores = np.clip(np.floor(sums * 2.0 ** int(arrays["fc_shift"]) / 128 + 0.5), -128, 127)
    np.testing.assert_array_equal(tensors["fc"].reshape(-1), scores)


def test_it_is_exact_in_the_golden_model_with_its_weights_of_minus_128(network):
    assert sum((layer.weights == -128).any() for layer in network.layers if hasattr(layer, "weights")) >= 5
    image = _images("test100_lossless").int8(0, 1, network.tensors["input"])
    model = work_for(network, image, CONFIGS["arty-35"]).binary.model
    assert "fc" in expect(network, model, image[0]).tensors


@pytest.mark.full
def test_it_classifies_its_images_as_it_should(network):
    result = evaluate(Model(network), _images("test5000_jpeg"), 1000)
    assert result.accuracy(result.int8) > 0.845
