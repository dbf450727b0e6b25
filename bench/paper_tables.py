# SPDX-License-Identifier: BSD-2-Clause
"""The paper's tables, each with ours beside the published figures; every number says whether it is measured, computed or published."""

from rich.table import Table

from bench.published import BOARD_SOURCE, BOARD_WATTS, NOT_FOUND, PRIOR_WORK, SAVED, SPEED
from bench.soc_runs import CLOCK_HZ
from nets.count import count, reduction
from nets.paper import BASELINES, NETWORKS, define

# Rows of the table of prior work.
_PRIOR_FIELDS = {"platform": "platform", "precision": "precision", "clock (MHz)": "megahertz", "network": "network", "GOP": "operations",
                 "GOP/s": "speed", "power (W)": "power", "GOP/J": "efficiency"}


def saved(network):
    """Return {what: share} that a reduced network saves of its baseline."""
    return reduction(count(define(network)), count(define(BASELINES[network])))


def operations_rate(run):
    """Return GOP/s at 100 MHz of a Measured: two operations a product done, from first doorbell to last done."""
    return 2 * run.report["macs_done"] / run.cycles * CLOCK_HZ / 1e9


def _percent(value):
    return value if value == NOT_FOUND else f"{value:.1%}"


def networks_table():
    """Return the table of all networks: ours computed from the definitions, beside what was published."""
    table = Table("network", title="networks: computed from the definitions, and published savings")
    for head in ("MMAC", "parameters", "kB int8", "MACs saved", "published", "parameters saved", "published"):
        table.add_column(head, justify="right")
    for name in NETWORKS:
        counted = count(define(name))
        figures = f"{counted.macs / 1e6:,.1f}", f"{counted.parameters:,}", f"{counted.bytes / 1000:,.0f}"
        savings = [_percent(value) for what in ("macs", "parameters")
                   for value in (saved(name)[what], SAVED.get(name, {}).get(what, NOT_FOUND))] if name in BASELINES else [""] * 4
        table.add_row(name, *figures, *savings)
    return table


def speed_table(measured):
    """Return the table of images a second: measured in cycles at 100 MHz, and published."""
    table = Table("network", "platform", "images/s", "images/s/W", "kind", title="images a second")
    for run in measured:
        rate = CLOCK_HZ / run.cycles
        table.add_row(run.network.name, f"{run.config.name} at 100 MHz", f"{rate:,.1f}", f"{rate / BOARD_WATTS:,.1f}",
                      "measured in litex_sim, random weights; power published")
    for network, platform, rate, source in SPEED:
        table.add_row(network, platform, f"{rate}", NOT_FOUND, f"published: {source}")
    table.caption = f"{BOARD_WATTS} W is {BOARD_SOURCE}"
    return table


def prior_table(run):
    """Return the poster's table of prior work, with a column of ours where AlexNet's convolutions were run (a Measured or None)."""
    columns = [(work.name, [getattr(work, field) for field in _PRIOR_FIELDS.values()]) for work in PRIOR_WORK]
    if run:
        rate = operations_rate(run)
        columns.append(("ours", [f"Arty A7 ({run.config.name})", "8-bit integer", CLOCK_HZ // 1_000_000, "AlexNet",
                                 f"{2 * run.report['macs_done'] / 1e9:.2f}", f"{rate:.2f}", BOARD_WATTS, f"{rate / BOARD_WATTS:.2f}"]))
    table = Table("", *(name for name, _ in columns), title="prior work, published in the poster; ours: GOP/s measured in litex_sim, GOP/J computed")
    for head, *cells in zip(_PRIOR_FIELDS, *(values for _, values in columns), strict=True):
        table.add_row(head, *map(str, cells))
    table.caption = f"our {BOARD_WATTS} W is {BOARD_SOURCE}"
    return table
