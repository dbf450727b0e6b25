# SPDX-License-Identifier: BSD-2-Clause
"""From LiteX's project for an ECP5 to its bitstream, by the Yosys, nextpnr and ecppack that PyPI has."""

import json
import shlex
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from accel.errors import UserError
from targets.console import console
from targets.synthesis import run_tool, use_copies

# LiteX's script calls them as distributions do; PyPI's packages have the prefix.
_TOOLS = {"yosys": "maps the SoC", "nextpnr-ecp5": "places and routes it (many minutes)", "ecppack": "packs the bitstream"}
_SHOWN = {"TRELLIS_COMB": "LUT4", "TRELLIS_RAMW": "LUT RAM write ports", "TRELLIS_FF": "flip-flops", "MULT18X18D": "multipliers, 18 x 18",
          "DP16KD": "block RAMs, 18 Kbit"}


@dataclass(frozen=True)
class Routed:
    """What nextpnr reports: `clocks` {net: (MHz achieved, MHz wanted)}, `used` {kind of cell: (used, available)}."""

    clocks: dict
    used: dict

    def missed(self):
        """The nets of the clocks that are slower than wanted."""
        return [net for net, (achieved, wanted) in self.clocks.items() if achieved < wanted]


def read_routed(text):
    """Return the Routed of a report of nextpnr, JSON text."""
    report = json.loads(text)
    return Routed({net: (clock["achieved"], clock["constraint"]) for net, clock in report["fmax"].items()},
                  {kind: (cells["used"], cells["available"]) for kind, cells in report["utilization"].items()})


def routed_table(routed, title):
    """Return a table of a Routed: cells, then clocks."""
    table = Table(title, "taken", "device has", "share")
    for column in table.columns[1:]:
        column.justify = "right"
    for kind, meaning in _SHOWN.items():
        used, available = routed.used[kind]
        table.add_row(meaning, f"{used:,}", f"{available:,}", f"{used / available:.1%}")
    table.add_section()
    for net, (achieved, wanted) in routed.clocks.items():
        table.add_row(f"clock {net.removeprefix('$glbnet$')}", f"{achieved:.1f} MHz", f"{wanted:.1f} MHz wanted",
                      "" if achieved >= wanted else "missed")
    return table


def tool_lines(script):
    """Return the tools' calls, lists of words, in the script that LiteX wrote. Raises UserError where it calls something else."""
    lines = [shlex.split(line, comments=True) for line in script.splitlines()]
    calls = [words for words in lines if words and words != ["set", "-e"]]
    for words in calls:
        if words[0] not in _TOOLS:
            raise UserError(f"LiteX's script calls {words[0]}, which is none of {', '.join(_TOOLS)}")
    return calls


def make_bitstream(gateware, top):
    """Make `top`.bit and `top`.svf of the project that LiteX wrote to the folder `gateware`, print nextpnr's figures, and return its Routed.

    Many minutes. Raises UserError where a tool fails, or where a clock cannot be as fast as the project wants it.
    """
    folder = Path(gateware)
    bitstream, report = folder / f"{top}.bit", folder / f"{top}_routed.json"
    bitstream.unlink(missing_ok=True)
    use_copies(folder / f"{top}.ys")
    for name, *options in tool_lines((folder / f"build_{top}.sh").read_text()):
        more = ["--report", report.name, "--log", f"{top}_nextpnr.log", "--quiet"] if name == "nextpnr-ecp5" else []
        with Console(stderr=True).status(f"{name} {_TOOLS[name]}"):
            run_tool([f"yowasp-{name}", *options, *more], folder)
    routed = read_routed(report.read_text())
    console().print(routed_table(routed, f"{top}, placed and routed"))
    if missed := routed.missed():
        bitstream.rename(bitstream.with_suffix(".slow.bit"))
        raise UserError(f"the bitstream misses its clock {', '.join(missed)}: lower --sys-clk-freq, or try another --nextpnr-seed")
    print(f"the bitstream is {bitstream}")
    return routed
