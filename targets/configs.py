# SPDX-License-Identifier: BSD-2-Clause
"""`./build.py --configs`: the accelerator's named configurations."""

from rich.table import Table

from accel.config import CONFIGS
from accel.errors import UserError
from targets.console import console


def multipliers(config):
    """Return the DSP48E1 of a core: the grid's, and four for each lane of the requantiser."""
    return config.macs_per_cycle // config.macs_per_multiplier + 4 * config.requantise_lanes


def block_rams(config):
    """Return the BRAM36 of a core: activation buffers, FIFOs, the layers' records, two copies of the filter mask. A BRAM36 is 512 x 72 bits or
    1024 x 36, or two halves of that (7 Series memory resources, UG473)."""
    bits = 8 * config.beat_bytes

    def halves(words):
        return min(-(-words // depth) * -(-bits // width) for depth, width in ((512, 36), (1024, 18)))

    banks = config.clusters * config.beats_per_word * halves(config.activation_words)
    return (banks + halves(config.weight_fifo_beats) + halves(config.output_fifo_beats)) / 2 + 1 + 2 * 0.5


def run(arguments):
    """Print the table; returns the exit status."""
    if arguments:
        raise UserError(f"--configs takes nothing else, but {arguments[0]!r} was given")
    table = Table("configuration", "MAC/cycle", "clusters x columns x lanes", "DSP48E1", "BRAM36", "activation buffers",
                  title="Configurations: the core alone, without CPU and memory controller")
    for config in CONFIGS.values():
        table.add_row(config.name, str(config.macs_per_cycle), f"{config.clusters} x {config.columns} x {config.lanes}",
                      str(multipliers(config)), f"{block_rams(config):g}", f"{config.clusters} x {config.activation_bytes // 1024} KiB")
    console().print(table)
    return 0
