# SPDX-License-Identifier: BSD-2-Clause
"""Networks as they are defined, without weights: kinds, shapes and order of their layers. Training, counting and export all read this."""

from dataclasses import dataclass, field

from accel.errors import UserError
from compiler.ir import AveragePool2D, Concat, MaxPool2D, Padding
from compiler.layers import OneInput, Windowed


@dataclass(frozen=True)
class Convolution(Windowed):
    """A convolution to `outputs` channels, with batch norm in training (norm) and a ReLU behind it (relu). Its bias counts either way.

    With groups, output channel o reads only the input channels of its own group, as in Conv2D.
    """

    name: str
    input: str
    output: str
    outputs: int
    kernel: tuple = (3, 3)
    stride: tuple = (1, 1)
    padding: Padding = Padding(1, 1, 1, 1)
    groups: int = 1
    norm: bool = True
    relu: bool = True

    op = "conv2d"

    def output_shape(self, shape):
        """Return the (height, width, channels) that an input of `shape` gives."""
        return (*self.map_shape(shape), self.outputs)

    def weights_shape(self, shape):
        """Return [outputs, kernel height, kernel width, inputs of a group] for an input of `shape`."""
        return self.outputs, *self.kernel, shape[2] // self.groups

    def check(self, where, shape):
        """Raise UserError where channels do not divide into the groups or the stride is none."""
        self._check_stride(where)
        if self.groups < 1 or self.outputs % self.groups or shape[2] % self.groups:
            raise UserError(f"{where}: {shape[2]} input and {self.outputs} output channels do not divide into {self.groups} groups")


@dataclass(frozen=True)
class Dense(OneInput):
    """A fully connected layer over the whole map, with a ReLU behind it (relu). Its weights follow the order height, width, channels."""

    name: str
    input: str
    output: str
    outputs: int
    relu: bool = False

    op = "fully_connected"

    def output_shape(self, shape):
        """Return (1, 1, outputs)."""
        return 1, 1, self.outputs

    def weights_shape(self, shape):
        """Return [outputs, height, width, channels] for an input of `shape`."""
        return self.outputs, *shape

    def check(self, where, shape):
        """Any map will do."""


@dataclass(frozen=True)
class Definition:
    """A network's layers in the order in which they run; each is named as its output. `shapes` are (height, width, channels) by tensor.

    Layers are Convolution, Dense, and the compiler's MaxPool2D, AveragePool2D and Concat. Raises UserError where they do not fit each other.
    """

    name: str
    input_shape: tuple
    layers: tuple
    shapes: dict = field(init=False, compare=False)

    input = "input"

    def __post_init__(self):
        shapes = {self.input: tuple(self.input_shape)}
        for layer in self.layers:
            where = f"network {self.name!r}, layer {layer.name!r}"
            for source in layer.inputs:
                if source not in shapes:
                    raise UserError(f"{where} reads {source!r}, which no earlier layer writes")
            if layer.output in shapes:
                raise UserError(f"{where} writes {layer.output!r}, which is written already")
            sources = [shapes[source] for source in layer.inputs]
            if layer.op in WEIGHTED:
                layer.check(where, *sources)
            shapes[layer.output] = layer.output_shape(*sources)
            if min(shapes[layer.output]) < 1:
                raise UserError(f"{where}: an input of {sources[0]} leaves nothing of the map")
        object.__setattr__(self, "shapes", shapes)

    @property
    def output(self):
        """The tensor that the last layer writes."""
        return self.layers[-1].output

    @property
    def weighted(self):
        """The layers that have weights, in order."""
        return tuple(layer for layer in self.layers if layer.op in WEIGHTED)

    def weights_shape(self, layer):
        """Return [outputs, kernel height, kernel width, inputs of a group] of a layer with weights."""
        return layer.weights_shape(self.shapes[layer.input])

    def readers(self, tensor):
        """Return the layers that read `tensor`, in order."""
        return tuple(layer for layer in self.layers if tensor in layer.inputs)


WEIGHTED = (Convolution.op, Dense.op)


class Draft:
    """Collects the layers of a Definition; each method appends one that reads tensor `source` and returns its name, which is its output's too."""

    def __init__(self, name, height, width, channels):
        self.name, self.shape, self.layers = name, (height, width, channels), []

    def _put(self, layer):
        self.layers.append(layer)
        return layer.output

    def convolution(self, name, source, outputs, kernel=3, stride=1, padding=None, **fields):
        """A square convolution; `padding` at each side, by default half of the kernel. fields: of Convolution."""
        edge = kernel // 2 if padding is None else padding
        return self._put(Convolution(name, source, name, outputs, (kernel, kernel), (stride, stride), Padding(edge, edge, edge, edge), **fields))

    def compressed(self, name, source, outputs, width, branches, kernel=3, **fields):
        """A feature compression partition (FCP) of a convolution: `branches` branches side by side.

        Each begins with a 1x1 convolution of all of `source` to `width` / `branches` channels, which a convolution of its own then reads; their
        outputs, `outputs` in sum, lie one behind the other. The first ones together are one convolution, the others one with groups.
        """
        if width % branches:
            raise UserError(f"network {self.name!r}, layer {name!r}: {width} channels do not divide into {branches} branches")
        narrow = self.convolution(f"{name}_compress", source, width, 1)
        return self.convolution(name, narrow, outputs, kernel, groups=branches, **fields)

    def max_pool(self, name, source, window=2, stride=2, ceil=0):
        """A square max pool without padding but for `ceil` rows below and columns at the right: what ceil mode adds."""
        return self._put(MaxPool2D(name, source, name, (window, window), (stride, stride), Padding(0, 0, ceil, ceil)))

    def average_pool(self, name, source, window):
        """The mean of each channel over a square map of `window` rows."""
        return self._put(AveragePool2D(name, source, name, (window, window), (1, 1)))

    def concatenation(self, name, *sources):
        """The channels of several tensors."""
        return self._put(Concat(name, sources, name))

    def dense(self, name, source, outputs, relu=False):
        """A fully connected layer."""
        return self._put(Dense(name, source, name, outputs, relu))

    def definition(self):
        """Return the Definition, whose output is that of the last layer."""
        return Definition(self.name, self.shape, tuple(self.layers))
