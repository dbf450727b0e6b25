# SPDX-License-Identifier: BSD-2-Clause
"""The program of a network, executed by the golden model, gives what the reference gives for the network."""

from dataclasses import replace

import numpy as np
import pytest

from accel import isa
from accel.config import CONFIGS
from accel.errors import UserError
from accel.golden import Golden
from compiler.ir import Conv2D, FullyConnected, Network, Padding, TensorInfo
from compiler.program import compile_network
from compiler.reference import execute
from tests.support.networks import convolution
from tests.support.random_networks import random_images, random_network


def run_golden(model, image):
    """Return (Result, {tensor: int8 [H, W, C]}) of one inference."""
    memory = bytearray(model.image.ljust(model.end - model.base, b"\0"))
    source = next(iter(model.placements.values()))
    memory[source.address - model.base:source.address - model.base + source.bytes] = source.pack(image)
    result = Golden(model.config, memory, model.base).run(list(model.words), model.read_window, model.write_window)
    return result, {name: place.unpack(bytes(memory[place.address - model.base:place.address - model.base + place.bytes]))
                    for name, place in model.placements.items()}


def assert_program_equals_reference(network, config, seed):
    images = random_images(network, seed)
    model = compile_network(network, config)
    result, tensors = run_golden(model, images[0])
    assert result.error == 0, f"seed {seed}: {result}"
    expected = execute(network, images)
    for layer in model.layers:
        np.testing.assert_array_equal(tensors[layer.output], expected[layer.output][0], err_msg=f"seed {seed}, layer {layer.name}")
    return result


@pytest.mark.parametrize("config", ["tiny", "small-16", "arty-35"])
@pytest.mark.parametrize("seed", range(60))
def test_one_random_layer_is_exact(seed, config):
    config = CONFIGS[config]
    assert_program_equals_reference(random_network(seed, config.columns), config, seed)


@pytest.mark.parametrize("seed", range(100, 120))
def test_a_chain_of_random_layers_is_exact(seed):
    assert_program_equals_reference(random_network(seed, CONFIGS["tiny"].columns, layers=4), CONFIGS["tiny"], seed)


