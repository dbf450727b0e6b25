# SPDX-License-Identifier: BSD-2-Clause
"""The kinds of layers that read one map: each with its numbers, the shape that it gives, and what is wrong with it."""

from dataclasses import dataclass

import numpy as np

from accel.errors import UserError
from compiler.numbers import Rounding


def constant(values, dtype, what):
    """Return a copy of `values` as an array of integers of `dtype` that nobody can write to. Raises UserError where one, of `what`, does not fit."""
    values, limits = np.asarray(values), np.iinfo(dtype)
    if not (np.isfinite(values) & (values == np.round(values)) & (values >= limits.min) & (values <= limits.max)).all():
        raise UserError(f"{what} must be whole numbers from {limits.min} to {limits.max}")
    return _unchanging(values.astype(dtype))


def _unchanging(array):
    array.setflags(write=False)
    return array


@dataclass(frozen=True)
class Padding:
    """Rows above and below, columns left and right of the input map."""

    top: int = 0
    left: int = 0
    bottom: int = 0
    right: int = 0

    def __add__(self, other):
        """Return the Padding of both together."""
        return Padding(self.top + other.top, self.left + other.left, self.bottom + other.bottom, self.right + other.right)


class OneInput:
    """What layers with one input have in common. `inputs` of any layer are the names of the tensors that it reads."""

    @property
    def inputs(self):
        """The names of the tensors that the layer reads."""
        return (self.input,)

    def macs(self, shape):
        """Return the dense multiply-accumulates for an input of `shape`: none but in convolutions."""
        return 0


class SameShape(OneInput):
    """A layer whose output has its input's shape."""

    def output_shape(self, shape):
        """Return the input's own shape."""
        return tuple(shape)


