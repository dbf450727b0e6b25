# SPDX-License-Identifier: BSD-2-Clause
"""The network as the compiler and the reference read it: quantised tensors and layers, validated."""

from dataclasses import dataclass, field

from accel.errors import UserError
from compiler.cpu_layers import Lookup, Softmax, Sums
from compiler.graph import check_graph, check_shapes
from compiler.joins import Add, Concat
from compiler.layers import AveragePool2D, Conv2D, FullyConnected, MaxPool2D, Padding, Rescale

__all__ = ["Add", "AveragePool2D", "Concat", "Conv2D", "FullyConnected", "Lookup", "MaxPool2D", "Network", "Padding", "Rescale", "Softmax", "Sums",
           "TensorInfo"]


@dataclass(frozen=True)
class TensorInfo:
    """A feature map [height, width, channels] of numbers of `dtype`; real value = scale * (number - zero_point).

    dtype: "int8", or "int32" for what a Sums writes, which no layer reads.
    """

    name: str
    height: int
    width: int
    channels: int
    scale: float = 1.0
    zero_point: int = 0
    dtype: str = "int8"

    @property
    def shape(self):
        """(height, width, channels)."""
        return self.height, self.width, self.channels


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
        if self.input in self.tensors and self.tensors[self.input].dtype != "int8":
            raise UserError(f"network {self.name!r} takes {self.tensors[self.input].dtype}, but only int8 is possible: requantise its input")
        check_graph(self, self._check_layer)

    def readers(self, name):
        """Return the layers that read tensor `name`, in order."""
        return [layer for layer in self.layers if name in layer.inputs]

    def macs(self, layer):
        """Return the dense multiply-accumulates of a layer of the network."""
        return layer.macs(*(self.tensors[name].shape for name in layer.inputs))

    def _check_layer(self, layer):
        sources, target = [self.tensors[name] for name in layer.inputs], self.tensors[layer.output]
        where = f"layer {layer.name!r}"
        self._check_dtypes(where, layer, sources, target)
        layer.check(where, *sources, target)
        check_shapes(where, layer, sources, target)
        if not -128 <= layer.clamp_min <= layer.clamp_max <= 127:
            raise UserError(f"{where}: clamp {layer.clamp_min} to {layer.clamp_max} is no range of int8")

    @staticmethod
    def _check_dtypes(where, layer, sources, target):
        for source in sources:
            if source.dtype != "int8":
                raise UserError(f"{where} reads {source.name!r}, which holds {source.dtype}, but layers read int8")
        given = "int32" if isinstance(layer, Sums) else "int8"
        if target.dtype != given:
            raise UserError(f"{where} gives {given}, but its output {target.name!r} is declared as {target.dtype}")
