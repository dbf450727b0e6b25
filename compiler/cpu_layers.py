# SPDX-License-Identifier: BSD-2-Clause
"""The kinds of layers that the CPU computes, between the accelerator's programs or after the last: each reads one map."""

import math
from dataclasses import dataclass

import numpy as np

from accel.errors import UserError
from compiler.layers import SameShape, constant

# What TFLite asks of the output of an int8 softmax.
SOFTMAX_SCALE, SOFTMAX_ZERO_POINT = 1 / 256, -128
# More could make the sum of a softmax, which has 12 bits before the point, overflow.
MOST_SOFTMAX_CHANNELS = 4095


class _OnCpu(SameShape):
    """A layer without a clamp of its own."""

    clamp_min, clamp_max = -128, 127


def on_cpu(layer):
    """Whether the CPU computes `layer`, and not the accelerator."""
    return isinstance(layer, _OnCpu)


@dataclass(frozen=True, eq=False)
class Lookup(_OnCpu):
    """Any function of one number: output = table[q + 128], with `table` int8 [256]."""

    name: str
    input: str
    output: str
    table: np.ndarray

    op = "lookup"

    def __post_init__(self):
        object.__setattr__(self, "table", constant(self.table, np.int8, f"layer {self.name!r}: the table"))

    def check(self, where, source, target):
        """Raise UserError where the table has another size."""
        if self.table.shape != (256,):
            raise UserError(f"{where}: its table has the shape {self.table.shape}, but it must hold an output for each of 256 numbers")


@dataclass(frozen=True)
class Softmax(_OnCpu):
    """TFLite's int8 softmax over the channels of each pixel, of beta times the real input: see compiler/softmax.py."""

    name: str
    input: str
    output: str
    beta: float = 1.0

    op = "softmax"

    def check(self, where, source, target):
        """Raise UserError where the input's scale is out of range, or the output has other numbers than TFLite's softmax gives."""
        factor = self.beta * source.scale
        if not 2.0 ** -26 < factor < math.inf:
            raise UserError(f"{where}: beta times the scale of {source.name!r} is {factor}, but a softmax takes finite numbers above 2**-26")
        if source.channels > MOST_SOFTMAX_CHANNELS:
            raise UserError(f"{where}: it reads {source.channels} channels, but a softmax takes at most {MOST_SOFTMAX_CHANNELS}")
        if (target.scale, target.zero_point) != (SOFTMAX_SCALE, SOFTMAX_ZERO_POINT):
            raise UserError(f"{where}: {target.name!r} has scale {target.scale} and zero point {target.zero_point}, "
                            "but a softmax has 1/256 and -128")


@dataclass(frozen=True, eq=False)
class Sums(_OnCpu):
    """A fully connected layer whose outputs are its sums themselves, int32: sum((q - zero point) * weight) + bias, wrapped at 32 bits.

    weights int8 [outputs, H, W, C], over the whole input map; bias int32 [outputs].
    """

    name: str
    input: str
    output: str
    weights: np.ndarray
    bias: np.ndarray

    op = "sums"

    def __post_init__(self):
        object.__setattr__(self, "weights", constant(self.weights, np.int8, f"layer {self.name!r}: weights"))
        object.__setattr__(self, "bias", constant(self.bias, np.int32, f"layer {self.name!r}: bias"))

    def output_shape(self, shape):
        """Return (1, 1, outputs)."""
        return 1, 1, len(self.weights)

    def macs(self, shape):
        """Return the dense multiply-accumulates."""
        return self.weights.size

    def check(self, where, source, target):
        """Raise UserError where the numbers do not fit the input TensorInfo `source`."""
        if self.weights.shape[1:] != source.shape:
            raise UserError(f"{where}: the weights want an input of {self.weights.shape[1:]}, but {source.name!r} is {source.shape}")
        if self.bias.shape != self.weights.shape[:1]:
            raise UserError(f"{where}: bias must be one for each of {len(self.weights)} outputs")
