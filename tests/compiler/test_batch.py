# SPDX-License-Identifier: BSD-2-Clause
"""A batch of images shares each layer's weights, fills the grid where maps are small, and gives for each image what it gives alone."""

from dataclasses import replace

import numpy as np
import pytest

from accel import isa
from accel.config import CONFIGS
from accel.errors import UserError
from compiler.binary import build_binary
from compiler.expectation import expect, memory_image
from compiler.ir import AveragePool2D, Concat, FullyConnected, MaxPool2D, Network, Padding, TensorInfo
from compiler.program import compile_network
from compiler.reference import execute
from compiler.stage import stacked
from tests.support.bounded_queues import BoundedQueues
from tests.support.networks import convolution
from tests.support.random_graphs import random_graph
from tests.support.random_networks import random_images, random_network
from tests.support.scheduled_golden import ORDERS, ScheduledGolden
from tests.support.slices import slice_of

ARTY, TINY = CONFIGS["arty-35"], CONFIGS["tiny"]
SAME = Padding(1, 1, 1, 1)


def assert_batch_equals_reference(network, config, batch, seed, orders=(None,)):
    """Compile and run a batch in each order of the engines; returns the CompiledModel."""
    model, images = compile_network(network, config, batch=batch), random_images(network, seed, batch)
    expected = execute(network, images)
    for order in orders:
        memory = memory_image(model, images)
        result = ScheduledGolden(config, memory, model.base, None, order, seed).run(list(model.words), model.read_window, model.write_window)
        assert result.error == 0, f"seed {seed}, batch {batch}: {result}"
        for layer in model.layers:
            place = model.placements[layer.output]
            got = place.unpack(bytes(memory[place.address - model.base:place.address - model.base + place.bytes]))
            wanted = expected[model.copies.get(layer.output, layer.output)]
            np.testing.assert_array_equal(got.reshape(wanted.shape), wanted,
                                          err_msg=f"seed {seed}, batch {batch}, order {order}, layer {layer.name}")
    return model


def fitting_network(seed, config, batch):
    """Return a network drawn from `seed`; what does not fit the configuration is drawn again."""
    for draw in range(20):
        network = random_network(seed + 1000 * draw, config.columns, layers=4, branches=seed % 3 == 1, largest_map=9)
        try:
            compile_network(network, config, batch=batch)
            return network
        except UserError:
            continue
    raise AssertionError(f"seed {seed}: no network fits")


