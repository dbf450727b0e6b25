# SPDX-License-Identifier: BSD-2-Clause
"""Ternary VGG-7 gives its authors' integers, in the reference, the golden model and the SoC; and what its many zeros save."""

from itertools import pairwise

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.errors import UserError
from bench.soc_runs import run_network
from compiler.expectation import expect
from compiler.reference import execute
from nets.cifar10_formats import CLASSES
from nets.described import NETWORKS, described
from nets.evaluation import evaluate
from nets.images import Arrays, ImageSet
from nets.model import Model
from targets.running_soc import build_soc, work_for
from tests.support.real_data import real_data

CONFIG = CONFIGS["arty-35"]
# Of the authors' stages the tensor of ours, and what is added to an int8 number of it.
STAGES = {"mp_1": ("pool1", 128), "mp_2": ("pool2", 128), "mp_3": ("pool3", 128), "fc": ("fc", 128), "sm10": ("sums", 0)}


@pytest.fixture(scope="module")
def network():
    return described("vgg7", real_data("vgg7_ternary_cifar10/weights.npz"))


@pytest.fixture(scope="module")
def references():
    with np.load(real_data("vgg7_ternary_cifar10/refs_one_image.npz")) as stored:
        return dict(stored)


@pytest.fixture(scope="module")
def image(references):
    """The authors' input, int16, as int8 [1, H, W, C]."""
    numbers = references["airplane4"]
    assert numbers.min() >= -128 and numbers.max() <= 127
    return numbers.astype(np.int8)[np.newaxis]


def check_stages(tensors, references):
    """Assert that each of the authors' stages is found in `tensors` without a difference."""
    for stage, (name, offset) in STAGES.items():
        np.testing.assert_array_equal(tensors[name].astype(int).reshape(-1) + offset, references[f"airplane4_{stage}"].reshape(-1), err_msg=stage)


def test_the_reference_gives_every_stage_without_a_difference(network, references, image):
    tensors = execute(network, image)
    check_stages({name: tensor[0] for name, tensor in tensors.items()}, references)
    assert tensors["sums"].min() == -501 and tensors["sums"].max() == 978


def test_the_golden_model_gives_the_same(network, references, image):
    work = work_for(network, image, CONFIG)
    tensors = expect(network, work.binary.model, image[0]).tensors
    for stage, (name, offset) in STAGES.items():
        if name in tensors:
            np.testing.assert_array_equal(tensors[name].astype(int).reshape(-1) + offset, references[f"airplane4_{stage}"].reshape(-1), err_msg=stage)
    assert "sums" in tensors and len([name for name, _ in STAGES.values() if name in tensors]) == len(STAGES)


@pytest.mark.full
def test_the_soc_gives_the_same_and_the_masks_use_little_of_its_sparsity(network, references, image):
    measured = run_network(network, CONFIG, *build_soc(CONFIG), images=image)
    # Every tensor is compared with the golden model's, which are the authors'.
    assert measured.report["exact"]
    assert measured.cycles < 1_200_000
    assert measured.report["macs_done"] / measured.report["macs"] == pytest.approx(0.941, abs=0.001)


