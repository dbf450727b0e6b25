# SPDX-License-Identifier: BSD-2-Clause
"""What --flash writes lies where the FPGA, the BIOS and the firmware look for it; what does not fit its place is refused."""

import json
import struct
import zlib
from types import SimpleNamespace

import pytest

from accel.config import CONFIGS
from accel.errors import UserError
from compiler.binary import build_binary
from firmware.package import HEADER
from nets.images import digits_samples
from nets.zoo import load_model
from targets import arty
from targets.flash import (
    FIRMWARE_OFFSET, FLASH_BYTES, PACKAGE_OFFSET, Part, boot_image, describe, flash_image, flash_parts, write_parts)

# Bytes of the bitstreams by the device's data sheet (UG470).
LARGEST_BITSTREAM = 30_606_304 // 8


@pytest.fixture(scope="module")
def work():
    network = load_model("digits").network
    return SimpleNamespace(network=network, binary=build_binary(network, CONFIGS["arty-35"]), samples=digits_samples(network, 3))


@pytest.fixture
def firmware(tmp_path):
    path = tmp_path / "firmware.bin"
    path.write_bytes(bytes(range(256)) * 40)
    return path


def test_every_bitstream_of_the_board_ends_before_the_firmware():
    assert LARGEST_BITSTREAM < FIRMWARE_OFFSET < PACKAGE_OFFSET < FLASH_BYTES


def test_the_image_holds_each_part_at_its_place_and_is_erased_between(work, firmware):
    boot = boot_image(firmware, firmware.parent)
    parts = flash_parts(b"bitstream", boot, work)
    image = flash_image(parts)
    assert image[:9] == b"bitstream" and set(image[9:FIRMWARE_OFFSET]) == {0xFF}
    # The BIOS's header: length and CRC-32 of what follows, in the CPU's byte order.
    length, crc = struct.unpack_from("<II", image, FIRMWARE_OFFSET)
    code = image[FIRMWARE_OFFSET + 8:FIRMWARE_OFFSET + 8 + length]
    assert code == firmware.read_bytes() and crc == zlib.crc32(code)
    words = dict(zip((name for name, _ in HEADER), struct.unpack_from(f"<{len(HEADER)}I", image, PACKAGE_OFFSET)))
    body = image[PACKAGE_OFFSET + 4 * len(HEADER):]
    assert len(body) == words["bytes"] and zlib.crc32(body) == words["crc"]
    model = PACKAGE_OFFSET + words["model"]
    assert image[model:model + len(work.binary.data)] == work.binary.data
    for i, wanted in enumerate(work.samples.images):
        place = PACKAGE_OFFSET + words["image_table"] + i * words["image_pitch"]
        assert image[place:place + wanted.size] == wanted.tobytes()
    assert describe(parts).splitlines() == ["0x000000 bitstream, 9 bytes", f"0x400000 firmware, {len(boot):,} bytes",
                                            f"0x480000 model and images, {len(image) - PACKAGE_OFFSET:,} bytes"]


def test_a_bitstream_alone_is_all_there_is():
    assert flash_image(flash_parts(b"bits")) == b"bits"


@pytest.mark.parametrize("bitstream, firmware, sentence", [
    (FIRMWARE_OFFSET + 1, 10, "bitstream: 4,194,305 bytes, but the flash has 4,194,304 for it"),
    (10, PACKAGE_OFFSET - FIRMWARE_OFFSET + 1, "firmware: 524,289 bytes, but the flash has 524,288 for it"),
])
def test_what_does_not_fit_its_place_is_refused(bitstream, firmware, sentence):
    with pytest.raises(UserError, match=sentence):
        flash_parts(bytes(bitstream), bytes(firmware))


def test_a_model_that_does_not_fit_the_flash_is_refused(work):
    images = work.samples.images.repeat(20_000, axis=0)
    large = SimpleNamespace(network=work.network, binary=work.binary, samples=SimpleNamespace(images=images))
    with pytest.raises(UserError, match="model and images: .* but the flash has 12,058,624 for it: fewer images by --count"):
        flash_parts(b"", b"", large)


class Programmer:
    """Notes what is written, or fails."""

    def __init__(self, error=None):
        self.error, self.written = error, {}

    def flash(self, address, path):
        """Take a file for a place."""
        if self.error:
            raise self.error
        with open(path, "rb") as file:
            self.written[address] = file.read()


def test_a_board_gets_each_part_at_its_place(tmp_path):
    programmer = Programmer()
    write_parts([Part("a", 0, b"one"), Part("b", FIRMWARE_OFFSET, b"two")], programmer, tmp_path)
    assert programmer.written == {0: b"one", FIRMWARE_OFFSET: b"two"}
    with pytest.raises(UserError, match=r"the board could not be programmed \(no openocd\): it takes Programmer, and the board"):
        write_parts([Part("a", 0, b"one")], Programmer(FileNotFoundError("no openocd")), tmp_path)


@pytest.mark.parametrize("words, sentence", [
    (["--model", "digits"], "--model is for --run --port PORT, or for --flash: give one of them"),
    (["--flash", "--model", "digits"], "a model in the flash wants gateware that reads it: give --with-spi-flash"),
    (["--flash", "--with-spi-flash", "--count", "4"], "--images and --count are for a --model: give one"),
])
def test_what_cannot_be_flashed_is_refused_with_a_sentence(words, sentence):
    with pytest.raises(UserError, match=sentence):
        arty.run(words)


def test_a_model_for_another_accelerator_than_the_bitstreams_is_not_flashed(tmp_path):
    (tmp_path / "gateware").mkdir()
    (tmp_path / "gateware" / "digilent_arty.bin").write_bytes(b"bits")
    (tmp_path / "gateware" / "digilent_arty.config.json").write_text(json.dumps({"name": "arty-100", "hash": CONFIGS["arty-100"].hash}))
    (tmp_path / "firmware").mkdir()
    (tmp_path / "firmware" / "firmware.bin").write_bytes(bytes(1000))
    words = ["--output-dir", str(tmp_path), "--with-spi-flash", "--model", "digits", "--flash-image", str(tmp_path / "flash.img")]
    with pytest.raises(UserError, match="digilent_arty.bin has the accelerator arty-100, not arty-35, .*: give --config arty-100"):
        arty.run(words)


def test_the_command_line_writes_the_image_of_a_whole_flash(tmp_path, capsys):
    (tmp_path / "gateware").mkdir()
    (tmp_path / "gateware" / "digilent_arty.bin").write_bytes(b"bits")
    (tmp_path / "firmware").mkdir()
    (tmp_path / "firmware" / "firmware.bin").write_bytes(bytes(1000))
    words = ["--output-dir", str(tmp_path), "--with-spi-flash", "--model", "digits", "--count", "2", "--flash-image", str(tmp_path / "flash.img")]
    assert arty.run(words) == 0
    image = (tmp_path / "flash.img").read_bytes()
    assert image.startswith(b"bits\xff") and image[PACKAGE_OFFSET:PACKAGE_OFFSET + 4] == b"SNPK"
    assert "0x480000 model and images, " in capsys.readouterr().out
