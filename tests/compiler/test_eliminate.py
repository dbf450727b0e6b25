# SPDX-License-Identifier: BSD-2-Clause
"""Channels that never change are removed with their filters and their readers' weights; the original network's tensors stay as they were."""

from dataclasses import replace

import numpy as np
import pytest

from accel.config import CONFIGS
from compiler.eliminate import eliminate
from compiler.expectation import expect
from compiler.ir import Add, AveragePool2D, Concat, Conv2D, FullyConnected, MaxPool2D, Network, Padding, Rescale, TensorInfo
from compiler.program import compile_network
from compiler.reference import execute
from tests.support.random_graphs import random_graph
from tests.support.random_networks import random_images

SAME = Padding(1, 1, 1, 1)
SIZE = (5, 6)
ZERO, CONSTANT = 4, 37


class Net:
    """Collects layers over "image"; `dead` names the filters of a convolution whose outputs never change, and their value."""

    def __init__(self, channels=6):
        self.rng, self.layers = np.random.default_rng(9), []
        self.tensors = {"image": TensorInfo("image", *SIZE, channels, zero_point=-20)}

    def put(self, layer, zero_point=ZERO):
        shape = layer.output_shape(*(self.tensors[name].shape for name in layer.inputs))
        self.tensors[layer.output] = TensorInfo(layer.output, *shape, zero_point=zero_point)
        self.layers.append(layer)
        return layer.output

    def conv(self, source, outputs, dead=(), value=ZERO, groups=1, kernel=(3, 3), padding=SAME, kind=Conv2D, most_bias=999):
        name, inputs = f"c{len(self.layers)}", self.tensors[source].channels
        weights = self.rng.integers(-127, 128, (outputs, *kernel, inputs // groups))
        bias = self.rng.integers(-most_bias, most_bias + 1, outputs)
        multipliers = self.rng.integers(1 << 30, 1 << 31, outputs)
        shifts = np.full(outputs, round(np.log2(60 / (75 * 75 * np.sqrt(weights[0].size)))))
        for k in dead:
            if value == ZERO:
                multipliers[k] = 0
            else:
                weights[k], bias[k], multipliers[k], shifts[k] = 0, value - ZERO, 1 << 30, 1
        return self.put(kind(name, source, name, weights, bias, multipliers, shifts, padding=padding, groups=groups))

    def network(self):
        return Network("pruned", "image", self.layers[-1].output, self.tensors, tuple(self.layers))


def channels(network):
    return {name: info.channels for name, info in network.tensors.items()}


def assert_exact(network):
    """The reduced network, and its program on each configuration, give the original's tensors."""
    images = random_images(network, 3, 2)
    reduced, expected = eliminate(network), execute(network, images)
    got = execute(reduced.network, images)
    for name, values in expected.items():
        kept = reduced.kept.get(name, range(values.shape[3]))
        np.testing.assert_array_equal(got[name], values[..., list(kept)])
        for channel in set(range(values.shape[3])) - set(kept):
            assert np.all(values[..., channel] == reduced.constants[name][channel])
    for config in CONFIGS.values():
        expect(network, compile_network(network, config), images[0])
    return channels(reduced.network)


def pointwise(net, source):
    return net.conv(source, 8, kernel=(1, 1), padding=Padding())


THROUGH = {
    "nothing": lambda net, x: x,
    "a depthwise convolution": lambda net, x: net.conv(x, 6, groups=6, most_bias=0),
    "a max pool": lambda net, x: net.put(MaxPool2D("p", x, "p", (2, 2), (1, 1), SAME)),
    "an average": lambda net, x: net.put(AveragePool2D("p", x, "p", (3, 3), (2, 1), SAME)),
    "a rescaling": lambda net, x: net.put(Rescale("r", x, "r", 1 << 30, 0)),
    "a concatenation": lambda net, x: net.put(Concat("j", (net.conv("image", 5), x), "j")),
    "a fused pool": lambda net, x: net.put(MaxPool2D("p", x, "p", (2, 2), (2, 2))),
}


@pytest.mark.parametrize("through", THROUGH)
@pytest.mark.parametrize("kernel", [(1, 1), (3, 3)])
def test_the_zero_point_goes_through_all_that_keeps_channels_apart(kernel, through):
    net = Net()
    last = THROUGH[through](net, net.conv("image", 6, dead=(0, 4)))
    net.conv(last, 8, kernel=kernel, padding=SAME if kernel == (3, 3) else Padding())
    network = net.network()
    left = assert_exact(network)
    assert left["c0"] == 4 and left[last] == network.tensors[last].channels - 2


@pytest.mark.parametrize("through", sorted(set(THROUGH) - {"a depthwise convolution"}))
def test_another_constant_goes_into_the_bias_where_no_padding_is_read(through):
    net = Net()
    pointwise(net, THROUGH[through](net, net.conv("image", 6, dead=(0, 4), value=CONSTANT)))
    assert assert_exact(net.network())["c0"] == 4


def test_another_constant_stays_where_it_meets_padding():
    net = Net()
    net.conv(net.conv("image", 6, dead=(0, 4), value=CONSTANT), 8)
    assert assert_exact(net.network())["c0"] == 6
    net = Net()
    pointwise(net, net.conv(net.conv("image", 6, dead=(0, 4), value=CONSTANT), 6, groups=6))
    assert assert_exact(net.network())["c0"] == 6


def test_a_fully_connected_layer_takes_a_constant_in():
    net = Net()
    net.conv(net.conv("image", 6, dead=(1,), value=CONSTANT), 3, kernel=SIZE, padding=Padding(), kind=FullyConnected)
    assert assert_exact(net.network())["c0"] == 5


@pytest.mark.parametrize("needs", ["an addition", "the user", "a grouped convolution"])
def test_what_needs_a_channel_keeps_it(needs):
    net = Net()
    inner = net.conv("image", 6, dead=(0, 4))
    if needs == "an addition":
        net.put(Add("a", inner, "image", "a", 1 << 30, 0, 1 << 30, 0, 1 << 30, -17))
    elif needs == "a grouped convolution":
        net.conv(inner, 4, groups=2)
    assert assert_exact(net.network())["c0"] == 6


def test_a_channel_that_one_of_two_readers_needs_stays():
    net = Net()
    inner = net.conv("image", 6, dead=(0, 4))
    net.put(Add("a", pointwise(net, inner), net.conv(inner, 8, groups=2), "a", 1 << 30, 0, 1 << 30, 0, 1 << 30, -17))
    assert assert_exact(net.network())["c0"] == 6


def test_one_channel_is_left_where_all_could_go():
    net = Net()
    pointwise(net, net.conv("image", 6, dead=range(6)))
    assert assert_exact(net.network())["c0"] == 1


def test_what_depends_on_nothing_but_constants_goes_too():
    net = Net()
    inner = pointwise(net, net.conv("image", 2, dead=(0, 1)))
    pointwise(net, inner)
    assert assert_exact(net.network())["c1"] == 1


def test_a_filter_that_a_bound_shows_to_be_clamped_goes():
    net = Net()
    net.conv("image", 6)
    layer = net.layers[0]
    net.layers[0] = replace(layer, bias=np.where(np.arange(6) == 2, -(1 << 24), layer.bias), clamp_min=ZERO)
    net.conv("c0", 8)
    assert assert_exact(net.network())["c0"] == 5


def test_weights_for_a_constant_that_stays_are_cleared():
    net = Net()
    inner = net.conv("image", 6, dead=(0, 4))
    pointwise(net, inner)
    net.put(Concat("j", (inner, "c1"), "j"))
    network = net.network()
    assert assert_exact(network)["c0"] == 6
    assert not eliminate(network).network.layers[1].weights[..., [0, 4]].any()


def test_a_dynamic_mask_loses_the_channel_too():
    for value in (ZERO, CONSTANT):
        net = Net()
        pointwise(net, net.conv("image", 6, dead=(0, 4), value=value))
        network = net.network()
        mask = np.array([True, True, False, True, False, True])
        network = replace(network, layers=(network.layers[0], replace(network.layers[1], dynamic_mask=mask)))
        assert assert_exact(network)["c0"] == 4


def test_filters_that_are_left_can_be_turned_off_and_count_in_the_mask_by_their_new_places():
    net = Net()
    last = pointwise(net, net.conv(net.conv("image", 6, dead=(0, 4)), 6, groups=6))
    net.conv(last, 20)
    network, config = net.network(), CONFIGS["tiny"]
    model = compile_network(network, config)
    for seed in range(6):
        filters = [int(n) for n in np.random.default_rng(seed).integers(0, 16, 1024)]
        expect(network, model, random_images(network, seed)[0], filters)


def test_an_output_that_the_mask_could_turn_off_is_no_constant_for_later_layers():
    """The first filter is always at least 40 without the mask, so the second layer's would be clamped; with it, it is the zero point."""
    first = Conv2D("c0", "image", "c0", np.full((2, 1, 1, 1), 1), [200, 0], [1 << 30] * 2, [1, 1], clamp_min=ZERO)
    second = Conv2D("c1", "c0", "c1", np.full((1, 1, 1, 2), [100, 0]), [0], [1 << 30], [1])
    tensors = {name: TensorInfo(name, 2, 2, channels, zero_point=ZERO) for name, channels in (("image", 1), ("c0", 2), ("c1", 1))}
    network, config = Network("masked", "image", "c1", tensors, (first, second)), CONFIGS["tiny"]
    model = compile_network(network, config)
    for filters in ([15] * 1024, [0] + [15] * 1023, [2] + [15] * 1023):
        expect(network, model, random_images(network, 1)[0], filters)


@pytest.mark.parametrize("seed", range(30))
def test_random_networks_reduced_are_exact(seed):
    network = random_graph(seed, 4)
    images = random_images(network, seed, 2)
    reduced, expected = eliminate(network), execute(network, images)
    got = execute(reduced.network, images)
    for name, values in expected.items():
        np.testing.assert_array_equal(got[name], values[..., list(reduced.kept.get(name, range(values.shape[3])))], err_msg=f"seed {seed}, {name}")


def test_a_network_without_constants_is_unchanged():
    net = Net()
    pointwise(net, net.conv("image", 6))
    network = net.network()
    reduced = eliminate(network)
    assert not reduced.kept and channels(reduced.network) == channels(network)
