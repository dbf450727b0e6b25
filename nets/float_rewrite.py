# SPDX-License-Identifier: BSD-2-Clause
"""The layers and tensors of a float network while they are being rewritten."""

from dataclasses import replace


class Rewrite:
    """`layers`, in order, and `tensors` of a FloatNetwork, to be changed."""

    def __init__(self, network):
        self.network, self.layers, self.tensors = network, list(network.layers), dict(network.tensors)

    def writer(self, name):
        """Return the layer that writes tensor `name`, or None for the network's input."""
        return next((layer for layer in self.layers if layer.output == name), None)

    def only_reader(self, name):
        """Return the one layer that reads tensor `name`, or None where there are more, or the network's output is the tensor."""
        readers = [layer for layer in self.layers if name in layer.inputs]
        return readers[0] if len(readers) == 1 and name != self.network.output else None

    def merge(self, first, second, merged):
        """Put `merged` at the place of `second`, the only reader of `first`'s output; `first` and its output go."""
        self.layers[self.layers.index(second)] = merged
        self.layers.remove(first)
        del self.tensors[first.output]

    def finish(self):
        """Return the FloatNetwork of what the layers are now."""
        return replace(self.network, tensors=self.tensors, layers=tuple(self.layers))
