# SPDX-License-Identifier: BSD-2-Clause
"""Channels are ordered for the tiles' masks: exactly, never for the worse, and only where the user does not see it."""

from dataclasses import replace

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.errors import UserError
from compiler.eliminate import eliminate
from compiler.expectation import expect
from compiler.ir import FullyConnected, Lookup, Rescale, Softmax, Sums, TensorInfo
from compiler.layout import tensor_places
from compiler.mask_use import Reads, has_masks, mask_use, total
from compiler.order import order_channels
from compiler.program import compile_network
from compiler.reference import execute
from nets.shapes import ds_cnn_network, fire_network, resnet8_network, vww_network
from tests.support.random_networks import random_images
from tests.support.sparse_networks import SparseNet, sparse_graph

TINY, ARTY = CONFIGS["tiny"], CONFIGS["arty-35"]


def steps(network, config):
    """Return the steps of all layers with masks."""
    places, count = tensor_places(network, config.columns), 0
    for layer in filter(has_masks, network.layers):
        reads = Reads(network, layer)
        count += reads.steps(config, reads.masks(config.columns), places[layer.input])
    return count


def assert_exact(network, config, filters=None):
    """The ordered network computes the same in no more steps, and its program too; returns (order of each tensor that has another, CompiledModel)."""
    images, given = random_images(network, 3, 2), eliminate(network)
    found = order_channels(given, config)
    assert steps(found.network, config) <= steps(given.network, config)
    expected, got = execute(network, images), execute(found.network, images)
    for name, values in expected.items():
        np.testing.assert_array_equal(got[name], values[..., list(found.kept.get(name, range(values.shape[3])))], err_msg=name)
    model = compile_network(network, config)
    expect(network, model, images[0], filters)
    return {name: order for name, order in found.kept.items() if list(order) != sorted(order)}, model


def graph(seed, config):
    """Return a sparse random network that fits `config`."""
    options = {} if config is TINY else {"largest_channels": 70, "largest_map": 6, "largest_kernel": 3, "words": 40_000}
    for draw in range(100):
        network = sparse_graph(seed + 1000 * draw, config.columns, **options)
        try:
            compile_network(network, config)
        except UserError:
            continue
        return network
    raise AssertionError(f"seed {seed}: no network fits {config.name}")


@pytest.mark.parametrize("config", [TINY, ARTY], ids=lambda config: config.name)
def test_random_sparse_networks_are_exact_and_take_no_more_steps(config):
    orders = [assert_exact(graph(seed, config), config)[0] for seed in range(12)]
    assert sum(map(bool, orders)) >= 3


@pytest.mark.full
@pytest.mark.parametrize("seed", range(100, 150))
@pytest.mark.parametrize("config", [TINY, ARTY], ids=lambda config: config.name)
def test_many_random_sparse_networks_are_exact_and_take_no_more_steps(config, seed):
    assert_exact(graph(seed, config), config)


THROUGH = {
    "nothing": lambda net, x: x,
    "a max pool": lambda net, x: net.pool(x),
    "an average": lambda net, x: net.average(x),
    "a rescaling": lambda net, x: net.put(Rescale("r", x, "r", 1 << 30, 0)),
    "a table": lambda net, x: net.put(Lookup("t", x, "t", np.arange(-128, 128)[::-1])),
    "a depthwise convolution": lambda net, x: net.conv(x, 64, groups=64),
    "a masked depthwise convolution": lambda net, x: net.conv(x, 64, groups=64, mask=True),
    "a concatenation": lambda net, x: net.concat(net.conv("image", 7), x),
    "a concatenation with itself": lambda net, x: net.concat(x, x),
    "an addition to itself": lambda net, x: net.add(x, x),
}
READERS = {
    "a convolution": lambda net, x: net.conv(x, 10),
    "a masked convolution": lambda net, x: net.conv(x, 10, mask=True),
    "a fully connected layer": lambda net, x: net.conv(x, 10, kind=FullyConnected),
    "sums": lambda net, x: sums(net, x),
}


def sums(net, source):
    shape = net.tensors[source].shape
    net.layers.append(Sums("s", source, "s", net.rng.integers(-127, 128, (5, *shape)), np.zeros(5)))
    net.tensors["s"] = TensorInfo("s", 1, 1, 5, dtype="int32")
    return "s"


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("through", THROUGH)
def test_hidden_kinds_of_filters_are_found_and_every_reader_follows(through, reader):
    net = SparseNet(64)
    first = net.conv("image", 64, classes=4)
    READERS[reader](net, THROUGH[through](net, first))
    network = net.network()
    orders, model = assert_exact(network, ARTY)
    assert first in orders
    use = mask_use(network, model.lowered, ARTY.columns)[0]
    assert use.given == use.dense and use.ordered == use.nonzero == use.dense // 4


