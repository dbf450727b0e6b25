#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Area and depth: the whole SoC by Yosys against its device, the core's longest path, and (--pnr) a small core's clock on an ECP5."""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from targets.venv import enter
    enter()

from rich.table import Table

from accel.config import CONFIGS
from accel.errors import UserError
from bench.bars import Bar, add_options, chosen, conclude
from bench.ecp5 import CONFIG as ECP5_CONFIG
from bench.ecp5 import place_and_route
from targets.arty import BOARD
from targets.blocks import block_of, blocks_of_cells, resources_by_block
from targets.console import console
from targets.litex_board import soc_netlist
from targets.netlist import count, longest_path, lut_ram_bits, read_netlist
from targets.resources import block_table, device_table
from targets.synthesis import CORE_TOP, core_netlist


@dataclass(frozen=True)
class Device:
    """A board variant and the most that the whole SoC may take of its device."""

    variant: str
    dsp: int
    bram36: int
    lut: int


DEVICES = {"arty-35": Device("a7-35", 90, 50, 18_700), "arty-100": Device("a7-100", 236, 125, 50_700)}
MOST_CELLS = 14
BLOCK_ROWS = 40
SUMS = ("pe_grid", "sums")  # in the names of the memories that hold partial sums
SOC_ROWS = ("dsp", "bram36", "lut", "sums-lut-ram")
PATH_ROW, PNR_ROW, CROSSINGS = "path-cells", "ecp5-fmax", "ecp5-crossings"


def row_name(row, config):
    """Return the name of a row of the configuration `config` (a key of DEVICES); the first one's rows have no suffix."""
    return row if config == next(iter(DEVICES)) else f"{row}@{config}"


ROWS = (*(row_name(row, config) for config in DEVICES for row in (*SOC_ROWS, PATH_ROW)), PNR_ROW)


def soc_bars(name):
    """Synthesise the whole SoC of a configuration, print what it takes of the device, and return its bars."""
    device, config = DEVICES[name], CONFIGS[name]
    netlist, variant, _ = soc_netlist(BOARD, ["--config", name, "--variant", device.variant])
    console().print(device_table(netlist, variant, f"the whole SoC, {name}"))
    taken = count(netlist.cells)
    sums = config.clusters * config.columns * 2 * config.tile_pixels * config.accumulator_bits
    figures = (("dsp", device.dsp, taken.dsp, "DSP48E1", "lower"), ("bram36", device.bram36, taken.bram36, "BRAM36", "lower"),
               ("lut", device.lut, taken.lut, "LUTs", "lower"), ("sums-lut-ram", sums, lut_ram_bits(netlist.cells, SUMS), "bits", "higher"))
    return [Bar(row_name(row, name), name, *figure) for row, *figure in figures]


def path_bar(name):
    """Synthesise the core of a configuration alone, print where its LUTs go and its longest path, and return the bar of the path."""
    netlist = read_netlist(core_netlist(CONFIGS[name]), CORE_TOP)
    rows = resources_by_block(netlist)
    console().print(block_table([("the whole core", count(netlist.cells)), *rows[:BLOCK_ROWS]],
                                f"the core of {name} by blocks, about (the {min(BLOCK_ROWS, len(rows))} largest)"))
    path, blocks = longest_path(netlist), blocks_of_cells(netlist, 3)
    table = Table(f"the longest path of {name}: {len(path.cells)} cells", "in, about", "drives", "reads besides")
    table.add_row("from", block_of(path.begin, 3), path.begin, "")
    for cell in path.cells:
        more = f" and {len(cell.beside) - 2} more" if len(cell.beside) > 2 else ""
        table.add_row(cell.kind, blocks[cell.cell], cell.net, ", ".join(cell.beside[:2]) + more)
    table.add_row("to", block_of(path.end, 3), path.end, "")
    console().print(table)
    return Bar(row_name(PATH_ROW, name), name, MOST_CELLS, len(path.cells), "cells", "lower")


def pnr_bars():
    """Place and route the core on the ECP5, print the path that limits its clock, and return its bars: the clock, and
    how many block boundaries the path crosses."""
    timing = place_and_route()
    table = Table(f"the critical path on the ECP5: {timing.mhz:.1f} MHz", "ns", "in", "to the cell")
    for delay in timing.path:
        table.add_row(delay.kind, f"{delay.nanoseconds:.2f}", delay.block or "", delay.cell)
    console().print(table)
    crossed = len(timing.blocks) - 1
    print(f"it crosses {crossed} block boundaries: {' -> '.join(timing.blocks)}")
    return [Bar(PNR_ROW, ECP5_CONFIG.name, 60, timing.mhz, "MHz", "higher"),
            Bar(CROSSINGS, ECP5_CONFIG.name, 1, crossed, "block boundaries", "lower")]


def main(words=None):
    """Print the bars that the command line asks for; returns the exit status: 0 where all hold, 1 where one is missed, 2 for an error."""
    parser = argparse.ArgumentParser(prog="bench/area.py", description=__doc__)
    parser.add_argument("--pnr", action="store_true", help=f"place and route the core on an ECP5 too: the row {PNR_ROW}; many minutes, once")
    add_options(parser, ROWS)
    arguments = parser.parse_args(words)
    try:
        rows = chosen(arguments, ROWS)
        if not arguments.rows:
            rows.remove(PNR_ROW)
        if arguments.pnr and PNR_ROW not in rows:
            rows.append(PNR_ROW)
        bars = []
        for name in DEVICES:
            if any(row_name(row, name) in rows for row in SOC_ROWS):
                bars += [bar for bar in soc_bars(name) if bar.name in rows]
            if row_name(PATH_ROW, name) in rows:
                bars.append(path_bar(name))
        if PNR_ROW in rows:
            bars += pnr_bars()
        return conclude(bars, arguments.json)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
