# SPDX-License-Identifier: BSD-2-Clause
"""The program of a network, executed by the golden model, gives what the reference gives for the network."""

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.errors import UserError
from accel.golden import Golden
from compiler.ir import Conv2D, Network, Padding, TensorInfo
from compiler.program import compile_network
from compiler.reference import execute
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
