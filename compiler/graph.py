# SPDX-License-Identifier: BSD-2-Clause
"""What networks of integers and of reals share: layers in an order that can be computed."""

from accel.errors import UserError


def check_graph(network, check_layer):
    """Raise UserError where a layer of `network` reads what is not there yet or writes what is there already.

    `check_layer` is called with each layer once the tensors that it names are known to be declared.
    """
    known = {network.input}
    for name in (network.input, network.output, *(layer.output for layer in network.layers)):
        if name not in network.tensors:
            raise UserError(f"network {network.name!r} names the tensor {name!r}, which it does not declare")
    for layer in network.layers:
        if not layer.inputs:
            raise UserError(f"layer {layer.name!r} reads nothing")
        for name in layer.inputs:
            if name not in known:
                raise UserError(f"layer {layer.name!r} reads {name!r}, which no earlier layer writes")
        if layer.output in known:
            raise UserError(f"layer {layer.name!r} writes {layer.output!r}, which is written already")
        known.add(layer.output)
        check_layer(layer)
    if network.output not in known:
        raise UserError(f"network {network.name!r}: no layer writes the output {network.output!r}")


def check_shapes(where, layer, sources, target):
    """Raise UserError where the layer, for the shapes of `sources`, does not give that of the tensor `target`."""
    given = layer.output_shape(*(source.shape for source in sources))
    if given != target.shape or min(target.shape) < 1:
        shapes = " and ".join(str(source.shape) for source in sources)
        raise UserError(f"{where}: an input of {shapes} gives {given}, but its output is declared as {target.shape}")
