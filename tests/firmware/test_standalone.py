# SPDX-License-Identifier: BSD-2-Clause
"""A board that finds a model in its flash classifies without a host; what does not fit is said, and the firmware serves hosts all the same."""

import struct
import time
import zlib
from dataclasses import replace

import pytest

from accel.config import CONFIGS
from accel.errors import UserError
from compiler.binary import build_binary
from compiler.expectation import expect
from firmware.build import build_firmware
from firmware.built_for import BuiltFor
from firmware.package import HEADER, LABEL_BYTES, build_package
from nets.images import digits_samples
from nets.synthetic import convolution_network
from nets.zoo import load_model, predictions
from targets.running_soc import FIRMWARE_ADDRESS, build_soc
from targets.simulator import Simulation, software_directory
from tests.support.host_firmware import BUTTON_ADDRESS, JOB_CYCLES, HostFirmware, compile_firmware
from tests.support.host_session import CONFIG, changed, jobs_of, session_at

FLASH, SOC_PACKAGE = 0x6000_0000, 0x4F00_0000
NAMES = [name for name, _ in HEADER]
BODY = 4 * len(HEADER)


@pytest.fixture(scope="module")
def flash_program(tmp_path_factory):
    return compile_firmware(CONFIG, tmp_path_factory.mktemp("firmware"), BuiltFor(package=FLASH), "-DBOARD_WITH_FLASH")


@pytest.fixture
def boot(flash_program, tmp_path):
    """Return a function that starts the firmware with a package in its flash; returns (its lines up to @ready, the firmware)."""
    running = []

    def start(package):
        (tmp_path / "package").write_bytes(package)
        firmware = HostFirmware(flash_program, PACKAGE=str(tmp_path / "package"))
        running.append(firmware)
        said = b""
        while b"@ready\n" not in said:
            said += firmware.read(4096)
        return said.decode().split("@ready")[0].splitlines(), firmware
    yield start
    for firmware in running:
        firmware.__exit__()


@pytest.fixture(scope="module")
def package(digits):
    network, binary, images = digits
    return build_package(network, binary, images[:3])


def test_every_image_in_the_flash_is_run_once_before_hosts_are_served(boot, package, digits):
    said, firmware = boot(package)
    # This accelerator computes nothing: every output is 0.
    assert said == [f"@flash image {i}: class 0 0, {JOB_CYCLES} cycles" for i in range(3)]
    session = session_at(firmware)
    assert jobs_of(session) == 3
    session.load_model(digits[1])
    session.run(digits[2][0])


def test_a_press_of_the_button_runs_the_next_image_until_a_host_takes_the_memory(boot, package):
    firmware = boot(package)[1]

    def press():
        link.write_word(BUTTON_ADDRESS, 1)
        said = b""
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline and b"cycles" not in said:
            said += firmware.read(4096)
        link.write_word(BUTTON_ADDRESS, 0)
        time.sleep(0.1)  # or the firmware would not see it
        return said.decode(errors="replace").count("@flash image")

    link = _Console(firmware)
    assert [press() for _ in range(4)] == [1] * 4
    assert jobs_of(session_at(firmware)) == 7
    session_at(firmware).write(0x4180_0000, b"mine")
    assert press() == 0


class _Console:
    """Writes words by the console of a port."""

    def __init__(self, port):
        self.port = port

    def write_word(self, address, word):
        """Poke, without waiting for the answer."""
        self.port.write(f"poke 0x{address:x} {word}\n".encode())


def test_an_erased_flash_is_no_mistake(boot):
    assert boot(b"\xff" * 4096)[0] == []


def with_words(package, **words):
    data = bytearray(package)
    for name, value in words.items():
        struct.pack_into("<I", data, 4 * NAMES.index(name), value)
    return bytes(data)


def repacked(package, binary):
    """Return the package with another model binary of the same size, and the right CRC."""
    place = struct.unpack_from("<I", package, 4 * NAMES.index("model"))[0]
    body = (package[:place] + binary.data + package[place + len(binary.data):])[BODY:]
    return with_words(package, crc=zlib.crc32(body))[:BODY] + body


@pytest.mark.parametrize("spoil, sentence", [
    (lambda package, binary: with_words(package, magic=1), "there is something else than a model in the flash"),
    (lambda package, binary: with_words(package, version=99), "is packed for another firmware: write both again"),
    (lambda package, binary: package[:-100] + bytes([package[-100] ^ 1]) + package[-99:], "the model in the flash is damaged: write it again"),
    (lambda package, binary: repacked(package, changed(binary, config=CONFIGS["tiny"].hash)), "compiled for another configuration"),
    (lambda package, binary: repacked(package, changed(binary, version=4)), "another version than the firmware reads"),
    (lambda package, binary: repacked(package, changed(binary, write_limit=0xFFFF_FFFF)), "do not fit the memory of this board"),
])
def test_what_does_not_fit_is_said_and_nothing_is_run(boot, package, digits, spoil, sentence):
    said, firmware = boot(spoil(package, digits[1]))
    assert len(said) == 1 and said[0].startswith("@flash ") and sentence in said[0]
    assert jobs_of(session_at(firmware)) == 0


def test_a_network_without_classes_is_not_packed():
    network = convolution_network("map", 4, 4, 16, 16)
    with pytest.raises(UserError, match="gives 4 x 4 x 16 numbers, not one for each class"):
        build_package(network, build_binary(network, CONFIG), [])


def test_labels_are_cut_to_their_place(digits):
    network, binary, images = digits
    long = replace(network, labels=tuple(f"{i} " + "x" * 40 for i in range(10)))
    package = build_package(long, binary, images[:1])
    place = struct.unpack_from("<I", package, 4 * NAMES.index("labels"))[0]
    assert package[place:place + LABEL_BYTES] == b"0 " + b"x" * (LABEL_BYTES - 3) + b"\0"


def test_the_whole_soc_classifies_what_it_finds_as_the_golden_model_does(tmp_path):
    """The simulated board has no flash: the package lies in its DRAM from the start."""
    network = load_model("digits").network
    binary, images = build_binary(network, CONFIG), digits_samples(network).images[:4]
    directory, _ = build_soc(CONFIG)
    firmware = build_firmware(CONFIG, software_directory(directory), tmp_path / "firmware", built_for=BuiltFor(package=SOC_PACKAGE)).read_bytes()
    contents = [(FIRMWARE_ADDRESS, firmware), (SOC_PACKAGE, build_package(network, binary, images))]
    with Simulation(directory, contents) as simulation:
        link, said = simulation.link(), []
        while (line := link._line()) != "@ready":
            said.append(line)
        link.close()
    expected = predictions([expect(network, binary.model, image).tensors[network.output] for image in images])
    assert [line.split(",")[0] for line in said if line.startswith("@flash")] == [
        f"@flash image {i}: class {number} {network.labels[number]}" for i, number in enumerate(expected)]
