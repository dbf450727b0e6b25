# SPDX-License-Identifier: BSD-2-Clause
"""Ternary VGG-7 for CIFAR-10: weights -1, 0 and 1, integers all the way.

Activations are integers in 1/16. A layer gives max(0, floor((a * sum + 16 * b) / 64)) with `a` and `b` one a filter, in 1/64; the maxima of 2x2
pixels follow the 2nd, 4th and 6th convolution; the last layer's sums are the answer. The weights become a * w, int8 since a <= 45, so that the
sum needs only the exact factor 1/64 and rounding down. Activations 0 to 255 become int8 with zero point -128. Images are standardised each by
itself and rounded to 1/16; what then lies outside int8, 8 deviations from the mean, is saturated.
"""

import numpy as np

from accel.errors import UserError
from compiler.ir import Conv2D, FullyConnected, MaxPool2D, Network, Padding, Sums, TensorInfo
from compiler.numbers import Rounding, quantize_multiplier
from nets.cifar10_formats import CLASSES
from nets.networks.arrays import read_arrays
from nets.preprocessing import Preprocessing

WHAT = "ternary VGG-7 for CIFAR-10, integers only (binary_connect_cifar's weights.npz)"
PREPROCESSING = Preprocessing(standardise=True, size=(32, 32))

_FILTERS = (64, 64, 128, 128, 256, 256)
_UNIT = 1 / 16
_SHAPES = {f"conv{number}_w": (outputs, inputs, 3, 3) for number, (inputs, outputs) in enumerate(zip((3, *_FILTERS), _FILTERS), 1)}
_SHAPES |= {f"conv{number}_{letter}": (outputs,) for number, outputs in enumerate(_FILTERS, 1) for letter in "ab"}
_SHAPES |= {"fc_w": (4096, 128), "fc_a": (128,), "fc_b": (128,), "out_w": (128, 10)}


def build(path):
    """Return the Network of the weights file `path`. Raises UserError where it is not that file."""
    arrays = read_arrays(path, _SHAPES, integers=True)
    tensors, layers = {"input": TensorInfo("input", 32, 32, 3, scale=_UNIT)}, []

    def put(layer, zero_point=-128, **fields):
        shape = layer.output_shape(tensors[layer.input].shape)
        tensors[layer.output] = TensorInfo(layer.output, *shape, scale=_UNIT, zero_point=zero_point, **fields)
        layers.append(layer)
        return layer.output

    source = "input"
    for number in range(1, len(_FILTERS) + 1):
        name = f"conv{number}"
        weights = arrays[f"{name}_w"].transpose(0, 2, 3, 1)
        source = put(Conv2D(name, source, name, *_numbers(path, arrays, name, weights), padding=Padding(1, 1, 1, 1), rounding=Rounding.DOWN))
        if number % 2 == 0:
            source = put(MaxPool2D(f"pool{number // 2}", source, f"pool{number // 2}", (2, 2), (2, 2)))
    weights = arrays["fc_w"].T.reshape(128, 4, 4, 256)
    source = put(FullyConnected("fc", source, "fc", *_numbers(path, arrays, "fc", weights), rounding=Rounding.DOWN))
    put(Sums("sums", source, "sums", arrays["out_w"].T.reshape(10, 1, 1, 128), np.zeros(10)), zero_point=0, dtype="int32")
    return Network("vgg7", "input", "sums", tensors, tuple(layers), CLASSES)


def _numbers(path, arrays, name, weights):
    """Return (weights, bias, multipliers, shifts) of the layer `name` with ternary weights [O, H, W, I]."""
    factors, bias = arrays[f"{name}_a"].astype(np.int64), arrays[f"{name}_b"].astype(np.int64)
    if np.abs(weights).max() > 1 or factors.min() < 0 or factors.max() > 127:
        raise UserError(f"{path}: {name}_w must be -1, 0 or 1, and {name}_a 0 to 127")
    multiplier, shift = quantize_multiplier(1 / 64)
    return weights * factors[:, np.newaxis, np.newaxis, np.newaxis], 16 * bias, [multiplier] * len(bias), [shift] * len(bias)
