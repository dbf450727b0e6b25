# SPDX-License-Identifier: BSD-2-Clause
"""`--build` of a board whose bitstream Vivado makes: the project, what Vivado reports of it, and the firmware beside it."""

import os
import shutil
from pathlib import Path

from accel.errors import UserError
from targets.board_firmware import write_firmware
from targets.console import console
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
        write_firmware(builder, arguments)
    if missing:
        raise UserError(f"vivado is not on the PATH, so there is no bitstream: install AMD's Vivado (the free edition knows this device) and source "
                        f"its settings64.sh, or copy {gateware} to a machine that has it and run build_{board.top}.sh there")
    if builder.compile_gateware:
        _report(gateware / board.top, arguments)


def _report(stem, arguments):
    """Print what Vivado reports of the design whose files begin with `stem`. Raises UserError where it misses its timing."""
    timing = read_timing(f"{stem}_timing.rpt")
    utilisation, power = read_utilisation(f"{stem}_utilization_place.rpt"), read_power(f"{stem}_power.rpt")
    console().print(reports_table(timing, utilisation, power, f"Vivado on {stem.name}"))
    check_timing(timing, arguments.sys_clk_freq)
