# SPDX-License-Identifier: BSD-2-Clause
"""LiteX's own terminal boots the simulated SoC from the boot.json that this project writes."""

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from accel.config import CONFIGS
from compiler.binary import MODEL_ADDRESS, build_binary
from compiler.expectation import expect
from firmware.serial_boot import BootFile, write_boot_files
from firmware.session import Session
from nets.images import digits_samples
from nets.zoo import load_model
from targets.running_soc import BIOS_AGAIN, FIRMWARE_ADDRESS, build_soc
from targets.simulator import Simulation

SECONDS = 1200


@pytest.mark.full
def test_litex_term_boots_firmware_and_model_from_boot_json(tmp_path):
    config, network = CONFIGS["arty-35"], load_model("digits").network
    binary, image = build_binary(network, config), digits_samples(network, 1).images[0]
    directory, firmware = build_soc(config)
    boot = write_boot_files(tmp_path, [BootFile("model.bin", MODEL_ADDRESS, binary.data), BootFile("firmware.bin", FIRMWARE_ADDRESS, firmware)])
    with Simulation(directory, [(FIRMWARE_ADDRESS, BIOS_AGAIN)]) as simulation:
        assert "Booting the device." in _terminal(boot, simulation.port)
        link = simulation.link()
        session, arrived = Session(link.serial, link.check_alive, silence=60, patience=300), []
        session.load_model(binary, arrived.append)
        assert arrived == [len(binary.data)]
        np.testing.assert_array_equal(session.run(image).output, expect(network, binary.model, image).tensors[network.output])
        link.close()


def _terminal(boot, port):
    """Let litex_term boot from `boot` at a port; returns what it said up to the jump."""
    keyboard, stdin = pty.openpty()  # it wants a terminal
    command = [Path(sys.executable).parent / "litex_term", "--safe", "--images", boot, port]
    process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    said, deadline = "", time.monotonic() + SECONDS
    try:
        while "Booting the device." not in said and time.monotonic() < deadline:
            said += os.read(process.stdout.fileno(), 4096).decode(errors="replace")
    finally:
        time.sleep(1)  # the jump is answered
        process.kill()
        process.wait()
        process.stdout.close()
        os.close(keyboard)
        os.close(stdin)
    return said
