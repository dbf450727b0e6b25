# SPDX-License-Identifier: BSD-2-Clause
"""The SqueezeNets after our quantisation: nearly as accurate as before on ImageNet's images, exact on the SoC."""

import pytest

from accel.config import CONFIGS
from bench.soc_runs import run_network
from nets.described import NETWORKS, described
from nets.evaluation import evaluate
from nets.images import open_images
from nets.model import Model
from nets.quantise_network import quantise_network
from targets.running_soc import build_soc
from tests.support.real_data import real_data

# Minutes each.
pytestmark = pytest.mark.full

# Weights and what the float network reaches on the 500 images; and how much less int8 may.
WEIGHTS = {"squeezenet10": ("squeezenet/v1.0_deepcompression/compressed_SqueezeNet.net", 0.604),
           "squeezenet11": ("squeezenet/v1.1_fp16_ncnn/weights_fp16.npz", 0.600)}
LOSS, CALIBRATION, IMAGES = 0.02, 32, 500

BOTH = pytest.mark.parametrize("name", WEIGHTS)


def images_at(path, name, network):
    """Return the ImageSet of the real data's `path` as network `name` takes it."""
    return open_images(real_data(path), network.tensors[network.input].shape, NETWORKS[name].preprocessing, crop=True)


def quantised(name, method="percentile"):
    """Return (Model, ImageSet of the 40 crops of which the first calibrate)."""
    path = real_data(WEIGHTS[name][0])
    real = described(name, path)
    crops = images_at("imagenet/imagenet40_227px_uint8.npz", name, real)
    return Model(quantise_network(real, crops.real(0, CALIBRATION), method), path, real), crops


@BOTH
@pytest.mark.parametrize("method", ["percentile", "mse"])
def test_int8_is_at_most_two_points_below_float(name, method):
    model, _ = quantised(name, method)
    result = evaluate(model, images_at("imagenet/imagenet500_256px_jpeg.tar", name, model.real), IMAGES, jobs=2)
    assert result.accuracy(result.real) == pytest.approx(WEIGHTS[name][1], abs=0.005)
    assert result.accuracy(result.int8) >= result.accuracy(result.real) - LOSS


@BOTH
def test_an_image_is_exact_on_the_soc(name):
    model, crops = quantised(name)
    config, network = CONFIGS["arty-35"], model.network
    measured = run_network(network, config, *build_soc(config), images=crops.int8(CALIBRATION, CALIBRATION + 1, network.tensors[network.input]))
    assert measured.report["exact"] and measured.report["count"] == 1