def test_channels_stay_in_their_groups_of_writers_and_readers():
    net = SparseNet(64)
    net.conv(net.conv("image", 96, classes=2, groups=2), 30, groups=3)
    orders, model = assert_exact(net.network(), ARTY)
    for groups in (2, 3):
        np.testing.assert_array_equal(orders["c0"] * groups // 96, np.arange(96) * groups // 96)
    assert total(mask_use(net.network(), model.lowered, ARTY.columns)).ordered < total(mask_use(net.network(), model.lowered, ARTY.columns)).given


def test_all_that_meets_in_additions_has_one_order():
    net = SparseNet(64)
    first = net.conv("image", 64, classes=4)
    second = net.add(first, net.conv(first, 64, classes=2, size=1))
    net.conv(net.add(net.pool(second), first), 8)
    orders, _ = assert_exact(net.network(), ARTY)
    assert len(orders) == 5
    for order in orders.values():
        np.testing.assert_array_equal(order, orders["c0"])


@pytest.mark.parametrize("keeps", ["the output", "an addition to the input", "a softmax", "an addition of other parts"])
def test_what_has_to_keep_its_order_is_left_alone(keeps):
    net = SparseNet(64)
    last = net.conv("image", 64, classes=4)
    if keeps == "an addition to the input":
        net.conv(net.add(last, "image"), 8)
    elif keeps == "an addition of other parts":
        net.conv(net.add(net.concat(last, net.conv("image", 16)), net.concat(net.conv("image", 16), net.conv("image", 64, classes=4))), 8)
    elif keeps == "a softmax":
        net.layers.append(Softmax("s", last, "s"))
        net.tensors["s"] = TensorInfo("s", 6, 6, 64, scale=1 / 256, zero_point=-128)
    network, given = net.network(), eliminate(net.network())
    assert order_channels(given, ARTY) is given
    assert_exact(network, ARTY)


def test_channels_that_never_change_are_removed_first():
    net = SparseNet(64)
    net.conv(net.conv("image", 70, classes=4, dead=(3, 20, 41)), 10)
    orders, model = assert_exact(net.network(), ARTY)
    assert len(orders["c0"]) == 67 and [model.placements["c0"].place(channel) for channel in (3, 20, 41)] == [-1] * 3


def test_the_filter_mask_turns_off_the_filters_that_lie_in_its_places():
    net = SparseNet(64)
    net.conv(net.conv("image", 64, classes=4), 10)
    for seed in range(3):
        orders, _ = assert_exact(net.network(), ARTY, [int(word) for word in np.random.default_rng(seed).integers(0, 1 << 16, 1024)])
        assert orders


@pytest.mark.parametrize("runs", [False, True])
def test_a_layer_is_not_ordered_where_its_reader_loses_more_than_it_gains(runs):
    """A reader of which each tile wants a run of 4 channels, a step, takes more steps where these are scattered over several blocks."""
    net = SparseNet(64)
    first = net.conv("image", 64, size=1)
    keeps = np.random.default_rng(1).random((64, 1, 1, 64)) < 0.2
    net.layers[0] = replace(net.layers[0], weights=net.layers[0].weights * keeps)
    net.conv(first, 64)
    if runs:
        wanted = np.arange(64)[:, np.newaxis] // 16 == np.arange(64) // 4
        net.layers[1] = replace(net.layers[1], weights=net.layers[1].weights * wanted[:, np.newaxis, np.newaxis, :])
    given = eliminate(net.network())
    assert (order_channels(given, ARTY) is given) == runs


@pytest.mark.parametrize("network", [fire_network(), resnet8_network(), ds_cnn_network(), vww_network()], ids=lambda network: network.name)
@pytest.mark.parametrize("config", ["arty-35", "arty-100"])
def test_dense_networks_keep_the_order_that_they_have(network, config):
    given = eliminate(network)
    assert order_channels(given, CONFIGS[config]) is given


def test_dense_networks_compile_to_the_same_bytes_as_without_an_order(monkeypatch):
    images = [compile_network(network, ARTY).image for network in (fire_network(), resnet8_network())]
    monkeypatch.setattr("compiler.program.reduce_network", lambda network, config: eliminate(network))
    assert images == [compile_network(network, ARTY).image for network in (fire_network(), resnet8_network())]
