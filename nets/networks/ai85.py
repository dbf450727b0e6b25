# SPDX-License-Identifier: BSD-2-Clause
"""A plain int8 network for CIFAR-10 as Analog Devices' MAX78000 ("AI85") runs it: power-of-two scales, integers all the way.

A layer gives clip(floor((sum + b) * 2**shift / 128 + 0.5)) with one `shift`, and ReLU but for the last; maxima of 2x2 pixels come before the first
convolution of blocks 2 to 5; the last layer flattens channels first. All zero points are 0; the input is the pixel minus 128.
"""

import numpy as np

from compiler.ir import Conv2D, FullyConnected, MaxPool2D, Network, Padding, TensorInfo
from compiler.numbers import Rounding, quantize_multiplier
from nets.cifar10_formats import CLASSES
from nets.networks.arrays import read_arrays
from nets.preprocessing import Preprocessing

WHAT = "a plain 10-layer int8 network for CIFAR-10 (ai8x-synthesis' weights.npz)"
PREPROCESSING = Preprocessing(scale=1 / 128, mean=(1.0,), size=(32, 32))

# Name, filters, kernel and whether a 2x2 maximum comes first.
_CONVOLUTIONS = (("conv1_1", 64, 3, False), ("conv1_2", 32, 1, False), ("conv1_3", 64, 3, False), ("conv2_1", 32, 3, True),
                 ("conv2_2", 64, 1, False), ("conv3_1", 128, 3, True), ("conv3_2", 128, 1, False), ("conv4_1", 64, 3, True),
                 ("conv4_2", 128, 3, False), ("conv5_1", 128, 1, True))
_UNIT = 1 / 128


def _shapes():
    shapes, inputs = {}, 3
    for name, outputs, kernel, _ in _CONVOLUTIONS:
        shapes |= {f"{name}_w": (outputs, inputs, kernel, kernel), f"{name}_b": (outputs,), f"{name}_shift": ()}
        inputs = outputs
    return shapes | {"fc_w": (10, 512), "fc_b": (10,), "fc_shift": ()}


def build(path):
    """Return the Network of the weights file `path`. Raises UserError where it is not that file."""
    arrays = read_arrays(path, _shapes(), integers=True)
    tensors, layers = {"input": TensorInfo("input", 32, 32, 3, scale=_UNIT)}, []

    def put(layer):
        shape = layer.output_shape(tensors[layer.input].shape)
        tensors[layer.output] = TensorInfo(layer.output, *shape, scale=_UNIT)
        layers.append(layer)
        return layer.output

    source = "input"
    for name, _, kernel, pooled in _CONVOLUTIONS:
        if pooled:
            source = put(MaxPool2D(f"pool{name[4]}", source, f"pool{name[4]}", (2, 2), (2, 2)))
        weights = arrays[f"{name}_w"].transpose(0, 2, 3, 1)
        source = put(Conv2D(name, source, name, weights, *_scaling(arrays, name), padding=Padding(*4 * (kernel // 2,)), clamp_min=0,
                            rounding=Rounding.HALF_UP))
    weights = arrays["fc_w"].reshape(10, 128, 2, 2).transpose(0, 2, 3, 1)
    put(FullyConnected("fc", source, "fc", weights, *_scaling(arrays, "fc"), rounding=Rounding.HALF_UP))
    return Network("ai85", "input", "fc", tensors, tuple(layers), CLASSES)


def _scaling(arrays, name):
    """Return (bias, multipliers, shifts) of the layer `name`."""
    bias = arrays[f"{name}_b"]
    multiplier, shift = quantize_multiplier(2.0 ** int(arrays[f"{name}_shift"]) / 128)
    return bias, np.full(len(bias), multiplier), np.full(len(bias), shift)
