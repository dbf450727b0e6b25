# SPDX-License-Identifier: BSD-2-Clause
"""The firmware of a board's SoC, beside the project that `--build` wrote."""

from pathlib import Path

from accel.config import load_config
from compiler.memory_map import FIRMWARE_ADDRESS, MODEL_ADDRESS
from firmware.build import build_firmware
from firmware.built_for import BuiltFor
from firmware.link import FIRST_BAUD
from firmware.serial_boot import BootFile, write_boot_files
from targets.flash import PACKAGE_OFFSET


def write_firmware(builder, arguments):
    """Build the firmware of the SoC of LiteX's Builder, and say how it gets onto the board."""
    directory = Path(builder.output_dir) / "firmware"
    flash = builder.soc.bus.regions.get("spiflash")
    built_for = BuiltFor(clock_hz=int(arguments.sys_clk_freq), baud=arguments.uart_baudrate, package=flash.origin + PACKAGE_OFFSET if flash else 0)
    path = build_firmware(load_config(arguments.config), Path(builder.software_dir), directory, built_for=built_for)
    boot = write_boot_files(directory, [BootFile(path.name, FIRMWARE_ADDRESS, path.read_bytes())])
    speed = baudrate = ""
    if arguments.uart_baudrate != FIRST_BAUD:
        speed, baudrate = f" --speed {arguments.uart_baudrate}", f" --uart-baudrate {arguments.uart_baudrate}"
    print(f"the firmware for it is in {directory}; boot.json: {' '.join(boot.read_text().split())}\n"
          f"send it with: litex_term{speed} --images {boot} PORT, then reset the board; models go to 0x{MODEL_ADDRESS:x} by --run --port PORT{baudrate}")
