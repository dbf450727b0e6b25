# SPDX-License-Identifier: BSD-2-Clause
"""What power the energy figures are computed with, and where it is from."""

from dataclasses import dataclass

from bench.published import BOARD_SOURCE, BOARD_WATTS
from targets.vivado_reports import read_power


@dataclass(frozen=True)
class Power:
    """`watts`, and `source`, a phrase that says who measured or estimated them of what."""

    watts: float
    source: str


BOARD = Power(BOARD_WATTS, BOARD_SOURCE)


def add_power(parser):
    """Add the option that names a power report."""
    parser.add_argument("--power", metavar="FILE.rpt", help=f"Vivado's power report of the board's design (default: {BOARD.watts} W, {BOARD.source})")


def power_of(arguments):
    """Return the Power that the options name: that of a Vivado report, or BOARD's. Raises UserError where the report cannot be read."""
    if arguments.power is None:
        return BOARD
    found = read_power(arguments.power)
    return Power(found.total, f"Vivado's estimate of the chip alone in {arguments.power}, confidence {found.confidence.lower()}")
