# SPDX-License-Identifier: BSD-2-Clause
"""`--build` of a board whose bitstream Vivado makes: the project, what Vivado reports of it, and the firmware beside it."""

import os
import shutil
from pathlib import Path

from accel.config import load_config
from accel.errors import UserError
from compiler.binary import MODEL_ADDRESS
from firmware.build import build_firmware
from firmware.built_for import BuiltFor
from firmware.serial_boot import BootFile, write_boot_files
from targets.console import console
from targets.flash import PACKAGE_OFFSET
from targets.running_soc import FIRMWARE_ADDRESS
from targets.vivado_reports import check_timing, read_power, read_timing, read_utilisation, reports_table


def build(board, builder, parser, arguments):
    """Do what --build says with LiteX's Builder for a targets.litex_board.Board, print what came of it.

    Raises UserError where Vivado is not there or fails, or where the design misses its timing.
    """
    gateware = Path(builder.gateware_dir)
    missing = builder.compile_gateware and shutil.which("vivado") is None and not os.getenv("LITEX_ENV_VIVADO")
    if missing:
        builder.compile_gateware = False
    try:
        builder.build(**parser.toolchain_argdict)
    except OSError as error:
        raise UserError(f"Vivado failed ({error}): its last words are above, and in {gateware / 'vivado.log'}") from error
    print(f"the project with configuration {arguments.config} is in {gateware}")
    if builder.compile_software:
        _firmware(builder, arguments)
    if missing:
        raise UserError(f"vivado is not on the PATH, so there is no bitstream: install AMD's Vivado (the free edition knows this device) and source "
                        f"its settings64.sh, or copy {gateware} to a machine that has it and run build_{board.top}.sh there")
    if builder.compile_gateware:
        _report(gateware / board.top, arguments)


def _firmware(builder, arguments):
    """Build the firmware of the SoC, and say how it gets onto the board."""
    directory = Path(builder.output_dir) / "firmware"
    flash = builder.soc.bus.regions.get("spiflash")
    built_for = BuiltFor(clock_hz=int(arguments.sys_clk_freq), baud=arguments.uart_baudrate, package=flash.origin + PACKAGE_OFFSET if flash else 0)
    path = build_firmware(load_config(arguments.config), Path(builder.software_dir), directory, built_for=built_for)
    boot = write_boot_files(directory, [BootFile(path.name, FIRMWARE_ADDRESS, path.read_bytes())])
    print(f"the firmware for it is in {directory}; boot.json: {' '.join(boot.read_text().split())}\n"
          f"send it with: litex_term --images {boot} PORT, then reset the board; models go to 0x{MODEL_ADDRESS:x} by --run --port PORT")


def _report(stem, arguments):
    """Print what Vivado reports of the design whose files begin with `stem`. Raises UserError where it misses its timing."""
    timing = read_timing(f"{stem}_timing.rpt")
    utilisation, power = read_utilisation(f"{stem}_utilization_place.rpt"), read_power(f"{stem}_power.rpt")
    console().print(reports_table(timing, utilisation, power, f"Vivado on {stem.name}"))
    check_timing(timing, arguments.sys_clk_freq)
