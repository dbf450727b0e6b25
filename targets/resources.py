# SPDX-License-Identifier: BSD-2-Clause
"""What a SoC takes of its device, by Yosys: `--resources` and bench/area.py print it."""

from dataclasses import dataclass

from rich.table import Table

from targets.netlist import Resources, count, inverters


@dataclass(frozen=True)
class Device:
    """An FPGA and what it has of everything; `total.lut_ram` counts the LUTs that can be memory."""

    name: str
    total: Resources


DEVICES = {
    "a7-35": Device("XC7A35T", Resources(lut=20_800, lut_ram=9_600, flip_flop=41_600, dsp=90, bram36=50)),
    "a7-100": Device("XC7A100T", Resources(lut=63_400, lut_ram=19_000, flip_flop=126_800, dsp=240, bram36=135)),
}
_ROWS = (("lut", "LUTs, memory included"), ("lut_ram", "LUTs as memory"), ("flip_flop", "flip-flops"), ("dsp", "DSP48E1"), ("bram36", "BRAM36"))


def number(value):
    """Return a count as text: halves of a block RAM with their half."""
    return f"{value:,.1f}".removesuffix(".0")


def device_table(netlist, variant, title):
    """Return the table of what a whole Netlist takes of the device of a board variant (a key of DEVICES)."""
    device, taken = DEVICES[variant], count(netlist.cells)
    table = Table(title, "taken", f"{device.name} has", "share")
    for column in table.columns[1:]:
        column.justify = "right"
    for field, meaning in _ROWS:
        value, total = getattr(taken, field), getattr(device.total, field)
        share = f"{value / total:.1%}"
        table.add_row(meaning, number(value), number(total), share if value <= total else f"[bold red]{share}[/bold red]")
    table.add_row("inverters, not among the LUTs", number(inverters(netlist.cells)), "", "")
    return table


def block_table(rows, title):
    """Return a table of [(block, Resources)]."""
    table = Table(title, *(meaning for _, meaning in _ROWS))
    for column in table.columns[1:]:
        column.justify = "right"
    for block, taken in rows:
        table.add_row(block, *(number(getattr(taken, field)) for field, _ in _ROWS))
    return table