def used_share(weights, columns=CONFIG.columns, block=CONFIG.block_channels, lanes=CONFIG.lanes):
    """Return which share of the steps of a dense layer its channel masks leave: weights [O, H, W, C], a mask for each tile of `columns` filters and
    `block` channels, whose set channels are taken `lanes` at a time."""
    steps = dense = 0
    for first in range(0, len(weights), columns):
        used = weights[first:first + columns].any(axis=(0, 1, 2))
        for low in range(0, len(used), block):
            part = used[low:low + block]
            steps += -(-int(part.sum()) // lanes)
            dense += -(-len(part) // lanes)
    return steps / dense


def test_channel_masks_can_use_the_dead_filters_of_its_first_layer_and_nothing_else_of_its_zeros(network):
    layers = {layer.name: layer.weights for layer in network.layers if layer.op in ("conv2d", "fully_connected")}
    density = {name: (weights != 0).mean() for name, weights in layers.items()}
    assert 0.45 < density.pop("conv1") < 0.46 and all(0.23 < share < 0.25 for share in density.values())
    # 12 filters of conv1 are all 0, and conv2 reads none of them. Elsewhere each channel has a weight in every tile of 16 filters: of its 144 weights
    # there three quarters are 0, but at random, so never all.
    assert (~layers["conv1"].any(axis=(1, 2, 3))).sum() == 12
    assert {name: used_share(weights) for name, weights in layers.items()} == dict.fromkeys(layers, 1.0) | {"conv2": 14 / 16}


def test_the_share_that_masks_leave_counts_channels_in_groups_of_lanes():
    assert used_share(np.zeros((16, 3, 3, 32), np.int8)) == 0
    assert used_share(np.eye(16, 64, dtype=np.int8).reshape(16, 1, 1, 64)) == 0.25
    assert used_share(np.eye(1, 32, dtype=np.int8).reshape(1, 1, 1, 32)) == 1 / 8


def test_it_classifies_90_percent_of_100_images(network):
    with np.load(real_data("cifar10/cifar10_test100_lossless.npz")) as stored:
        images = ImageSet(Arrays(stored["x"], stored["y"]), NETWORKS["vgg7"].preprocessing)
    result = evaluate(Model(network), images, 100)
    assert result.accuracy(result.int8) == pytest.approx(0.9)


def _small_arrays(rng):
    """Return arrays of VGG-7's shapes, random and ternary."""
    filters = (64, 64, 128, 128, 256, 256)
    arrays = {"fc_w": rng.integers(-1, 2, (4096, 128)).astype(np.int8), "out_w": rng.integers(-1, 2, (128, 10)).astype(np.int8)}
    arrays |= {"fc_a": rng.integers(3, 12, 128), "fc_b": rng.integers(-50, 50, 128)}
    for number, (inputs, outputs) in enumerate(pairwise((3, *filters)), 1):
        arrays[f"conv{number}_w"] = rng.integers(-1, 2, (outputs, inputs, 3, 3)).astype(np.int8)
        arrays[f"conv{number}_a"], arrays[f"conv{number}_b"] = rng.integers(0, 46, outputs), rng.integers(-99, 99, outputs)
    return arrays


def test_its_first_layer_is_the_formula_of_its_authors(tmp_path):
    rng = np.random.default_rng(1)
    arrays = _small_arrays(rng)
    np.savez(tmp_path / "weights.npz", **arrays)
    network = described("vgg7", tmp_path / "weights.npz")
    image = rng.integers(-40, 40, (1, 32, 32, 3)).astype(np.int8)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(image[0].astype(int), ((1, 1), (1, 1), (0, 0))), (3, 3), axis=(0, 1))
    sums = np.einsum("yxcij,ocij->yxo", windows, arrays["conv1_w"].astype(int))
    expected = np.clip((arrays["conv1_a"] * sums + 16 * arrays["conv1_b"]) // 64, 0, 255)
    np.testing.assert_array_equal(execute(network, image)["conv1"][0].astype(int) + 128, expected)
    assert network.labels == CLASSES and network.tensors["sums"].dtype == "int32"


@pytest.mark.parametrize("name, value", [("conv2_w", 2), ("fc_a", -1), ("conv6_a", 128)])
def test_weights_that_are_not_ternary_and_factors_beyond_int8_are_refused(name, value, tmp_path):
    arrays = _small_arrays(np.random.default_rng(2))
    arrays[name].reshape(-1)[5] = value
    np.savez(tmp_path / "weights.npz", **arrays)
    layer = name.partition("_")[0]
    with pytest.raises(UserError, match=f"{layer}_w must be -1, 0 or 1, and {layer}_a 0 to 127"):
        described("vgg7", tmp_path / "weights.npz")