def one_convolution(kernel, channels, outputs, size, **options):
    rng = np.random.default_rng(7)
    layer = Conv2D("conv", "in", "out", rng.integers(-127, 128, (outputs, *kernel, channels // options.get("groups", 1))),
                   rng.integers(-5000, 5000, outputs), rng.integers(1 << 30, 1 << 31, outputs), np.full(outputs, -9), **options)
    tensors = {"in": TensorInfo("in", *size, channels, zero_point=-128),
               "out": TensorInfo("out", *layer.output_shape((*size, channels)), zero_point=-3)}
    return Network("one", "in", "out", tensors, (layer,))


@pytest.mark.parametrize("kernel, channels, outputs, size, options", [
    ((11, 11), 3, 12, (31, 31), {"stride": (4, 4)}),
    ((1, 1), 600, 9, (3, 5), {}),
    ((3, 3), 64, 8, (9, 40), {"padding": Padding(1, 1, 1, 1)}),
    ((5, 5), 24, 16, (9, 9), {"padding": Padding(2, 2, 2, 2), "groups": 2}),
    ((2, 3), 8, 4, (1, 70), {"padding": Padding(1, 0, 1, 2), "stride": (3, 1)}),
])
def test_layers_larger_than_the_buffers_are_cut_and_exact(kernel, channels, outputs, size, options):
    assert_program_equals_reference(one_convolution(kernel, channels, outputs, size, **options), CONFIGS["tiny"], 7)


def test_a_dense_layer_does_every_mac_and_a_pruned_one_fewer():
    network = one_convolution((3, 3), 16, 8, (6, 6), padding=Padding(1, 1, 1, 1))
    dense = assert_program_equals_reference(network, CONFIGS["tiny"], 1).records[0]["macs"]
    assert dense == network.layers[0].macs((6, 6, 16))
    weights = network.layers[0].weights.copy()
    weights[:, :, :, ::2] = 0
    layer = network.layers[0]
    pruned = Conv2D("conv", "in", "out", weights, layer.bias, layer.multipliers, layer.shifts, padding=layer.padding)
    network = Network("pruned", "in", "out", network.tensors, (pruned,))
    assert assert_program_equals_reference(network, CONFIGS["tiny"], 1).records[0]["macs"] == dense // 2


def test_a_window_that_no_buffer_holds_is_refused_with_its_layer():
    with pytest.raises(UserError, match="'conv'.*activation_words"):
        compile_network(one_convolution((30, 30), 8, 4, (40, 40)), CONFIGS["tiny"])


def test_a_kernel_beyond_the_instruction_set_is_refused_with_its_layer():
    with pytest.raises(UserError, match="'conv'.*kernel_width"):
        compile_network(one_convolution((1, 70), 8, 4, (1, 80)), CONFIGS["tiny"])


SAME = Padding(1, 1, 1, 1)


def plan_of(network, config):
    return compile_network(network, CONFIGS[config]).layers[-1].plan


@pytest.mark.parametrize("config", ["tiny", "small-16", "arty-35"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("kernel, stride, padding", [
    ((3, 3), (1, 1), SAME), ((5, 7), (2, 3), Padding(2, 3, 0, 1)), ((11, 11), (4, 4), Padding()), ((2, 5), (1, 2), Padding(0, 4, 1, 4))])
def test_few_input_channels_are_packed_and_exact(kernel, stride, padding, channels, config):
    for density, size in ((1.0, (14, 17)), (0.6, (23, 12))):
        network = convolution(size, channels, 20, kernel, stride=stride, padding=padding, density=density, zero_point=17)
        assert_program_equals_reference(network, CONFIGS[config], 3)


def test_a_wide_kernel_over_rgb_is_packed():
    assert plan_of(convolution((64, 64), 3, 96, (11, 11), stride=(4, 4)), "arty-35").geometry.window.packed
    assert not plan_of(convolution((64, 64), 3, 96, (11, 11), stride=(4, 4), planar=True), "arty-35").geometry.window.packed
    assert not plan_of(convolution((16, 16), 64, 64), "arty-35").geometry.window.packed


@pytest.mark.parametrize("config", ["tiny", "arty-35"])
@pytest.mark.parametrize("zero_point", [-128, 0, 17])
@pytest.mark.parametrize("options", [
    {}, {"stride": (2, 1)}, {"planar": True}, {"groups": 2}, {"pool": True}, {"density": 0.5}, {"kernel": (1, 1), "padding": Padding()}])
def test_a_dynamic_mask_counts_cleared_channels_as_their_zero_point(options, zero_point, config):
    options = {"kernel": (3, 3), "padding": SAME, **options}
    for seed, share in enumerate((0.0, 0.5, 1.0)):
        network = convolution((9, 10), 40, 40, mask=share, zero_point=zero_point, seed=seed, **options)
        result = assert_program_equals_reference(network, CONFIGS[config], seed)
        if not options.get("density"):
            layer = network.layers[-1 - bool(options.get("pool"))]
            assert (max(record["macs"] for record in result.records.values()) > 0) == layer.dynamic_mask.any()


def test_a_dynamic_mask_over_passes_and_one_of_a_fully_connected_layer_are_exact():
    network = convolution((12, 12), 250, 12, (3, 3), padding=SAME, mask=0.5, zero_point=17)
    assert len(plan_of(network, "tiny").tiling.passes) > 1
    assert_program_equals_reference(network, CONFIGS["tiny"], 1)
    for planar in (False, True):
        network = convolution((3, 4), 10, 30, (3, 4), mask=0.5, planar=planar, zero_point=-128, kind=FullyConnected)
        assert_program_equals_reference(network, CONFIGS["arty-35"], 1)


def test_a_dynamic_mask_of_too_many_channels_is_refused():
    with pytest.raises(UserError, match="'conv' has a dynamic mask for 1025 channels, but at most 1024"):
        compile_network(convolution((1, 1), 1025, 16, (1, 1), mask=0.5), CONFIGS["arty-35"])


def test_a_layer_without_any_weights_is_exact():
    network = convolution((20, 20), 130, 40, padding=SAME, density=0.0)
    assert_program_equals_reference(network, CONFIGS["tiny"], 1)


def test_the_stores_of_a_fully_connected_layer_are_one():
    model = compile_network(convolution((2, 2), 16, 700, (2, 2), kind=FullyConnected), CONFIGS["arty-35"])
    stores = [values for name, values in map(isa.decode, model.words) if name == "STORE"]
    assert [values["beats"] for values in stores] == [44]


def test_a_layer_says_what_it_is_before_each_tile_once():
    model = compile_network(convolution((16, 16), 128, 128, (3, 3), padding=SAME), CONFIGS["arty-35"])
    names = [isa.decode(word)[0] for word in model.words]
    plan = model.layers[0].plan
    tiles = len(plan.streams) * len(plan.tiling.strips[0].rounds)
    assert names.count("WEIGHTS") == names.count("CONV") == tiles
    assert names.count("SHAPE") == names.count("WALK") == names.count("DRAIN") == 1


@pytest.mark.parametrize("words", [1024, 4096])
def test_a_map_higher_than_an_instruction_can_say_is_cut(words):
    config = replace(CONFIGS["arty-35"], activation_words=words)
    network = convolution((5000, 1), 16, 16, (1, 1))
    compile_network(network, config)
