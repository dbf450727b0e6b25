# SPDX-License-Identifier: BSD-2-Clause
"""What a SoC takes of its device, by Yosys: `--resources` and bench/area.py print it."""

from dataclasses import dataclass

from rich.table import Table

from targets.netlist import Resources, count, inverters


@dataclass(frozen=True)
class Device:
    """An FPGA and what it has of everything; `total.lut_ram` counts the LUTs that can be memory. What its multipliers and block RAMs are called."""

    name: str
    total: Resources
    multiplier: str = "DSP48E1"
    block_ram: str = "BRAM36"


DEVICES = {
    "cmod_a7": Device("XC7A35T", Resources(lut=20_800, lut_ram=9_600, flip_flop=41_600, dsp=90, bram36=50)),
    "LFE5U-85F": Device("LFE5U-85F", Resources(lut=83_640, lut_ram=41_820, flip_flop=83_640, dsp=156, bram36=208), "MULT18X18D", "DP16KD"),
    "a7-35": Device("XC7A35T", Resources(lut=20_800, lut_ram=9_600, flip_flop=41_600, dsp=90, bram36=50)),
    "a7-100": Device("XC7A100T", Resources(lut=63_400, lut_ram=19_000, flip_flop=126_800, dsp=240, bram36=135)),
}
_ROWS = (("lut", "LUTs, memory included"), ("lut_ram", "LUTs as memory"), ("flip_flop", "flip-flops"))


def _rows(device):
    return (*_ROWS, ("dsp", device.multiplier), ("bram36", device.block_ram))


def number(value):
    """Return a count as text: halves of a block RAM with their half."""
    return f"{value:,.1f}".removesuffix(".0")


def device_table(netlist, variant, title):
    """Return the table of what a whole Netlist takes of the device of a board variant (a key of DEVICES)."""
    device, taken = DEVICES[variant], count(netlist.cells)
    table = Table(title, "taken", f"{device.name} has", "share")
    for column in table.columns[1:]:
        column.justify = "right"
    for field, meaning in _rows(device):
        value, total = getattr(taken, field), getattr(device.total, field)
        share = f"{value / total:.1%}"
        table.add_row(meaning, number(value), number(total), share if value <= total else f"[bold red]{share}[/bold red]")
    if not_counted := inverters(netlist.cells):
        table.add_row("inverters, not among the LUTs", number(not_counted), "", "")
    return table


def verdict(netlist, variant):
    """Return (whether a whole Netlist fits the device of a board variant, a sentence that says so)."""
    device, taken = DEVICES[variant], count(netlist.cells)
    missing = [meaning for field, meaning in _rows(device) if getattr(taken, field) > getattr(device.total, field)]
    if missing:
        return False, f"it does not fit the {device.name}, which lacks {', '.join(missing)}"
    return True, f"it fits the {device.name}: {1 - taken.lut / device.total.lut:.1%} of the LUTs are free"


def block_table(rows, title):
    """Return a table of [(block, Resources)] of a Xilinx device."""
    fields = _rows(DEVICES["a7-35"])
    table = Table(title, *(meaning for _, meaning in fields))
    for column in table.columns[1:]:
        column.justify = "right"
    for block, taken in rows:
        table.add_row(block, *(number(getattr(taken, field)) for field, _ in fields))
    return table
