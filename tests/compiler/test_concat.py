# SPDX-License-Identifier: BSD-2-Clause
"""Concatenations are addresses: producers write into the larger tensor, readers skip its gaps, and nothing is moved that need not be."""

from dataclasses import replace

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.errors import UserError
from compiler.expectation import expect
from compiler.fuse import fused_units
from compiler.ir import (
    Add, AveragePool2D, Concat, Conv2D, FullyConnected, MaxPool2D, Network, Padding, Rescale, TensorInfo)
from compiler.layout import place_tensors
from compiler.lower import lower_network
from compiler.program import compile_network
from tests.support.random_networks import random_images

SAME = Padding(1, 1, 1, 1)
NUMBERS = (1 << 30, 0, 1900000000, -1, 1500000000, -18)
SIZE = (6, 7)


class Net:
    """Collects layers over "image", all tensors with one zero point."""

    def __init__(self, channels):
        self.rng, self.layers = np.random.default_rng(3), []
        self.tensors = {"image": TensorInfo("image", *SIZE, channels, zero_point=-20)}

    def put(self, layer):
        shape = layer.output_shape(*(self.tensors[name].shape for name in layer.inputs))
        self.tensors[layer.output] = TensorInfo(layer.output, *shape, zero_point=-20)
        self.layers.append(layer)
        return layer.output

    def conv(self, source, outputs, groups=1, kernel=(3, 3), kind=Conv2D, mask=False):
        name, inputs = f"c{len(self.layers)}", self.tensors[source].channels
        weights = self.rng.integers(-127, 128, (outputs, *kernel, inputs // groups))
        shift = round(np.log2(60 / (75 * 75 * np.sqrt(weights[0].size))))
        padding = SAME if kernel == (3, 3) else Padding()
        kept = self.rng.random(inputs) < 0.5 if mask else None
        return self.put(kind(name, source, name, weights, self.rng.integers(-999, 999, outputs), self.rng.integers(1 << 30, 1 << 31, outputs),
                             np.full(outputs, shift), padding=padding, groups=groups, dynamic_mask=kept))

    def concat(self, *sources):
        name = f"j{len(self.layers)}"
        return self.put(Concat(name, sources, name))

    def network(self):
        return Network("joined", "image", self.layers[-1].output, self.tensors, tuple(self.layers))


READERS = {
    "a convolution": lambda net, x: net.conv(x, 9),
    "a grouped convolution": lambda net, x: net.conv(x, 2 * net.tensors[x].channels // 5, net.tensors[x].channels // 5),
    "a depthwise convolution": lambda net, x: net.conv(x, net.tensors[x].channels, net.tensors[x].channels),
    "a masked convolution": lambda net, x: net.conv(x, 9, mask=True),
    "a fully connected layer": lambda net, x: net.conv(x, 9, kernel=SIZE, kind=FullyConnected),
    "a masked fully connected layer": lambda net, x: net.conv(
        net.put(AveragePool2D("v", x, "v", SIZE, (1, 1))), 9, kernel=(1, 1), kind=FullyConnected, mask=True),
    "a max pool": lambda net, x: net.put(MaxPool2D("p", x, "p", (3, 2), (2, 1), SAME)),
    "an average": lambda net, x: net.put(AveragePool2D("p", x, "p", (3, 3), (1, 2), SAME)),
    "a rescaling and a pool": lambda net, x: net.put(MaxPool2D("p", net.put(Rescale("r", x, "r", 1 << 30, 0)), "p", (2, 2), (2, 2))),
    "an addition": lambda net, x: net.put(Add("a", x, net.conv("image", net.tensors[x].channels), "a", *NUMBERS)),
    "an addition of a depthwise convolution": lambda net, x: net.put(
        Add("a", net.conv(x, net.tensors[x].channels, net.tensors[x].channels), x, "a", *NUMBERS)),
    "an addition to itself": lambda net, x: net.put(Add("a", x, x, "a", *NUMBERS)),
    "another concatenation": lambda net, x: net.conv(net.concat(x, net.conv("image", 7), x), 9),
    "the user": lambda net, x: x,
}


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("channels", [(3, 7), (16, 4), (20, 5, 40)])
def test_every_reader_of_a_concatenation_is_exact(channels, reader, config):
    net = Net(10)
    READERS[reader](net, net.concat(*(net.conv("image", count) for count in channels)))
    network = net.network()
    model = compile_network(network, CONFIGS[config])
    expect(network, model, random_images(network, 1)[0])


@pytest.mark.parametrize("config", CONFIGS)
def test_every_producer_can_write_into_a_concatenation(config):
    net = Net(20)
    first = net.conv("image", 6)
    parts = [first, net.put(MaxPool2D("m", first, "m", (1, 1), (1, 1))), net.conv("image", 20, 20),
             net.put(AveragePool2D("v", "image", "v", (1, 1), (1, 1))), net.put(Rescale("r", "image", "r", 1 << 30, 1)),
             net.put(Add("a", net.conv("image", 20), "image", "a", *NUMBERS)), "image", first]
    inner = net.concat(*parts)
    small = net.put(MaxPool2D("q", net.concat(inner, net.conv("image", 3), "image"), "q", (2, 2), (2, 2)))
    net.conv(small, 5)
    network = net.network()
    model = compile_network(network, CONFIGS[config])
    result = expect(network, model, random_images(network, 2)[0])
    assert {"m", "a", "q"} <= set(result.tensors)


def lowered(net, columns=16):
    return lower_network(net.network(), columns)


def test_whole_planes_side_by_side_are_a_tensor_without_gaps_and_nothing_is_copied():
    net = Net(16)
    net.concat(net.conv("image", 32), net.conv("image", 7))
    network = lowered(net).network
    assert [layer.op for layer in network.layers] == ["conv2d", "conv2d", "concat"]
    places = place_tensors(network, 16, 0)
    first, second, both = (places[layer.output] for layer in network.layers)
    assert both.places is None and (first.address, second.address) == (both.address, both.address + first.bytes)
    assert [unit.op for unit in fused_units(network)] == ["conv2d", "conv2d"]


def test_an_input_whose_channels_are_no_whole_planes_leaves_a_gap():
    net = Net(16)
    net.concat(net.conv("image", 18), net.conv("image", 3))
    place = place_tensors(lowered(net).network, 16, 0)["j2"]
    assert place.places == (*range(18), 32, 33, 34) and place.planes == 3 and not place.compact


def test_a_tensor_in_two_concatenations_and_the_networks_input_are_copied():
    net = Net(16)
    one = net.conv("image", 8)
    net.concat(one, net.conv("image", 8))
    net.concat(one, "image", one)
    result = lowered(net)
    assert list(result.copies.values()) == [one, "image", one]
    assert [layer.op for layer in result.network.layers] == ["conv2d", "conv2d", "concat", "rescale", "rescale", "rescale", "concat"]


def test_packing_follows_the_places():
    net = Net(16)
    net.concat(net.conv("image", 18), net.conv("image", 3))
    place = place_tensors(lowered(net).network, 16, 0)["j2"]
    tensor = np.random.default_rng(1).integers(-128, 128, place.shape).astype(np.int8)
    data = place.pack(tensor)
    assert len(data) == place.bytes
    np.testing.assert_array_equal(place.unpack(data), tensor)
    np.testing.assert_array_equal(place.spread().unpack(data)[..., list(place.places)], tensor)


def test_maps_that_do_not_fit_together_are_refused():
    net = Net(16)
    net.concat(net.conv("image", 8), net.conv("image", 8))
    network = net.network()
    numbers = "same scale and zero point"
    for change, sentence in (({"zero_point": 3}, numbers), ({"scale": 0.5}, numbers), ({"height": 5}, "pixels")):
        tensors = network.tensors | {"c0": replace(network.tensors["c0"], **change)}
        with pytest.raises(UserError, match=f"layer 'j2'.*{sentence}"):
            network.layers[2].check("layer 'j2'", *(tensors[name] for name in ("c0", "c1", "j2")))
