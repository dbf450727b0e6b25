# SPDX-License-Identifier: BSD-2-Clause
"""Energy is computed with the power of a Vivado report where one is given, else with the board's published one, and says which."""

import argparse

import pytest

from accel.errors import UserError
from bench.energy import BOARD, Power, add_power, powers_of, sources_line

REPORT = """
| Total On-Chip Power (W)  | 1.153        |
| Dynamic (W)              | 1.078        |
| Device Static (W)        | 0.075        |
| Confidence Level         | Medium       |
"""


def power(*words):
    parser = argparse.ArgumentParser()
    add_power(parser)
    return powers_of(parser.parse_args(words))


def test_without_a_report_it_is_the_boards_published_power():
    assert power() == {} and BOARD.watts == 2.2 and "MLPerf Tiny 0.7" in BOARD.source
    assert sources_line({}, ["arty-35", "arty-100", "arty-35"]).startswith("arty-35 and arty-100: 2.2 W is board power")
    assert sources_line({"arty-100": Power(3, "a guess")}, ["arty-35", "arty-100"]).endswith("; arty-100: 3 W is a guess")


def test_a_report_gives_its_power_and_is_named(tmp_path):
    path = tmp_path / "arty_power.rpt"
    path.write_text(REPORT)
    powers = power("--power", f"arty-100={path}")
    found = powers["arty-100"]
    assert list(powers) == ["arty-100"] and found.watts == 1.153 and "chip alone" in found.source and "arty_power.rpt, confidence medium" in found.source


def test_what_is_no_report_is_refused(tmp_path):
    with pytest.raises(UserError, match="cannot read"):
        power("--power", f"arty-35={tmp_path / 'missing.rpt'}")
    for text in ("power.rpt", "arty-36=power.rpt"):
        with pytest.raises(UserError, match="write CONFIG=FILE.rpt"):
            power("--power", text)