class Windowed(OneInput):
    """A layer with a window: `kernel` (height, width), `stride`, `padding`."""

    def map_shape(self, shape):
        """Return the output's (height, width) for an input of `shape`."""
        pad = self.padding
        spans = (shape[0] + pad.top + pad.bottom, shape[1] + pad.left + pad.right)
        return tuple((span - size) // step + 1 for span, size, step in zip(spans, self.kernel, self.stride, strict=True))

    def _check_stride(self, where):
        if min(self.stride) < 1:
            raise UserError(f"{where}: stride {self.stride} must be at least 1")


class Convolution(Windowed):
    """What convolutions of integers and of reals share: `weights` [O, kernel height, kernel width, I / groups], `groups` and the window."""

    @property
    def kernel(self):
        """(height, width) of the window."""
        return self.weights.shape[1:3]

    @property
    def depthwise(self):
        """Whether each output channel reads the input channel of its own number."""
        return self.groups == len(self.weights) and self.weights.shape[3] == 1

    def output_shape(self, shape):
        """Return the (height, width, channels) that an input of `shape` gives."""
        return (*self.map_shape(shape), self.weights.shape[0])

    def macs(self, shape):
        """Return the dense multiply-accumulates for an input of `shape`."""
        height, width, _ = self.output_shape(shape)
        return height * width * self.weights.size

    def _check_convolution(self, where, source, each):
        """Raise UserError where weights, groups and input do not fit together, or a field named in `each` is not one an output channel."""
        self._check_stride(where)
        outputs, inputs = self.weights.shape[0], self.weights.shape[3] * self.groups
        if self.groups < 1 or outputs % self.groups:
            raise UserError(f"{where}: {outputs} output channels do not divide into {self.groups} groups")
        if inputs != source.channels:
            raise UserError(f"{where}: the weights want {inputs} input channels, but the input has {source.channels}")
        for name in each:
            if getattr(self, name).shape != (outputs,):
                raise UserError(f"{where}: {name} must be one for each of {outputs} output channels")


@dataclass(frozen=True, eq=False)
class Conv2D(Convolution):
    """Convolution with bias, requantisation and clamp fused.

    weights int8 [output channels, kernel height, kernel width, input channels / groups]; bias int32, multipliers int32 and shifts
    (positive left, 0 to 30; negative right, to 31) one an output channel. The bias is TFLite's: of sum((x - zero point) * w).
    dynamic_mask: bool [input channels], the run-time mask: a cleared channel counts as its zero point; None where the layer has none.
    rounding: how the scaled sums become whole numbers.
    """

    name: str
    input: str
    output: str
    weights: np.ndarray
    bias: np.ndarray
    multipliers: np.ndarray
    shifts: np.ndarray
    stride: tuple = (1, 1)
    padding: Padding = Padding()
    groups: int = 1
    clamp_min: int = -128
    clamp_max: int = 127
    dynamic_mask: np.ndarray | None = None
    rounding: Rounding = Rounding.TWICE

    op = "conv2d"

    def __post_init__(self):
        for name, dtype in (("weights", np.int8), ("bias", np.int32), ("multipliers", np.int32), ("shifts", np.int8)):
            object.__setattr__(self, name, constant(getattr(self, name), dtype, f"layer {self.name!r}: {name}"))
        if self.dynamic_mask is not None:
            object.__setattr__(self, "dynamic_mask", _unchanging(np.array(self.dynamic_mask, bool)))
        object.__setattr__(self, "rounding", Rounding(self.rounding))

    @property
    def kept_weights(self):
        """The weights as they count: 0 for channels that the dynamic mask clears, since x - zero point is 0 there."""
        if self.dynamic_mask is None:
            return self.weights
        outputs, inputs = self.weights.shape[0], self.weights.shape[3]
        kept = self.dynamic_mask.reshape(self.groups, inputs).repeat(outputs // self.groups, axis=0)
        return self.weights * kept[:, np.newaxis, np.newaxis, :]

    def check(self, where, source, target):
        """Raise UserError where the numbers do not fit the input TensorInfo `source`."""
        self._check_convolution(where, source, ("bias", "multipliers", "shifts"))
        if self.dynamic_mask is not None and self.dynamic_mask.shape != (source.channels,):
            raise UserError(f"{where}: the dynamic mask has the shape {self.dynamic_mask.shape}, but it must be one for each of "
                            f"{source.channels} input channels")
        if self.multipliers.min() < 0 or self.shifts.min() < -31 or self.shifts.max() > 30:
            raise UserError(f"{where}: multipliers must not be negative and shifts must lie between -31 and 30")


@dataclass(frozen=True, eq=False)
class FullyConnected(Conv2D):
    """A matrix product over the whole input map: weights int8 [outputs, H, W, C], the flattening order of TFLite being H, W, C."""

    op = "fully_connected"


class Pool(Windowed):
    """A window over each channel by itself. Ceil mode is padding below and at the right: no window begins beyond the map."""

    @property
    def kernel(self):
        """(height, width) of the window."""
        return self.window

    def output_shape(self, shape):
        """Return the (height, width, channels) that an input of `shape` gives."""
        return (*self.map_shape(shape), shape[2])

    def check(self, where, source, target):
        """Raise UserError where a window could hold nothing but padding."""
        self._check_stride(where)
        pad = self.padding
        if any(edge >= size for edge, size in zip((pad.top, pad.left, pad.bottom, pad.right), tuple(self.window) * 2, strict=True)):
            raise UserError(f"{where}: padding {pad} is not smaller than the window {self.window}")


@dataclass(frozen=True)
class MaxPool2D(Pool):
    """Maximum over windows; padding never wins. Scale and zero point of input and output are the same."""

    name: str
    input: str
    output: str
    window: tuple
    stride: tuple
    padding: Padding = Padding()
    clamp_min: int = -128
    clamp_max: int = 127

    op = "max_pool2d"


class Averaging(Pool):
    """A pool that divides by how many places of a window count: those inside the map, or all with `include_padding`."""

    def counts(self, shape):
        """Return (rows, columns) that count in the windows of each output row and each output column, int64 [H'] and [W']."""
        before, sizes = (self.padding.top, self.padding.left), shape[:2]
        return tuple(self._inside(*numbers) for numbers in zip(self.map_shape(shape), self.window, self.stride, before, sizes, strict=True))

    def _inside(self, outputs, window, stride, before, size):
        first = np.arange(outputs) * stride - before
        return np.full(outputs, window) if self.include_padding else np.minimum(first + window, size) - np.maximum(first, 0)


@dataclass(frozen=True)
class AveragePool2D(Averaging):
    """Mean over windows, halves rounded away from zero. Scale and zero point of input and output are the same.

    The mean is that of the numbers themselves over the places inside the map; with include_padding places outside count too, as zero points.
    """

    name: str
    input: str
    output: str
    window: tuple
    stride: tuple
    padding: Padding = Padding()
    clamp_min: int = -128
    clamp_max: int = 127
    include_padding: bool = False

    op = "average_pool2d"

    def check(self, where, source, target):
        """Raise UserError where the pool is impossible or its tensors have different scales."""
        super().check(where, source, target)
        check_same_numbers(where, source, target)


def check_same_numbers(where, source, target):
    """Raise UserError where two tensors differ in scale or zero point."""
    if (source.scale, source.zero_point) != (target.scale, target.zero_point):
        raise UserError(f"{where}: {source.name!r} and {target.name!r} must have the same scale and zero point; requantise one by a Rescale")


def check_scaling(where, multiplier, shift, most=30):
    """Raise UserError where a multiplier or a shift (positive left) is out of range."""
    if not 0 <= multiplier < 1 << 31 or not -31 <= shift <= most:
        raise UserError(f"{where}: multiplier {multiplier} must lie between 0 and 2**31 - 1 and shift {shift} between -31 and {most}")


@dataclass(frozen=True)
class Rescale(SameShape):
    """Requantisation alone, and so ReLU, ReLU6 and any clamp: (q - zero point) * multiplier * 2**(shift - 31) + output zero point, clamped."""

    name: str
    input: str
    output: str
    multiplier: int = 1 << 30
    shift: int = 1
    clamp_min: int = -128
    clamp_max: int = 127

    op = "rescale"

    def check(self, where, source, target):
        """Raise UserError where multiplier or shift is out of range."""
        check_scaling(where, self.multiplier, self.shift)

    def convolution(self, channels):
        """Return the depthwise Conv2D of `channels` channels that computes the same."""
        return Conv2D(self.name, self.input, self.output, np.ones((channels, 1, 1, 1)), np.zeros(channels), np.full(channels, self.multiplier),
                      np.full(channels, self.shift), groups=channels, clamp_min=self.clamp_min, clamp_max=self.clamp_max)
