# SPDX-License-Identifier: BSD-2-Clause
"""The networks of MLPerf Tiny that are convolutional, as unmodified .tflite files, and the labelled inputs there are for them."""

import numpy as np

from accel.errors import UserError
from nets.data import data_path
from nets.quantise import quantise_activations
from nets.zoo import importer

# Name: the file, the files of labelled inputs (arrays x and y), and what their numbers are divided by to be the network's real input.
_TINY = {
    "resnet8": ("mlperf_tiny/ic/pretrainedResnet_quant.tflite",
                ("cifar10/cifar10_test100_lossless.npz", "cifar10/cifar10_train2000_lossless.npz"), 1.0),
    "dscnn": ("mlperf_tiny/kws/kws_ref_model.tflite", ("mlperf_tiny/kws/kws_inputs_dev.npz",), None),
    "vww": ("mlperf_tiny/vww/vww_96_int8.tflite", ("mlperf_tiny/vww/vww100_dev.npz",), 255.0),
}
NAMES = tuple(_TINY)


def tiny_file(name):
    """Return the path of the network's .tflite file. Raises UserError for an unknown name, or where the real data are not there."""
    if name not in _TINY:
        raise UserError(f"there is no network {name!r} of MLPerf Tiny: choose {', '.join(NAMES)}")
    return data_path(_TINY[name][0])


def tiny_model(name):
    """Return the Model of the network. Raises UserError as tiny_file and import_tflite do, and where the packages to import it are not installed."""
    return importer("tflite").import_tflite(tiny_file(name))


def tiny_samples(name, network, most=None):
    """Return (int8 images [N, H, W, C] as `network` takes them, labels [N]), the first `most` of them or all.

    Inputs that are int8 already are the network's own numbers; others are real values times a constant, quantised by its scale and zero point.
    Raises UserError where the real data are not there.
    """
    images, labels = [], []
    for file in _TINY[name][1]:
        with np.load(data_path(file)) as stored:
            images.append(stored["x"][:most])
            labels.append(stored["y"][:most])
    images, labels, divisor = np.concatenate(images)[:most], np.concatenate(labels)[:most], _TINY[name][2]
    info = network.tensors[network.input]
    if divisor is not None:
        images = quantise_activations(images / np.float32(divisor), info.scale, info.zero_point)
    return images.reshape(len(images), *info.shape), labels.astype(np.int64)
