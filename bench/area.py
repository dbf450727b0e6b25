#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Area and depth of arty-35: the whole SoC by Yosys against the XC7A35T, the core's longest path, and (--pnr) the core's clock on an ECP5."""

import argparse
import sys

from accel.config import CONFIGS
from accel.errors import UserError
from bench.bars import Bar, add_options, chosen, conclude
from targets.arty import soc_netlist
from targets.blocks import block_of, resources_by_block
from targets.console import console
from targets.netlist import count, longest_path, lut_ram_bits, read_netlist
from targets.resources import block_table, device_table
from targets.synthesis import CORE_TOP, core_netlist

CONFIG = CONFIGS["arty-35"]
BLOCK_ROWS = 40
SOC_ROWS = ("dsp", "bram36", "lut", "sums-lut-ram")
PATH_ROW, PNR_ROW = "path-cells", "ecp5-fmax"


def soc_bars(rows):
    """Synthesise the whole SoC, print what it takes of the device, and return the bars of `rows`, names of SOC_ROWS."""
    netlist, variant, _ = soc_netlist(["--config", CONFIG.name])
    console().print(device_table(netlist, variant, f"the whole SoC, {CONFIG.name}"))
    taken = count(netlist.cells)
    sums = CONFIG.clusters * CONFIG.columns * 2 * CONFIG.tile_pixels * CONFIG.accumulator_bits
    bars = [
        Bar("dsp", CONFIG.name, 84, taken.dsp, "DSP48E1", "lower"),
        Bar("bram36", CONFIG.name, 46, taken.bram36, "BRAM36", "lower"),
        Bar("lut", CONFIG.name, 17_500, taken.lut, "LUTs", "lower"),
        Bar("sums-lut-ram", CONFIG.name, sums, lut_ram_bits(netlist.cells, "pe_grid"), "bits", "higher"),
    ]
    return [bar for bar in bars if bar.name in rows]


def path_bar():
    """Synthesise the core alone, print where its LUTs go and its longest path, and return the bar of the path."""
    netlist = read_netlist(core_netlist(CONFIG), CORE_TOP)
    rows = resources_by_block(netlist)
    console().print(block_table([("the whole core", count(netlist.cells)), *rows[:BLOCK_ROWS]],
                                f"the core by blocks, about (the {min(BLOCK_ROWS, len(rows))} largest)"))
    path = longest_path(netlist)
    print(f"longest path: {len(path.cells)} cells, from {path.begin} (in {block_of(path.begin, 3)})")
    for kind, net, beside in path.cells:
        print(f"  {kind:10} {net or '-':50} {'with ' + ', '.join(beside) if beside else ''}".rstrip())
    print(f"to {path.end} (in {block_of(path.end, 3)})")
    return Bar(PATH_ROW, CONFIG.name, 14, len(path.cells), "cells", "lower")


def main(words=None):
    """Print the bars that the command line asks for; returns the exit status."""
    parser = argparse.ArgumentParser(prog="bench/area.py", description=__doc__)
    names = (*SOC_ROWS, PATH_ROW)
    add_options(parser, names)
    arguments = parser.parse_args(words)
    try:
        rows = chosen(arguments, names)
        bars = []
        if set(rows) & set(SOC_ROWS):
            bars += soc_bars(rows)
        if PATH_ROW in rows:
            bars.append(path_bar())
        return conclude(bars, arguments.json)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
