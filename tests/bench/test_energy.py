# SPDX-License-Identifier: BSD-2-Clause
"""Energy is computed with the power of a Vivado report where one is given, else with the board's published one, and says which."""

import argparse

import pytest

from accel.errors import UserError
from bench.energy import BOARD, add_power, power_of

REPORT = """
| Total On-Chip Power (W)  | 1.153        |
| Dynamic (W)              | 1.078        |
| Device Static (W)        | 0.075        |
| Confidence Level         | Medium       |
"""


def power(*words):
    parser = argparse.ArgumentParser()
    add_power(parser)
    return power_of(parser.parse_args(words))


def test_without_a_report_it_is_the_boards_published_power():
    assert power() is BOARD and BOARD.watts == 2.2 and "MLPerf Tiny 0.7" in BOARD.source


def test_a_report_gives_its_power_and_is_named(tmp_path):
    path = tmp_path / "arty_power.rpt"
    path.write_text(REPORT)
    found = power("--power", str(path))
    assert found.watts == 1.153 and "chip alone" in found.source and "arty_power.rpt, confidence medium" in found.source


def test_what_is_no_report_is_refused(tmp_path):
    with pytest.raises(UserError, match="cannot read"):
        power("--power", str(tmp_path / "missing.rpt"))
