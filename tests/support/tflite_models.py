# SPDX-License-Identifier: BSD-2-Clause
"""Small random .tflite models, one operator after the other, and what TFLite's interpreter and our reference make of them."""

import numpy as np
import pytest

from nets.importers.interpreter import Interpreter, differences
from nets.importers.tflite import import_tflite
from tests.support.tflite_builder import TFLiteBuilder

SAME, VALID = 0, 1
NONE, RELU, RELU_N1_TO_1, RELU6 = range(4)
TYPES = pytest.mark.parametrize("dtype", ("int8", "uint8"))

# Of random numbers between -128 and 127: root of the mean square.
_SPREAD = 74


class TFLiteModel(TFLiteBuilder):
    """Each method appends an operator that reads tensors by number and returns the number of its output, whose scale lets it use its range.

    Numbers of `dtype` int8 or uint8; zero points are given as those of int8. The input has the number 0.
    """

    def __init__(self, shape, dtype="int8", seed=0, scale=0.05, zero_point=-5, signature=None):
        super().__init__()
        self.rng, self.dtype, self.offset = np.random.default_rng(seed), dtype, 128 if dtype == "uint8" else 0
        self.input = self.map([1, *shape], scale, zero_point, signature=signature)

    def map(self, shape, scale, zero_point, **values):
        """Add a tensor that is computed; returns its number."""
        return self.tensor(shape, scale, zero_point + self.offset, self.dtype, **values)

    def shape(self, number):
        """Return the shape of tensor `number`."""
        return list(self.graph.tensors[number].shape)

    def scale(self, number):
        """Return the first scale of tensor `number`."""
        return float(self.graph.tensors[number].quantization.scale[0])

    def zero_point(self, number):
        """Return the zero point of tensor `number` as an int8 number."""
        return int(self.graph.tensors[number].quantization.zeroPoint[0]) - self.offset

    def _window(self, source, kernel, stride, padding):
        sizes = self.shape(source)[1:3]
        return [-(-size // step) if padding == SAME else (size - window) // step + 1
                for size, window, step in zip(sizes, kernel, stride, strict=True)]

    def weights(self, shape, axis, per_channel=True, smallest=-127, zero_point=0):
        """Add random weights with a scale for each of `axis`; returns (number, scales)."""
        scales = self.rng.uniform(0.5, 2.0, shape[axis] if per_channel else 1) / 127
        numbers = self.rng.integers(smallest, 128, shape)
        numbers.flat[0] = smallest
        return self.tensor(shape, scales, zero_point + self.offset, self.dtype, numbers + self.offset, axis=axis), np.float32(scales)

    def bias(self, source, scales, outputs, length):
        """Add a random bias for sums of `length` products; returns its number."""
        spread = _SPREAD * _SPREAD * np.sqrt(length) / 4
        return self.tensor([outputs], np.float32(self.scale(source)) * scales, 0, "int32", self.rng.normal(0, spread, outputs).round())

    def _sum_output(self, source, shape, scales, length, zero_point):
        return self.map(shape, self.scale(source) * scales.mean() * _SPREAD * _SPREAD * np.sqrt(length) / 50 * self.rng.uniform(0.9, 1.1), zero_point)

    def convolution(self, source, outputs, kernel=(3, 3), stride=(1, 1), padding=SAME, activation=NONE, groups=1, zero_point=3, bias=True,
                    dilation=(1, 1), **weights):
        """CONV_2D."""
        channels = self.shape(source)[3] // groups
        number, scales = self.weights([outputs, *kernel, channels], 0, **weights)
        length = kernel[0] * kernel[1] * channels
        output = self._sum_output(source, [1, *self._window(source, kernel, stride, padding), outputs], scales, length, zero_point)
        inputs = [source, number, *([self.bias(source, scales, outputs, length)] if bias else [])]
        self.operator("CONV_2D", inputs, [output], "Conv2D", 3, padding=padding, strideH=stride[0], strideW=stride[1],
                      fusedActivationFunction=activation, dilationHFactor=dilation[0], dilationWFactor=dilation[1])
        return output

    def depthwise(self, source, kernel=(3, 3), stride=(1, 1), padding=SAME, activation=NONE, multiplier=1, zero_point=3, **weights):
        """DEPTHWISE_CONV_2D."""
        outputs = self.shape(source)[3] * multiplier
        number, scales = self.weights([1, *kernel, outputs], 3, **weights)
        length = kernel[0] * kernel[1]
        output = self._sum_output(source, [1, *self._window(source, kernel, stride, padding), outputs], scales, length, zero_point)
        inputs = [source, number, self.bias(source, scales, outputs, length)]
        self.operator("DEPTHWISE_CONV_2D", inputs, [output], "DepthwiseConv2D", 3, padding=padding, strideH=stride[0],
                      strideW=stride[1], fusedActivationFunction=activation, depthMultiplier=multiplier, dilationHFactor=1, dilationWFactor=1)
        return output

    def dense(self, source, outputs, activation=NONE, keep=False, zero_point=3, bias=True, **weights):
        """FULLY_CONNECTED over the whole map; keep: over the channels of each pixel."""
        shape = self.shape(source)
        length = shape[-1] if keep else int(np.prod(shape))
        number, scales = self.weights([outputs, length], 0, **weights)
        output = self._sum_output(source, [*shape[:-1], outputs] if keep else [1, outputs], scales, length, zero_point)
        self.operator("FULLY_CONNECTED", [source, number, self.bias(source, scales, outputs, length) if bias else -1], [output], "FullyConnected", 9,
                      fusedActivationFunction=activation, keepNumDims=keep)
        return output

    def add(self, first, second, activation=NONE, zero_point=3):
        """ADD."""
        output = self.map(self.shape(first), np.hypot(self.scale(first), self.scale(second)) * 1.2, zero_point)
        self.operator("ADD", [first, second], [output], "Add", 2, fusedActivationFunction=activation)
        return output

    def mul(self, source, shape, zero_point=0, smallest=-127, activation=NONE, first=False):
        """MUL by a constant of `shape`; first: the constant is input 0."""
        numbers = self.rng.integers(smallest, 128, shape) + self.offset
        factor = self.tensor(shape, 0.01, zero_point + self.offset, self.dtype, numbers)
        output = self.map(self.shape(source), self.scale(source) * 0.01 * _SPREAD * 0.9, 3)
        self.operator("MUL", [factor, source] if first else [source, factor], [output], "Mul", 2, fusedActivationFunction=activation)
        return output

    def pool(self, kind, source, window=(2, 2), stride=(2, 2), padding=VALID, activation=NONE):
        """AVERAGE_POOL_2D or MAX_POOL_2D."""
        shape = [1, *self._window(source, window, stride, padding), self.shape(source)[3]]
        output = self.map(shape, self.scale(source), self.zero_point(source))
        self.operator(kind, [source], [output], "Pool2D", 2, padding=padding, strideH=stride[0], strideW=stride[1], filterHeight=window[0],
                      filterWidth=window[1], fusedActivationFunction=activation)
        return output

    def mean(self, source, axes=(1, 2), keep=True, scale=None, zero_point=3):
        """MEAN, at its input's scale or another."""
        shape = self.shape(source)
        sides = {axis % len(shape) for axis in axes}
        shape = [1 if place in sides else size for place, size in enumerate(shape) if keep or place not in sides]
        output = self.map(shape, scale or self.scale(source), zero_point)
        self.operator("MEAN", [source, self.tensor([len(axes)], dtype="int32", data=axes)], [output], "Reducer", 2, keepDims=keep)
        return output

    def pad(self, source, top=0, bottom=0, left=0, right=0):
        """PAD of rows and columns."""
        batch, height, width, channels = self.shape(source)
        output = self.map([batch, height + top + bottom, width + left + right, channels], self.scale(source), self.zero_point(source))
        amounts = self.tensor([4, 2], dtype="int32", data=[[0, 0], [top, bottom], [left, right], [0, 0]])
        self.operator("PAD", [source, amounts], [output], "Pad", 2)
        return output

    def concatenation(self, *sources, axis=3, scale=None, zero_point=None):
        """CONCATENATION, at the scale of the first source or another."""
        shape = self.shape(sources[0])
        shape[axis] = sum(self.shape(source)[axis] for source in sources)
        output = self.map(shape, scale or self.scale(sources[0]), self.zero_point(sources[0]) if zero_point is None else zero_point)
        self.operator("CONCATENATION", sources, [output], "Concatenation", 2, axis=axis, fusedActivationFunction=NONE)
        return output

    def reshape(self, source, shape, kind="RESHAPE"):
        """RESHAPE or SQUEEZE to `shape`."""
        output = self.map(shape, self.scale(source), self.zero_point(source))
        if kind == "RESHAPE":
            self.operator(kind, [source, self.tensor([len(shape)], dtype="int32", data=shape)], [output], "Reshape", newShape=shape)
        else:
            before = self.shape(source)
            self.operator(kind, [source], [output], "Squeeze", squeezeDims=[place for place in (1, 2) if before[place] == 1])
        return output

    def quantize(self, source, scale, zero_point):
        """QUANTIZE to the model's numbers at another scale; from a float tensor too."""
        output = self.map(self.shape(source), scale, zero_point)
        self.operator("QUANTIZE", [source], [output], "Quantize", 2)
        return output

    def dequantize(self, source):
        """DEQUANTIZE to float32."""
        output = self.tensor(self.shape(source), dtype="float32")
        self.operator("DEQUANTIZE", [source], [output], "Dequantize", 2)
        return output

    def single(self, kind, source, scale, zero_point):
        """RELU and its kin, or LOGISTIC."""
        output = self.map(self.shape(source), scale, zero_point)
        self.operator(kind, [source], [output], version=1 if kind == "RELU_N1_TO_1" else 2)
        return output

    def softmax(self, source, beta=1.0):
        """SOFTMAX."""
        output = self.map(self.shape(source), 1 / 256, -128)
        self.operator("SOFTMAX", [source], [output], "Softmax", 2, beta=beta)
        return output

    def save(self, folder, output):
        """Write the file that computes tensor `output` into `folder` and return its path."""
        return self.write(folder / "model.tflite", [self.input], [output])


def interpreter_tensors(path, image):
    """Return {number of the tensor: int8 array} that the interpreter computes for an int8 image [1, ...]."""
    return Interpreter(path).run(image)


def random_images(shape, count, seed=0):
    """Return int8 [count, *shape]: over the whole range, in narrower ranges, and constant at both ends."""
    rng, images = np.random.default_rng(seed), []
    for index in range(count):
        low, high = ((-128, 127), (-128, -128), (127, 127))[index] if index < 3 else sorted(rng.integers(-128, 128, 2))
        images.append(rng.integers(low, high + 1, shape))
    return np.array(images, np.int8)


def assert_equal_to_interpreter(path, images=None, count=8, seed=0):
    """Assert that the reference's tensors equal the interpreter's, all that both have, on `images` or on random ones; returns the Model."""
    model = import_tflite(path)
    network = model.network
    assert network.output in model.indices and network.input in model.indices
    wrong = differences(model, random_images(network.tensors[network.input].shape, count, seed) if images is None else images)
    assert not wrong, wrong
    return model


def check(folder, model, output, count=8):
    """Assert that the file of `model` is imported exactly; returns the layers."""
    return assert_equal_to_interpreter(model.save(folder, output), count=count).network.layers


def symmetric(dtype):
    """Return how weights of a model of `dtype` are quantised: uint8 ones have one scale."""
    return {"per_channel": dtype == "int8"}
