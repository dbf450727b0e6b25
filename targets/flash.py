# SPDX-License-Identifier: BSD-2-Clause
"""What `--flash` writes: the bitstream, the firmware that the BIOS boots, and a model with images, each at its place in the SPI flash."""

from dataclasses import dataclass
from pathlib import Path

from litex.soc.software.crcfbigen import insert_crc

from accel.errors import UserError
from firmware.package import build_package
from targets.programming import programming

# The Arty's 128 Mbit. The largest bitstream, the A7-100's, has 3.9 MB; the firmware's place ends with the model's.
FLASH_BYTES = 16 << 20
FIRMWARE_OFFSET, PACKAGE_OFFSET = 0x40_0000, 0x48_0000
ERASED = b"\xff"


@dataclass(frozen=True)
class Part:
    """`data` that goes to byte `offset` of the flash; what it is: `name`."""

    name: str
    offset: int
    data: bytes


def boot_image(firmware, directory):
    """Return the bytes of the firmware (a path) as LiteX's BIOS boots it from flash: its length, its CRC-32, itself. Writes it to `directory` too."""
    path = Path(directory) / "firmware.fbi"
    insert_crc(str(firmware), fbi_mode=True, o_filename=str(path), little_endian=True)
    return path.read_bytes()


def flash_parts(bitstream, firmware=None, work=None):
    """Return the Parts of a bitstream (bytes), a boot image (bytes) and the package of a Work; those that are None are left out.

    Raises UserError where one does not fit its place.
    """
    parts = [Part("bitstream", 0, bitstream)]
    if firmware is not None:
        parts.append(Part("firmware", FIRMWARE_OFFSET, firmware))
    if work is not None:
        parts.append(Part("model and images", PACKAGE_OFFSET, build_package(work.network, work.binary, work.samples.images)))
    ends = {0: FIRMWARE_OFFSET, FIRMWARE_OFFSET: PACKAGE_OFFSET, PACKAGE_OFFSET: FLASH_BYTES}
    for part in parts:
        room = ends[part.offset] - part.offset
        if len(part.data) > room:
            remedy = "fewer images by --count, or a smaller model" if part.offset == PACKAGE_OFFSET else "there is no remedy: its place is fixed"
            raise UserError(f"{part.name}: {len(part.data):,} bytes, but the flash has {room:,} for it: {remedy}")
    return parts


def flash_image(parts):
    """Return the bytes of the flash up to the end of the last Part; what no part has is erased."""
    image = bytearray()
    for part in parts:
        image += ERASED * (part.offset - len(image)) + part.data
    return bytes(image)


def write_parts(parts, programmer, directory):
    """Write the Parts to a board's flash by one of LiteX's programmers, by way of files in `directory`. Raises UserError where its tool fails."""
    for part in parts:
        path = Path(directory) / f"flash-{part.offset:06x}.bin"
        path.write_bytes(part.data)
        with programming(programmer):
            programmer.flash(part.offset, str(path))


def describe(parts):
    """Return the lines that say what lies where."""
    return "\n".join(f"0x{part.offset:06x} {part.name}, {len(part.data):,} bytes" for part in parts)
