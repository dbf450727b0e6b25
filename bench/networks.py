#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""How fast real networks run on real inputs: cycles of the whole SoC in litex_sim, LiteDRAM's model included, every tensor exact."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from targets.venv import enter
    enter()

from rich.table import Table

from bench.bars import Bar, run_bars
from bench.real_networks import NETWORKS
from bench.soc_runs import CLOCK_HZ, cycles_table, run_networks
from targets.console import console


@dataclass(frozen=True)
class Row:
    """A bar: the median image of `network`, a name of NETWORKS, must take at most `asked` cycles on `config`. peer: images a second of
    fpgaConvNet on an XC7Z020 at 143 MHz, None where there is no number."""

    asked: int
    network: str
    config: str
    peer: int | None = None


ROWS = {
    "resnet8": Row(115_000, "resnet8", "arty-35", 2_431),
    "resnet8@arty-100": Row(41_000, "resnet8", "arty-100", 2_431),
    "dscnn": Row(40_000, "dscnn", "arty-35", 3_088),
    "dscnn@arty-100": Row(22_000, "dscnn", "arty-100", 3_088),
    "vww": Row(115_000, "vww", "arty-35", 105),
    "vww@arty-100": Row(55_000, "vww", "arty-100", 105),
    "squeezenet11": Row(3_500_000, "squeezenet11", "arty-35"),
}


def measure(names, jobs):
    """Return {row: Measured}, the networks of one configuration at a time. Raises UserError where data are missing or a tensor is not exact."""
    networks = {name: NETWORKS[name]() for name in dict.fromkeys(ROWS[row].network for row in names)}
    measured = {}
    for config in dict.fromkeys(ROWS[row].config for row in names):
        own = {row: networks[ROWS[row].network] for row in names if ROWS[row].config == config}
        named = [replace(network, name=row) for row, (network, _) in own.items()]
        measured |= run_networks(named, config, jobs, images=[images for _, images in own.values()])
    return measured


def peers_table(measured):
    """Return the table of images a second at CLOCK_HZ and utilisation beside the peer's numbers, of {row: Measured}."""
    table = Table("network", "configuration", title=f"images a second at {CLOCK_HZ // 1_000_000} MHz beside fpgaConvNet's on an XC7Z020 at 143 MHz")
    for head in ("images exact", "cycles", "images/s", "utilisation", "fpgaConvNet", "times as fast"):
        table.add_column(head, justify="right")
    for row, run in measured.items():
        rate, peer = CLOCK_HZ / run.cycles, ROWS[row].peer
        beside = ("", "") if peer is None else (f"{peer:,}", f"{rate / peer:.2f}")
        table.add_row(ROWS[row].network, run.config.name, str(run.report["count"]), f"{run.cycles:,}", f"{rate:,.0f}",
                      f"{run.report['utilisation']:.1%}", *beside)
    return table


def bars_of(names, jobs):
    """Measure rows, print where the cycles went and what peers do, and return the Bars."""
    measured = measure(names, jobs)
    console().print(cycles_table(measured.values()))
    console().print(peers_table(measured))
    return [Bar(row, ROWS[row].config, ROWS[row].asked, measured[row].cycles, "cycles", "lower") for row in names]


def main(words=None):
    """Print the bars that the command line asks for; returns the exit status."""
    return run_bars("bench/networks.py", __doc__, ROWS, bars_of, words)


if __name__ == "__main__":
    sys.exit(main())
