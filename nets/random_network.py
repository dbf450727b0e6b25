# SPDX-License-Identifier: BSD-2-Clause
"""A definition with random weights: a network to measure where there is no trained one."""

from nets.builder import Builder


def random_network(definition, seed=0):
    """Return the compiler's Network of a Definition: its shapes, random weights, numbers such that all outputs use their range."""
    build = Builder(definition.name, *definition.input_shape, seed)
    for layer in definition.layers:
        if layer.op == "conv2d":
            build.convolution(layer.name, layer.input, layer.outputs, layer.kernel, layer.stride, layer.relu, layer.groups, layer.padding)
        elif layer.op == "fully_connected":
            build.dense(layer.name, layer.input, layer.outputs, layer.relu)
        elif layer.op == "max_pool2d":
            build.max_pool(layer.name, layer.input, layer.window, layer.stride, layer.padding)
        elif layer.op == "average_pool2d":
            build.global_average(layer.name, layer.input)
        else:
            build.concatenation(layer.name, *layer.inputs)
    return build.network()
