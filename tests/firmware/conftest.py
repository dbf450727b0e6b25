# SPDX-License-Identifier: BSD-2-Clause
"""The firmware's own sources, compiled for the host and running, and the digits for it."""

import pytest

from compiler.binary import build_binary
from nets.images import digits_samples
from nets.zoo import load_model
from tests.support.host_firmware import HostFirmware, compile_firmware
from tests.support.host_session import CONFIG


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """Return the path of the program."""
    return compile_firmware(CONFIG, tmp_path_factory.mktemp("firmware"))


@pytest.fixture(scope="module")
def digits():
    """Return (network, ModelBinary with the CPU's weights, images int8 [4, H, W, C])."""
    network = load_model("digits").network
    return network, build_binary(network, CONFIG, cpu=True), digits_samples(network).images[:4]


@pytest.fixture
def firmware(program):
    """Yield the firmware, started anew."""
    with HostFirmware(program) as firmware:
        yield firmware
