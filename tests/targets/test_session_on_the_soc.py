# SPDX-License-Identifier: BSD-2-Clause
"""The whole simulated SoC through its pseudo-terminal: firmware and model by LiteX's serial boot, then by frames images classified, counters, steps, and
the console beside them."""

from dataclasses import replace

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.errors import UserError
from compiler.binary import HEADER, MODEL_ADDRESS, build_binary
from compiler.expectation import expect
from firmware.serial_boot import BootFile
from firmware.session import Session
from nets.images import digits_samples
from nets.zoo import load_model
from targets.running_soc import FIRMWARE_ADDRESS, booted_soc, build_soc

CONFIG = CONFIGS["arty-35"]


@pytest.mark.parametrize("count", [20])
def test_the_digits_come_by_the_serial_boot_and_every_answer_by_frames_is_the_golden_models(count):
    network = load_model("digits").network
    binary, images = build_binary(network, CONFIG), digits_samples(network).images[:count]
    directory, firmware = build_soc(CONFIG)
    files = [BootFile("model.bin", MODEL_ADDRESS, binary.data), BootFile("firmware.bin", FIRMWARE_ADDRESS, firmware)]
    with booted_soc(directory, files, "uart") as link:
        # The line loses nothing: silence only means that the machine is busy.
        session = Session(link.serial, link.check_alive, silence=60, patience=300)
        version = 4 * [name for name, _ in HEADER].index("version")
        other = binary.data[:version] + bytes(4) + binary.data[version + 4:]
        with pytest.raises(UserError, match="another version than the firmware reads"):
            session.load_model(replace(binary, data=other))
        arrived = []
        session.load_model(binary, arrived.append)
        assert arrived == [len(binary.data)], "the model came by the serial boot, but was sent again"
        for image in images:
            expectation = expect(network, binary.model, image)
            run = session.run(image)
            np.testing.assert_array_equal(run.output, expectation.tensors[network.output])
            layers = session.counters()
            assert [layer.record["checksum"] for layer in layers] == [counters["checksum"] for counters in expectation.counters]
            assert sum(layer.cycles for layer in layers) == run.cycles < run.end_to_end
        for _ in range(2):
            session.release()
            assert link.command("help")[0][:2] == ["help", "run"]
            assert session.read(MODEL_ADDRESS, 64) == binary.data[:64]
        assert session.repeated == 0
        session.start(images[0])
        step = session.step()
        assert step.last and step.layers == ("conv1", "conv2+pool", "conv3", "dense") and step.cycles > 0
        for name, expected in expect(network, binary.model, images[0]).tensors.items():
            if name in binary.model.placements and name in {layer.output for layer in binary.model.layers}:
                np.testing.assert_array_equal(session.tensor(name), expected, err_msg=name)
        session.release()
        link.command("exit")
