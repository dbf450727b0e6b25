# SPDX-License-Identifier: BSD-2-Clause
"""A network of real numbers, as importers and descriptions give it to our quantisation. Maps are [height, width, channels]."""

from dataclasses import dataclass, field

import numpy as np

from accel.errors import UserError
from compiler.graph import check_graph, check_shapes
from compiler.layers import Averaging, Convolution, Padding, Pool, SameShape


@dataclass(frozen=True)
class FloatTensor:
    """A feature map of reals [height, width, channels]."""

    name: str
    height: int
    width: int
    channels: int

    @property
    def shape(self):
        """(height, width, channels)."""
        return self.height, self.width, self.channels


def _check_activation(where, limits):
    """`limits` are (low, high), either of which may be infinite, or None."""
    if limits is not None and not limits[0] < limits[1]:
        raise UserError(f"{where}: the activation keeps values from {limits[0]} to {limits[1]}, which is no range")


class _Weighted(Convolution):
    """A layer with `weights` and `bias` of float64, which must be finite, and an `activation`."""

    def __post_init__(self):
        for name in ("weights", "bias"):
            values = np.array(getattr(self, name), np.float64)
            values.setflags(write=False)
            object.__setattr__(self, name, values)

    def check(self, where, source, target):
        """Raise UserError where weights or activation are wrong."""
        if self.weights.ndim != 4:
            raise UserError(f"{where}: the weights have {self.weights.ndim} dimensions, but must have 4: outputs, height, width, inputs")
        self._check_convolution(where, source, ("bias",))
        if not np.isfinite(self.weights).all() or not np.isfinite(self.bias).all():
            raise UserError(f"{where}: a weight or bias is infinite or not a number")
        _check_activation(where, self.activation)


@dataclass(frozen=True, eq=False)
class FloatConv(_Weighted):
    """Convolution: weights [O, kernel height, kernel width, I / groups], bias [O]; activation None or the (low, high) that it clips to."""

    name: str
    input: str
    output: str
    weights: np.ndarray
    bias: np.ndarray
    stride: tuple = (1, 1)
    padding: Padding = Padding()
    groups: int = 1
    activation: tuple | None = None

    op = "conv2d"


@dataclass(frozen=True, eq=False)
class FloatDense(_Weighted):
    """A matrix product over the whole input map: weights [O, H, W, C] of a map [H, W, C], bias [O]; activation as a convolution's."""

    name: str
    input: str
    output: str
    weights: np.ndarray
    bias: np.ndarray
    activation: tuple | None = None

    op = "fully_connected"
    stride, padding, groups = (1, 1), Padding(), 1

    def check(self, where, source, target):
        """Raise UserError where the weights are not of the input's shape."""
        super().check(where, source, target)
        if self.weights.shape[1:] != source.shape:
            raise UserError(f"{where}: the weights want a map of {self.weights.shape[1:]}, but the input is {source.shape}")


@dataclass(frozen=True)
class FloatAdd:
    """The sum of two maps of one shape; activation as a convolution's."""

    name: str
    input: str
    other: str
    output: str
    activation: tuple | None = None

    op = "add"

    @property
    def inputs(self):
        """The names of the two tensors."""
        return self.input, self.other

    def output_shape(self, shape, other):
        """Return the shape of both inputs."""
        return tuple(shape)

    def check(self, where, source, other, target):
        """Raise UserError where the shapes differ."""
        if source.shape != other.shape:
            raise UserError(f"{where}: it adds maps of {source.shape} and {other.shape}, but they must have the same shape")
        _check_activation(where, self.activation)


@dataclass(frozen=True)
class FloatConcat:
    """The channels of several maps of one height and width, one map after the other."""

    name: str
    inputs: tuple
    output: str

    op = "concat"

    def output_shape(self, *shapes):
        """Return the shape of all channels together."""
        return (*shapes[0][:2], sum(shape[2] for shape in shapes))

    def check(self, where, *infos):
        """Raise UserError where the maps do not fit together; the last of `infos` is the output's."""
        for source in infos[:-1]:
            if source.shape[:2] != infos[-1].shape[:2]:
                raise UserError(f"{where}: {source.name!r} has {source.height} x {source.width} pixels, but {infos[-1].name!r} has "
                                f"{infos[-1].height} x {infos[-1].width}")


@dataclass(frozen=True)
class FloatMaxPool(Pool):
    """Maximum over windows; padding never wins. Ceil mode is padding below and at the right."""

    name: str
    input: str
    output: str
    window: tuple
    stride: tuple
    padding: Padding = Padding()

    op = "max_pool2d"


@dataclass(frozen=True)
class FloatAveragePool(Averaging):
    """Mean over windows of the places inside the map; with include_padding places outside count too, as zeros."""

    name: str
    input: str
    output: str
    window: tuple
    stride: tuple
    padding: Padding = Padding()
    include_padding: bool = False

    op = "average_pool2d"


@dataclass(frozen=True)
class FloatActivation(SameShape):
    """Values clipped to low and high, either of which may be infinite: ReLU is 0 to infinity."""

    name: str
    input: str
    output: str
    low: float
    high: float

    op = "activation"

    def check(self, where, source, target):
        """Raise UserError where low and high are no range."""
        _check_activation(where, (self.low, self.high))


@dataclass(frozen=True)
class FloatSoftmax(SameShape):
    """Softmax over the channels of each pixel."""

    name: str
    input: str
    output: str

    op = "softmax"

    def check(self, where, source, target):
        """Any map has a softmax."""


@dataclass(frozen=True, eq=False)
class FloatNetwork:
    """Layers in an order in which each reads the input or an earlier layer's output; tensors by name. UserError where it is wrong."""

    name: str
    input: str
    output: str
    tensors: dict
    layers: tuple
    labels: tuple = field(default=())

    def __post_init__(self):
        check_graph(self, self._check_layer)

    def readers(self, name):
        """Return the layers that read tensor `name`, in order."""
        return [layer for layer in self.layers if name in layer.inputs]

    def _check_layer(self, layer):
        sources, target = [self.tensors[name] for name in layer.inputs], self.tensors[layer.output]
        layer.check(f"layer {layer.name!r}", *sources, target)
        check_shapes(f"layer {layer.name!r}", layer, sources, target)
