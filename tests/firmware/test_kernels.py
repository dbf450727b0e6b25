# SPDX-License-Identifier: BSD-2-Clause
"""The CPU's kernels, compiled for the host and run on model binaries, give every tensor of the unfused network exactly."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from accel.config import CONFIGS
from compiler.binary import MODEL_ADDRESS, build_binary
from compiler.ir import FullyConnected, Padding
from compiler.layout import align
from compiler.reference import execute
from firmware.headers import write_headers
from nets.images import digits_samples
from nets.zoo import load_model
from tests.support.networks import convolution
from tests.support.random_graphs import random_graph
from tests.support.random_networks import random_images, random_network

ROOT = Path(__file__).parents[2]
SOURCES = ("add.c", "average_pool2d.c", "conv2d.c", "max_pool2d.c", "requantise.c")


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
    subprocess.run([str(program), str(directory / "model"), str(directory / "image"), str(align(binary.end)), str(directory / "memory")], check=True)
    memory = (directory / "memory").read_bytes()
    for name, expected in execute(network, image[np.newaxis]).items():
        place = binary.model.placements[name]
        low = place.address - MODEL_ADDRESS
        np.testing.assert_array_equal(place.unpack(memory[low:low + place.bytes]), expected[0], err_msg=name)


@pytest.mark.parametrize("seed", range(12))
def test_random_networks_are_exact(seed, harness, tmp_path):
    network = random_network(seed, harness[0].columns, layers=3)
    assert_cpu_equals_reference(harness, tmp_path, network, random_images(network, seed)[0])


@pytest.mark.parametrize("seed", range(20))
def test_random_graphs_with_additions_and_concatenations_are_exact(seed, harness, tmp_path):
    network = random_graph(seed, harness[0].columns)
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
