# SPDX-License-Identifier: BSD-2-Clause
"""What bench/networks.py runs: trained networks as others published them, and real inputs for each."""

from dataclasses import replace
from functools import partial

from accel.errors import UserError
from nets import described
from nets.data import data_path
from nets.images import open_images
from nets.mlperf_tiny import tiny_model, tiny_samples
from nets.quantise_network import quantise_network
from nets.zoo import importer

IMAGES, CALIBRATION = 3, 32


def tiny_network(name):
    """Return (network, int8 images): a network of MLPerf Tiny, from its unmodified file, and the first of its labelled inputs.

    Raises UserError where a tensor of the reference differs from TFLite's interpreter's, and where the real data are not there.
    """
    model = tiny_model(name)
    images, _ = tiny_samples(name, model.network, IMAGES)
    wrong = importer("interpreter").differences(model, images)
    if wrong:
        raise UserError(f"{name} is not TFLite's: {'; '.join(wrong[:3])}")
    return replace(model.network, name=name), images


def described_network(name, weights):
    """Return (network, int8 images): a network of nets.described with the `weights` of the real data, and the first of the 227 x 227 crops of
    ImageNet, quantised by CALIBRATION others of them. Raises UserError where the real data are not there."""
    real = described.described(name, data_path(weights))
    crops = open_images(data_path("imagenet/imagenet40_227px_uint8.npz"), real.tensors[real.input].shape, described.NETWORKS[name].preprocessing)
    network = quantise_network(real, crops.real(IMAGES, IMAGES + CALIBRATION))
    return network, crops.int8(0, IMAGES, network.tensors[network.input])


# Name -> function that returns (network of that name, images).
NETWORKS = {
    **{name: partial(tiny_network, name) for name in ("resnet8", "dscnn", "vww")},
    "squeezenet11": partial(described_network, "squeezenet11", "squeezenet/v1.1_fp16_ncnn/weights_fp16.npz"),
}