@pytest.mark.parametrize("seed", slice_of(range(100), 4))
@pytest.mark.parametrize("config", ["tiny", "small-16", "arty-35", "arty-100"])
def test_a_batch_of_a_random_network_is_exact(config, seed):
    sized = replace(CONFIGS[config], activation_words=CONFIGS[config].activation_words // (1, 2)[seed % 2])
    batch = (2, 3, 5, 8)[seed % 4]
    network = fitting_network(seed, sized, batch)
    model = assert_batch_equals_reference(network, sized, batch, seed, (ORDERS[seed % 3], None))
    assert BoundedQueues(sized, model.words).left_over() == (0, 0), f"{config}, seed {seed}"


@pytest.mark.parametrize("seed", slice_of(range(160), 8))
@pytest.mark.parametrize("batch", [2, 3])
@pytest.mark.parametrize("config", ["tiny", "arty-35"])
def test_a_batch_of_a_random_graph_of_all_operators_is_exact(config, batch, seed):
    network = random_graph(seed, CONFIGS[config].columns)
    model = assert_batch_equals_reference(network, CONFIGS[config], batch, seed, (ORDERS[seed % 3], None))
    assert BoundedQueues(CONFIGS[config], model.words).left_over() == (0, 0), f"{config}, seed {seed}"


@pytest.mark.parametrize("padding", [Padding(), SAME, Padding(0, 1, 1, 0)])
@pytest.mark.parametrize("size", [(2, 3), (6, 6), (17, 9)])
@pytest.mark.parametrize("config", ["tiny", "arty-35", "arty-100"])
def test_a_batch_of_averages_divides_by_the_places_of_each_images_own_windows(config, size, padding):
    height, width = (edge + before - 1 for edge, before in zip(size, (padding.top + padding.bottom, padding.left + padding.right), strict=True))
    layer = AveragePool2D("mean", "in", "out", (2, 2), (1, 1), padding)
    network = Network("means", "in", "out", {"in": TensorInfo("in", *size, 70), "out": TensorInfo("out", height, width, 70)}, (layer,))
    assert_batch_equals_reference(network, CONFIGS[config], 3, 1)


@pytest.mark.parametrize("options", [
    {}, {"pool": True}, {"stride": (2, 2)}, {"kernel": (2, 2), "padding": Padding(), "stride": (2, 2)}, {"size": (7, 5), "pool": True}, {"size": (30, 30)}])
@pytest.mark.parametrize("config", ["tiny", "arty-35", "arty-100"])
def test_a_batch_of_any_depthwise_window_is_exact(config, options):
    options = {"size": (6, 6), "channels": 40, "outputs": 40, "groups": 40, "padding": SAME, "zero_point": 17, **options}
    assert_batch_equals_reference(convolution(**options), CONFIGS[config], 3, 3)


def test_small_maps_of_several_images_fill_the_grid_of_a_depthwise_layer_too():
    network, config = convolution((4, 4), 16, 16, padding=SAME, groups=16), CONFIGS["arty-100"]
    one, eight = compile_network(network, config), compile_network(network, config, batch=8)
    assert eight.layers[0].plan.cycles / 8 < 0.65 * one.layers[0].plan.cycles


def test_a_concatenations_parts_hold_all_images_of_a_plane_together():
    layers = MaxPool2D("a", "in", "x", (1, 1), (1, 1)), MaxPool2D("b", "in", "y", (1, 1), (1, 1)), Concat("join", ("x", "y"), "out")
    tensors = {name: TensorInfo(name, 4, 5, channels) for name, channels in (("in", 20), ("x", 20), ("y", 20), ("out", 40))}
    model = assert_batch_equals_reference(Network("join", "in", "out", tensors, layers), ARTY, 3, 1)
    assert model.placements["out"].shape == (12, 5, 40) and model.placements["out"].place(20) == 32
    assert model.placements["y"].address == model.placements["out"].address + 2 * 3 * 4 * 5 * 16


@pytest.mark.parametrize("options", [
    {}, {"pool": True}, {"planar": True}, {"stride": (2, 2)}, {"kernel": (1, 1), "padding": Padding()},
    {"kernel": (2, 2), "padding": Padding(), "stride": (2, 2)},
    {"mask": 0.5}, {"channels": 3}, {"channels": 3, "pool": True}, {"padding": Padding(0, 1, 2, 0)}, {"size": (7, 5), "pool": True}])
@pytest.mark.parametrize("config", ["tiny", "arty-35", "arty-100"])
def test_a_batch_of_any_window_is_exact(config, options):
    options = {"size": (6, 6), "channels": 20, "outputs": 24, "padding": SAME, "zero_point": 17, **options}
    assert_batch_equals_reference(convolution(**options), CONFIGS[config], 5, 3)


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("size, channels", [((1, 1), 70), ((3, 4), 10), ((17, 2), 5)])
def test_fully_connected_layers_take_each_images_bytes(size, channels, planar):
    network = convolution(size, channels, 30, size, planar=planar, kind=FullyConnected)
    assert_batch_equals_reference(network, ARTY, 4, 1)


def test_a_pool_whose_windows_do_not_reach_the_map_evenly_goes_image_by_image():
    tensors = {"in": TensorInfo("in", 7, 7, 20), "out": TensorInfo("out", 3, 3, 20)}
    network = Network("pool", "in", "out", tensors, (MaxPool2D("pool", "in", "out", (3, 3), (2, 2)),))
    model = assert_batch_equals_reference(network, ARTY, 3, 1)
    assert sum(isa.decode(word)[0] == "POOL" for word in model.words) == 2 * 3


def weight_beats(model):
    return sum(values["beats"] for name, values in map(isa.decode, model.words) if name == "WEIGHTS")


def test_a_large_fully_connected_layer_streams_its_weights_once_for_the_batch():
    network = convolution((1, 1), 4096, 1024, (1, 1), kind=FullyConnected)
    one, eight = compile_network(network, ARTY), compile_network(network, ARTY, batch=8)
    assert weight_beats(eight) == weight_beats(one)
    assert eight.layers[0].plan.cycles < 1.02 * one.layers[0].plan.cycles
    assert eight.layers[0].macs == 8 * 4096 * 1024


def test_small_maps_of_several_images_fill_the_grid():
    network, config = convolution((4, 4), 64, 64, padding=SAME), CONFIGS["arty-100"]
    one, eight = compile_network(network, config), compile_network(network, config, batch=8)
    assert eight.layers[0].plan.cycles / 8 < 0.65 * one.layers[0].plan.cycles


def test_windows_that_walk_evenly_see_one_high_map():
    layer = convolution((8, 8), 16, 16, (2, 2), stride=(2, 2)).layers[0]
    assert stacked(layer, (8, 8, 16), (4, 4, 16), 3) == ((24, 8, 16), (12, 4, 16), 1)
    assert stacked(layer, (9, 8, 16), (4, 4, 16), 3) == ((9, 8, 16), (4, 4, 16), 3)
    assert stacked(layer, (6, 8, 16), (3, 4, 16), 3, pool=True) == ((6, 8, 16), (3, 4, 16), 3)
    assert stacked(layer, (8, 8, 16), (4, 4, 16), 600) == ((8, 8, 16), (4, 4, 16), 600)


def test_the_expectation_of_a_batch_has_all_images():
    network = convolution((6, 6), 8, 12, padding=SAME)
    images = random_images(network, 1, 3)
    expectation = expect(network, compile_network(network, TINY, batch=3), images)
    np.testing.assert_array_equal(expectation.tensors["out"].reshape(3, 6, 6, 12), execute(network, images)["out"])


def test_a_batch_of_no_image_and_one_for_the_cpu_are_refused():
    network = convolution((6, 6), 8, 12)
    with pytest.raises(UserError, match="at least 1 image, not 0"):
        compile_network(network, TINY, batch=0)
    with pytest.raises(UserError, match="leave out --cpu, or --batch 2"):
        build_binary(network, ARTY, cpu=True, batch=2)
