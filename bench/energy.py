# SPDX-License-Identifier: BSD-2-Clause
"""What power the energy figures are computed with, and where it is from."""

from dataclasses import dataclass

from accel.config import CONFIGS
from accel.errors import UserError
from bench.published import BOARD_SOURCE, BOARD_WATTS
from targets.vivado_reports import read_power


@dataclass(frozen=True)
class Power:
    """`watts`, and `source`, a phrase that says who measured or estimated them of what."""

    watts: float
    source: str


BOARD = Power(BOARD_WATTS, BOARD_SOURCE)


def add_power(parser):
    """Add the option that names power reports."""
    parser.add_argument("--power", metavar="CONFIG=FILE.rpt", action="append", default=[], help="Vivado's power report of the design with a configuration, "
                        f"such as arty-35=power.rpt; may be given for each (default: {BOARD.watts} W, {BOARD.source})")


def powers_of(arguments):
    """Return {name of a configuration: Power} of the reports that the options name. Raises UserError where one cannot be read."""
    powers = {}
    for text in arguments.power:
        name, equals, path = text.partition("=")
        if not equals or name not in CONFIGS:
            raise UserError(f"--power {text}: write CONFIG=FILE.rpt, CONFIG one of {', '.join(CONFIGS)}")
        found = read_power(path)
        powers[name] = Power(found.total, f"Vivado's estimate of the chip alone in {path}, confidence {found.confidence.lower()}")
    return powers


def sources_line(powers, names):
    """Return the sentence on where the watts of the configurations `names` are from; those without a Power in `powers` have BOARD's."""
    sharing = {}
    for name in dict.fromkeys(names):
        sharing.setdefault(powers.get(name, BOARD), []).append(name)
    return "; ".join(f"{' and '.join(group)}: {power.watts} W is {power.source}" for power, group in sharing.items())
