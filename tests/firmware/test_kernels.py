# SPDX-License-Identifier: BSD-2-Clause
"""The CPU's kernels, compiled for the host and run on model binaries, give every tensor of the unfused network exactly."""

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from accel.config import CONFIGS
from compiler.binary import MODEL_ADDRESS, build_binary
from compiler.expectation import expect
from compiler.ir import Concat, FullyConnected, Network, Padding, Softmax, TensorInfo
from compiler.layout import align
from compiler.reference import execute
from firmware.headers import write_headers
from nets.images import digits_samples
from nets.zoo import load_model
from tests.support.networks import convolution
from tests.support.random_graphs import random_graph
from tests.support.random_networks import random_images, random_network
from tests.support.sparse_networks import sparse_graph
from tests.support.stepped_networks import behind_a_join, ending_in_sums, stepped

ROOT = Path(__file__).parents[2]
SOURCES = ("kernels.c", "add.c", "average_pool2d.c", "conv2d.c", "lookup.c", "max_pool2d.c", "requantise.c", "softmax.c", "sums.c")


@pytest.fixture(scope="module", params=["tiny", "arty-35"])
def harness(request, tmp_path_factory):
    """Return (configuration, the program that runs a model)."""
    directory = tmp_path_factory.mktemp("kernels")
    config = CONFIGS[request.param]
    write_headers(config, directory)
    sources = [str(ROOT / "firmware" / "src" / name) for name in SOURCES] + [str(ROOT / "tests" / "support" / "cpu_harness.c")]
    program = directory / "harness"
    # The firmware's addresses are 32 bits; the harness puts the model where they point.
    subprocess.run(["gcc", "-O2", "-w", f"-I{directory}", f"-I{ROOT / 'firmware' / 'src'}", "-o", str(program), *sources], check=True)
    return config, program


def assert_cpu_equals_reference(harness, directory, network, image):
    config, program = harness
    binary = build_binary(network, config, cpu=True)
    (directory / "model").write_bytes(binary.data)
    (directory / "image").write_bytes(image.tobytes())
    command = [str(program), str(directory / "model"), str(directory / "image"), str(align(binary.end)), str(directory / "memory")]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    memory = (directory / "memory").read_bytes()
    for name, expected in execute(network, image[np.newaxis]).items():
        place = binary.model.placements[name]
        low = place.address - MODEL_ADDRESS
        np.testing.assert_array_equal(place.unpack(memory[low:low + place.bytes]), expected[0], err_msg=name)
    return binary.model, [int(word) for word in said.split()]


@pytest.mark.parametrize("seed", range(12))
def test_random_networks_are_exact(seed, harness, tmp_path):
    network = random_network(seed, harness[0].columns, layers=3)
    assert_cpu_equals_reference(harness, tmp_path, network, random_images(network, seed)[0])


@pytest.mark.parametrize("seed", range(20))
def test_random_graphs_with_additions_and_concatenations_are_exact(seed, harness, tmp_path):
    network = random_graph(seed, harness[0].columns)
    assert_cpu_equals_reference(harness, tmp_path, network, random_images(network, seed)[0])


@pytest.mark.parametrize("seed", range(6))
def test_random_sparse_graphs_whose_channels_the_compiler_orders_are_exact(seed, harness, tmp_path):
    columns = harness[0].columns
    network = sparse_graph(seed, columns, largest_channels=4 * columns)
    assert_cpu_equals_reference(harness, tmp_path, network, random_images(network, seed)[0])


@pytest.mark.parametrize("network", [stepped(), stepped(1, (1, 1), 40), ending_in_sums(), *map(behind_a_join, ("lookup", "softmax", "sums"))],
                         ids=lambda network: network.name)
def test_the_layers_that_are_always_the_cpus_are_exact_and_have_the_checksum_that_is_expected(network, harness, tmp_path):
    image = random_images(network, 3)[0]
    model, checksums = assert_cpu_equals_reference(harness, tmp_path, network, image)
    counters = expect(network, model, image).counters
    order = [layer.name for layer in model.lowered.layers if not isinstance(layer, Concat)]
    for layer, counted in zip(model.layers, counters, strict=True):
        if layer.on_cpu:
            assert checksums[order.index(layer.name)] == counted["checksum"], layer.name


@pytest.mark.parametrize("scale", [2.0 ** -9, 0.0137, 0.171875, 0.6, 3.0, 1e4])
def test_a_softmax_is_exact_at_every_scale(scale, harness, tmp_path):
    for channels in (1, 3, 200):
        identity = convolution((1, 1), channels, channels, (1, 1))
        tensors = identity.tensors | {"out": replace(identity.tensors["out"], scale=scale), "p": TensorInfo("p", 1, 1, channels, 1 / 256, -128)}
        network = Network("softmax", "in", "p", tensors, (*identity.layers, Softmax("softmax", "out", "p")))
        for seed in range(4):
            assert_cpu_equals_reference(harness, tmp_path, network, random_images(network, seed)[0])


SAME = Padding(1, 1, 1, 1)


@pytest.mark.parametrize("network", [
    convolution((9, 9), 3, 40, (5, 5), stride=(2, 2), padding=SAME),
    convolution((7, 9), 70, 40, padding=SAME, pool=True, planar=True, density=0.5),
    convolution((7, 9), 140, 20, padding=SAME, smallest=-128, groups=2),
    convolution((6, 5), 40, 20, padding=SAME, mask=0.5, zero_point=17),
    convolution((3, 4), 10, 30, (3, 4), mask=0.5, planar=True, kind=FullyConnected),
])
def test_what_the_accelerator_packs_fuses_splits_or_masks_is_exact_by_the_cpu(network, harness, tmp_path):
    assert_cpu_equals_reference(harness, tmp_path, network, random_images(network, 1)[0])


def test_digits_is_exact(harness, tmp_path):
    network = load_model("digits").network
    assert_cpu_equals_reference(harness, tmp_path, network, digits_samples(network).images[0])
