# SPDX-License-Identifier: BSD-2-Clause
"""A definition with trained weights: the float network that is quantised."""

from nets.float_builder import RELU
from nets.float_network import FloatAveragePool, FloatConcat, FloatConv, FloatDense, FloatMaxPool, FloatNetwork, FloatTensor


def float_network(definition, weights):
    """Return the FloatNetwork of a Definition; weights: {layer: (weights [O, kernel height, kernel width, I / groups], bias [O])}, batch norm folded."""
    tensors = {name: FloatTensor(name, *shape) for name, shape in definition.shapes.items()}
    layers = tuple(_layer(layer, *weights.get(layer.name, ())) for layer in definition.layers)
    return FloatNetwork(definition.name, definition.input, definition.output, tensors, layers, ())


def _layer(layer, *numbers):
    place = layer.name, layer.input if layer.op != "concat" else layer.inputs, layer.output
    if layer.op == "concat":
        return FloatConcat(*place)
    if layer.op == "max_pool2d":
        return FloatMaxPool(*place, layer.window, layer.stride, layer.padding)
    if layer.op == "average_pool2d":
        return FloatAveragePool(*place, layer.window, layer.stride)
    activation = RELU if layer.relu else None
    if layer.op == "fully_connected":
        return FloatDense(*place, *numbers, activation)
    return FloatConv(*place, *numbers, layer.stride, layer.padding, layer.groups, activation)
