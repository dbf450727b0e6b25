# SPDX-License-Identifier: BSD-2-Clause
"""Runs networks on the simulated SoC from tests."""

import contextlib

from accel.config import CONFIGS
from compiler.binary import build_binary
from firmware.build import build_firmware
from firmware.link import Link
from nets.zoo import Samples
from targets.inference_options import Work
from targets.sim import dram_contents
from targets.simulator import Simulation, build_simulator, software_directory


def work_for(network, images, config=CONFIGS["arty-35"]):
    """Return the Work of running int8 `images` through `network`."""
    return Work(config, network, Samples(images), build_binary(network, config, cpu=True))


@contextlib.contextmanager
def running_soc(work):
    """Yield (link, addresses of the images) of a simulated SoC that has booted with `work` in its memory."""
    directory = build_simulator(work.config)
    firmware = build_firmware(work.config, software_directory(directory), directory / "firmware").read_bytes()
    contents, addresses = dram_contents(work, firmware)
    with Simulation(directory, contents) as simulation:
        link = Link(simulation.port, simulation.check_alive)
        link.wait_ready()
        yield link, addresses
        link.close()
