# SPDX-License-Identifier: BSD-2-Clause
"""Bars: what is asked beside what was measured, as a table, as JSON and as an exit status."""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table

from accel.errors import UserError
from nets.writable import check_file
from targets.console import console


@dataclass(frozen=True)
class Bar:
    """One row: `measured` must be at least `asked` where `better` is "higher", at most where it is "lower"."""

    name: str
    config: str
    asked: float
    measured: float
    unit: str
    better: str

    def __post_init__(self):
        if self.better not in ("higher", "lower"):
            raise ValueError(f"better is {self.better!r}, but it must be 'higher' or 'lower'")

    @property
    def holds(self):
        """Whether the bar is reached."""
        return bool(self.measured >= self.asked if self.better == "higher" else self.measured <= self.asked)


def add_options(parser, names):
    """Add what all programs of bench/ understand: which rows, and --json."""
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"only these rows (default: all): {', '.join(names)}")
    parser.add_argument("--json", metavar="FILE", help="write the rows to FILE")


def chosen(arguments, names):
    """Return the names of the rows asked for, in the order of `names`. Raises UserError for an unknown one, and where --json cannot be written."""
    if arguments.json:
        check_file(Path(arguments.json))
    for row in arguments.rows:
        if row not in names:
            raise UserError(f"there is no row {row!r}: choose {', '.join(names)}")
    return [name for name in names if not arguments.rows or name in arguments.rows]


def _number(value):
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def conclude(bars, path=None):
    """Print the bars, write them to `path` where one is given; returns the exit status: 0 where all hold."""
    table = Table("row", "configuration", "asked", "measured", "unit", "")
    for bar in bars:
        sign = ">=" if bar.better == "higher" else "<="
        verdict = "[green]holds[/green]" if bar.holds else "[bold red]MISSED[/bold red]"
        table.add_row(bar.name, bar.config, f"{sign} {_number(bar.asked)}", _number(bar.measured), bar.unit, verdict)
    console().print(table)
    if path:
        try:
            Path(path).write_text(json.dumps([{**asdict(bar), "holds": bar.holds} for bar in bars], indent=1) + "\n")
        except OSError as error:
            raise UserError(f"cannot write {path}: {error}") from error
    return 0 if all(bar.holds for bar in bars) else 1


def run_bars(program, description, names, bars_of, words=None, options=None):
    """Be a program of bench/ whose rows are simulated: `bars_of(rows, jobs)` returns the Bars of the rows that the command line asks for.

    options: a function that adds options of its own to the parser; bars_of then gets the parsed arguments as its third.
    Returns the exit status: that of conclude(), 2 for an error, 130 where it was interrupted.
    """
    parser = argparse.ArgumentParser(prog=program, description=description)
    add_options(parser, names)
    if options:
        options(parser)
    parser.add_argument("--jobs", type=int, default=2, help="simulations at a time (default: %(default)s)")
    arguments = parser.parse_args(words)
    try:
        if arguments.jobs < 1:
            raise UserError(f"--jobs must be at least 1, not {arguments.jobs}")
        more = (arguments,) if options else ()
        return conclude(bars_of(chosen(arguments, names), arguments.jobs, *more), arguments.json)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
