# SPDX-License-Identifier: BSD-2-Clause
"""`--build` of a board whose bitstream Vivado makes: the project, what Vivado reports of it, and the firmware beside it."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from accel.config import load_config
from accel.errors import UserError
from targets.board_firmware import write_firmware
from targets.console import console
from targets.synthesis import use_copies
from targets.vivado_reports import check_timing, read_power, read_timing, read_utilisation, reports_table

# What --load and --flash take.
_BITSTREAMS = (".bit", ".bin")


def build(board, builder, parser, arguments):
    """Do what --build says with LiteX's Builder for a targets.litex_board.Board, print what came of it.

    Raises UserError where Vivado is not there or fails, or where the design misses its timing.
    """
    gateware = Path(builder.gateware_dir)
    stem = gateware / board.top
    builder.build(**parser.toolchain_argdict, run=False)
    use_copies(stem.with_suffix(".tcl"))
    _note_config(stem, load_config(arguments.config))
    print(f"the project with configuration {arguments.config} is in {gateware}")
    if builder.compile_software:
        write_firmware(builder, arguments)
    if not builder.compile_gateware:
        return
    if shutil.which("vivado") is None and not os.getenv("LITEX_ENV_VIVADO"):
        raise UserError(f"vivado is not on the PATH, so there is no bitstream: install AMD's Vivado (the free edition knows this device) and source "
                        f"its settings64.sh, or copy {gateware} to a machine that has it and run build_{board.top}.sh there")
    _remove_bitstreams(stem)
    if status := subprocess.run(["bash", f"build_{board.top}.sh"], cwd=gateware).returncode:
        _remove_bitstreams(stem)
        raise UserError(f"Vivado failed (status {status}): its last words are above, and in {gateware / 'vivado.log'}")
    _report(stem, arguments)


def _report(stem, arguments):
    """Print what Vivado reports of the design whose files begin with `stem`. Raises UserError where it misses its timing."""
    timing = read_timing(f"{stem}_timing.rpt")
    utilisation, power = read_utilisation(f"{stem}_utilization_place.rpt"), read_power(f"{stem}_power.rpt")
    console().print(reports_table(timing, utilisation, power, f"Vivado on {stem.name}"))
    try:
        check_timing(timing, arguments.sys_clk_freq)
    except UserError:
        for path in _bitstreams(stem):
            path.rename(path.with_suffix(f".slow{path.suffix}"))
        raise


def _bitstreams(stem):
    return [path for path in map(stem.with_suffix, _BITSTREAMS) if path.exists()]


def _remove_bitstreams(stem):
    for path in _bitstreams(stem):
        path.unlink()


def _note_config(stem, config):
    """Write beside the project whose files begin with `stem` which AccelConfig it has; a bitstream of another one does not stay."""
    noted = noted_config(stem)
    if noted and noted["hash"] != config.hash:
        _remove_bitstreams(stem)
    stem.with_suffix(".config.json").write_text(json.dumps({"name": config.name, "hash": config.hash}))


def noted_config(stem):
    """Return {"name", "hash"} of the configuration of the project whose files begin with `stem`; None where nobody wrote it."""
    path = stem.with_suffix(".config.json")
    return json.loads(path.read_text()) if path.exists() else None
