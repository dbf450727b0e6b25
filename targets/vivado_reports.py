# SPDX-License-Identifier: BSD-2-Clause
"""What Vivado's text reports say: timing (report_timing_summary), what the design takes (report_utilization), power (report_power)."""

import re
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from accel.errors import UserError

# Row of the utilisation report -> what we call it.
ROWS = {"Slice LUTs": "LUTs", "LUT as Memory": "LUTs as memory", "Slice Registers": "registers", "Block RAM Tile": "block RAMs", "DSPs": "DSPs"}


@dataclass(frozen=True)
class Timing:
    """Worst slacks in ns of setup, hold and pulse width, and how many endpoints of each fail: the numbers of the whole design."""

    setup: float
    hold: float
    pulse_width: float
    failing: tuple

    @property
    def met(self):
        """Whether every constraint is met."""
        return min(self.setup, self.hold, self.pulse_width) >= 0 and not any(self.failing)


@dataclass(frozen=True)
class Power:
    """Watts as report_power estimates them: `total` on chip, of which `dynamic` and `static`. `confidence` is Vivado's word for the estimate's."""

    total: float
    dynamic: float
    static: float
    confidence: str


def _text(path):
    try:
        return Path(path).read_text(errors="replace")
    except OSError as error:
        raise UserError(f"cannot read Vivado's report {path}: {error.strerror}") from error


def read_timing(path):
    """Return the Timing of a report of report_timing_summary. Raises UserError where it has none, as that of a design without constraints."""
    lines = _text(path).splitlines()
    head = next((i for i, line in enumerate(lines) if {"WNS(ns)", "WHS(ns)", "WPWS(ns)"} <= set(line.split())), None)
    if head is None or len(lines) <= head + 2:
        raise UserError(f"{path} has no timing summary of a design: let report_timing_summary write it after routing")
    words = lines[head + 2].split()
    try:
        wns, _, setups, _, whs, _, holds, _, wpws, _, widths, _ = map(float, words)
    except ValueError as error:
        raise UserError(f"{path} has a timing summary without numbers ({' '.join(words)}): the design has no timing constraints") from error
    return Timing(wns, whs, wpws, (int(setups), int(holds), int(widths)))


def _cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def read_utilisation(path):
    """Return {name: (used, available)} of a report of report_utilization, for the names in ROWS; block RAMs may be halves."""
    found, head = {}, None
    for line in filter(lambda line: line.startswith("|"), _text(path).splitlines()):
        cells = _cells(line)
        if cells[0] == "Site Type":
            head = cells
        elif head and len(cells) == len(head) and (name := ROWS.get(cells[0].rstrip("*"))) and name not in found:
            row = dict(zip(head, cells))
            found[name] = float(row["Used"]), float(row["Available"])
    missing = [row for row, name in ROWS.items() if name not in found]
    if missing:
        raise UserError(f"{path} is no utilisation report of a 7-series device: it has no row for {', '.join(missing)}")
    return found


def read_power(path):
    """Return the Power of a report of report_power."""
    rows = dict(cells[:2] for line in _text(path).splitlines() if line.startswith("|") and len(cells := _cells(line)) == 2)
    try:
        watts = [float(re.sub(r"[^\d.]", "", rows[f"{name} (W)"])) for name in ("Total On-Chip Power", "Dynamic", "Device Static")]
    except (KeyError, ValueError) as error:
        raise UserError(f"{path} is no power report: it does not say Total On-Chip Power, Dynamic and Device Static in watts") from error
    return Power(*watts, rows.get("Confidence Level", "not said"))


def reports_table(timing, utilisation, power, title):
    """Return the table of a design's Timing, utilisation and Power."""
    table = Table("", "used", "of", "", title=title)
    for name, (used, available) in utilisation.items():
        table.add_row(name, f"{used:,g}", f"{available:,g}", f"{used / available:.1%}")
    table.add_section()
    for name, slack, failing in zip(("setup", "hold", "pulse width"), (timing.setup, timing.hold, timing.pulse_width), timing.failing, strict=True):
        table.add_row(f"worst slack, {name}", f"{slack:+.3f} ns", "", f"{failing:,} endpoints fail")
    table.add_row("power, estimated", f"{power.total:.3f} W", "", f"{power.dynamic:.3f} W dynamic; confidence {power.confidence.lower()}")
    return table


def check_timing(timing, clock_hz):
    """Raise UserError where a constraint of a design, whose system clock is `clock_hz`, is not met."""
    if timing.met:
        return
    slack = min(timing.setup, timing.hold, timing.pulse_width)
    kind = ("setup", "hold", "pulse width")[(timing.setup, timing.hold, timing.pulse_width).index(slack)]
    raise UserError(f"the design does not meet its timing at {clock_hz / 1e6:g} MHz: the worst slack is {slack:+.3f} ns ({kind}), and "
                    f"{sum(timing.failing):,} endpoints fail; lower --sys-clk-freq, or choose a smaller --config")
