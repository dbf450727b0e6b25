# SPDX-License-Identifier: BSD-2-Clause
"""The network as the compiler and the reference read it: quantised tensors and layers, validated."""

from dataclasses import dataclass, field

import numpy as np

from accel.errors import UserError


def _constant(values, dtype):
    array = np.array(values, dtype)
    array.setflags(write=False)
    return array


@dataclass(frozen=True)
class TensorInfo:
    """A feature map of int8 [height, width, channels]; real value = scale * (number - zero_point)."""

    name: str
    height: int
    width: int
    channels: int
    scale: float = 1.0
    zero_point: int = 0

    @property
    def shape(self):
        """(height, width, channels)."""
        return self.height, self.width, self.channels


@dataclass(frozen=True)
class Padding:
    """Rows above and below, columns left and right of the input map."""

    top: int = 0
    left: int = 0
    bottom: int = 0
    right: int = 0


@dataclass(frozen=True, eq=False)
class Conv2D:
    """Convolution with bias, requantisation and clamp fused.

    weights int8 [output channels, kernel height, kernel width, input channels / groups]; bias int32, multipliers int32 and shifts
    (positive left, 0 to 30; negative right, to 31) one an output channel. The bias is TFLite's: of sum((x - zero point) * w).
    dynamic_mask: bool [input channels], the run-time mask: a cleared channel counts as its zero point; None where the layer has none.
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

    op = "conv2d"

    def __post_init__(self):
        for name, dtype in (("weights", np.int8), ("bias", np.int32), ("multipliers", np.int32), ("shifts", np.int8)):
            object.__setattr__(self, name, _constant(getattr(self, name), dtype))
        if self.dynamic_mask is not None:
            object.__setattr__(self, "dynamic_mask", _constant(self.dynamic_mask, bool))

    @property
    def kernel(self):
        """(height, width) of the window."""
        return self.weights.shape[1:3]

    @property
    def kept_weights(self):
        """The weights as they count: 0 for channels that the dynamic mask clears, since x - zero point is 0 there."""
        if self.dynamic_mask is None:
            return self.weights
        outputs, inputs = self.weights.shape[0], self.weights.shape[3]
        kept = self.dynamic_mask.reshape(self.groups, inputs).repeat(outputs // self.groups, axis=0)
        return self.weights * kept[:, np.newaxis, np.newaxis, :]

    def output_shape(self, shape):
        """Return the (height, width, channels) that an input of `shape` gives."""
        return (*_window_output(self, shape), self.weights.shape[0])

    def macs(self, shape):
        """Return the dense multiply-accumulates for an input of `shape`."""
        height, width, _ = self.output_shape(shape)
        return height * width * self.weights.size


@dataclass(frozen=True, eq=False)
class FullyConnected(Conv2D):
    """A matrix product over the whole input map: weights int8 [outputs, H, W, C], the flattening order of TFLite being H, W, C."""

    op = "fully_connected"


@dataclass(frozen=True)
class MaxPool2D:
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

    @property
    def kernel(self):
        """(height, width) of the window."""
        return self.window

    def output_shape(self, shape):
        """Return the (height, width, channels) that an input of `shape` gives."""
        return (*_window_output(self, shape), shape[2])

    def macs(self, shape):
        """A pool multiplies nothing."""
        return 0


def _window_output(layer, shape):
    pad = layer.padding
    spans = (shape[0] + pad.top + pad.bottom, shape[1] + pad.left + pad.right)
    return tuple((span - size) // step + 1 for span, size, step in zip(spans, layer.kernel, layer.stride, strict=True))


@dataclass(frozen=True, eq=False)
class Network:
    """Layers in an order in which each reads the input or an earlier layer's output; tensors by name. UserError where it is wrong."""

    name: str
    input: str
    output: str
    tensors: dict
    layers: tuple
    labels: tuple = field(default=())

    def __post_init__(self):
        known = {self.input}
        for layer in self.layers:
            if layer.input not in known:
                raise UserError(f"layer {layer.name!r} reads {layer.input!r}, which no earlier layer writes")
            if layer.output in known:
                raise UserError(f"layer {layer.name!r} writes {layer.output!r}, which is written already")
            known.add(layer.output)
            self._check_layer(layer)
        if self.output not in known:
            raise UserError(f"network {self.name!r}: no layer writes the output {self.output!r}")

    def _check_layer(self, layer):
        source, target = self.tensors[layer.input], self.tensors[layer.output]
        where = f"layer {layer.name!r}"
        if min(layer.stride) < 1:
            raise UserError(f"{where}: stride {layer.stride} must be at least 1")
        if layer.output_shape(source.shape) != target.shape or min(target.shape) < 1:
            raise UserError(f"{where}: an input of {source.shape} gives {layer.output_shape(source.shape)}, "
                            f"but its output is declared as {target.shape}")
        if not -128 <= layer.clamp_min <= layer.clamp_max <= 127:
            raise UserError(f"{where}: clamp {layer.clamp_min} to {layer.clamp_max} is no range of int8")
        if isinstance(layer, Conv2D):
            self._check_convolution(where, layer, source)
        elif any(pad >= size for pad, size in zip(
                (layer.padding.top, layer.padding.left, layer.padding.bottom, layer.padding.right), layer.window * 2, strict=True)):
            raise UserError(f"{where}: padding {layer.padding} is not smaller than the window {layer.window}")

    @staticmethod
    def _check_convolution(where, layer, source):
        outputs, inputs = layer.weights.shape[0], layer.weights.shape[3] * layer.groups
        if layer.groups < 1 or outputs % layer.groups:
            raise UserError(f"{where}: {outputs} output channels do not divide into {layer.groups} groups")
        if inputs != source.channels:
            raise UserError(f"{where}: the weights want {inputs} input channels, but the input has {source.channels}")
        for name in ("bias", "multipliers", "shifts"):
            if getattr(layer, name).shape != (outputs,):
                raise UserError(f"{where}: {name} must be one for each of {outputs} output channels")
        if layer.dynamic_mask is not None and layer.dynamic_mask.shape != (source.channels,):
            raise UserError(f"{where}: the dynamic mask has the shape {layer.dynamic_mask.shape}, but it must be one for each of "
                            f"{source.channels} input channels")
        if layer.multipliers.min() < 0 or layer.shifts.min() < -31 or layer.shifts.max() > 30:
            raise UserError(f"{where}: multipliers must not be negative and shifts must lie between -31 and 30")
