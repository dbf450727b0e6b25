# SPDX-License-Identifier: BSD-2-Clause
"""`./build.py --configs`: the accelerator's named configurations."""

from rich.table import Table

from accel.config import CONFIGS
from accel.errors import UserError
from targets.console import console


def run(arguments):
    """Print the table; returns the exit status."""
    if arguments:
        raise UserError(f"--configs takes nothing else, but {arguments[0]!r} was given")
    table = Table("configuration", "MAC/cycle", "clusters x columns x lanes", "multipliers of the grid", "activation buffers", title="Configurations")
    for config in CONFIGS.values():
        table.add_row(config.name, str(config.macs_per_cycle), f"{config.clusters} x {config.columns} x {config.lanes}",
                      str(config.macs_per_cycle // config.macs_per_multiplier), f"{config.clusters} x {config.activation_bytes // 1024} KiB")
    console().print(table)
    return 0
