# SPDX-License-Identifier: BSD-2-Clause
"""Vivado's reports are read by their own rows and columns, and a design that misses its timing is an error with a sentence."""

import pytest

from accel.errors import UserError
from targets.console import console
from targets.vivado_reports import Power, Timing, check_timing, read_power, read_timing, read_utilisation, reports_table

HEAD = """
------------------------------------------------------------------------------------------------
| Design Timing Summary
| ---------------------
------------------------------------------------------------------------------------------------

    WNS(ns)      TNS(ns)  TNS Failing Endpoints  TNS Total Endpoints      WHS(ns)      THS(ns)  THS Failing Endpoints  THS Total Endpoints     WPWS(ns)     TPWS(ns)  TPWS Failing Endpoints  TPWS Total Endpoints  
    -------      -------  ---------------------  -------------------      -------      -------  ---------------------  -------------------     --------     --------  ----------------------  --------------------  
"""
CLOCKS = """

| Intra Clock Table
Clock             WNS(ns)      TNS(ns)  TNS Failing Endpoints  TNS Total Endpoints      WHS(ns)      THS(ns)  THS Failing Endpoints  THS Total Endpoints     WPWS(ns)     TPWS(ns)  TPWS Failing Endpoints  TPWS Total Endpoints
-----             -------      -------  ---------------------  -------------------      -------      -------  ---------------------  -------------------     --------     --------  ----------------------  --------------------
sys_clk             9.999        0.000                      0                    1        9.999        0.000                      0                    1        9.999        0.000                       0                     1
"""
GOOD = "      0.214        0.000                      0                38211        0.031        0.000                      0                38211        0.264        0.000                       0                 14690  \n"
LATE = "     -0.127      -14.902                    310                38211        0.031        0.000                      0                38211        0.264        0.000                       0                 14690  \n"
EARLY = "      0.214        0.000                      0                38211       -0.050       -0.100                      2                38211        0.264        0.000                       0                 14690  \n"
NONE = "         NA           NA                     NA                   NA           NA           NA                     NA                   NA           NA           NA                      NA                    NA  \n"

UTILISATION = """
1. Slice Logic
--------------

+----------------------------+-------+-------+{a}-----------+-------+
|          Site Type         |  Used | Fixed |{b} Available | Util% |
+----------------------------+-------+-------+{a}-----------+-------+
| Slice LUTs                 | 17120 |     0 |{c}     20800 | 82.31 |
|   LUT as Logic             | 14012 |     0 |{c}     20800 | 67.37 |
|   LUT as Memory            |  3108 |     0 |{c}      9600 | 32.38 |
|     LUT as Distributed RAM |  3088 |     0 |{d}           |       |
| Slice Registers            | 15034 |     0 |{c}     41600 | 36.14 |
|   Register as Latch        |     0 |     0 |{c}     41600 | <0.01 |
+----------------------------+-------+-------+{a}-----------+-------+

3. Memory
+-------------------+------+-------+{a}-----------+-------+
|     Site Type     | Used | Fixed |{b} Available | Util% |
+-------------------+------+-------+{a}-----------+-------+
| Block RAM Tile    | 42.5 |     0 |{c}        50 | 85.00 |
|   RAMB36/FIFO*    |   38 |     0 |{c}        50 | 76.00 |
+-------------------+------+-------+{a}-----------+-------+

4. DSP
+----------------+------+-------+{a}-----------+-------+
|    Site Type   | Used | Fixed |{b} Available | Util% |
+----------------+------+-------+{a}-----------+-------+
| DSPs           |   81 |     0 |{c}        90 | 90.00 |
|   DSP48E1 only |   81 |       |{d}           |       |
+----------------+------+-------+{a}-----------+-------+
"""
# Vivado has had a column more since 2021.
OLD = UTILISATION.format(a="", b="", c="", d="")
NEW = UTILISATION.format(a="------------+", b=" Prohibited |", c="          0 |", d="            |")

POWER = """
1. Summary
----------

+--------------------------+--------------+
| Total On-Chip Power (W)  | 1.034        |
| Design Power Budget (W)  | Unspecified* |
| Power Budget Margin (W)  | NA           |
| Dynamic (W)              | 0.951        |
| Device Static (W)        | 0.083        |
| Effective TJA (C/W)      | 4.8          |
| Junction Temperature (C) | 30.0         |
| Confidence Level         | Low          |
+--------------------------+--------------+
"""


@pytest.fixture
def report(tmp_path):
    """Return a function that writes a report and returns its path."""
    def write(text):
        path = tmp_path / "design.rpt"
        path.write_text("Copyright 1986-2022 Xilinx, Inc. All Rights Reserved.\n" + text)
        return path
    return write


@pytest.mark.parametrize("row, timing, met", [
    (GOOD, Timing(0.214, 0.031, 0.264, (0, 0, 0)), True),
    (LATE, Timing(-0.127, 0.031, 0.264, (310, 0, 0)), False),
    (EARLY, Timing(0.214, -0.05, 0.264, (0, 2, 0)), False),
])
def test_timing_is_that_of_the_whole_design(report, row, timing, met):
    found = read_timing(report(HEAD + row + CLOCKS))
    assert found == timing and found.met == met


@pytest.mark.parametrize("timing, sentence", [
    (Timing(-0.127, 0.031, 0.264, (310, 0, 0)), r"at 100 MHz: the worst slack is -0.127 ns \(setup\), and 310 endpoints fail; lower --sys-clk-freq"),
    (Timing(0.214, -0.05, 0.264, (0, 2, 0)), r"-0.050 ns \(hold\), and 2 endpoints fail"),
    (Timing(0.2, 0.1, -1.25, (0, 0, 1)), r"-1.250 ns \(pulse width\), and 1 endpoints fail"),
    (Timing(0.0, 0.0, 0.0, (0, 1, 0)), r"\+0.000 ns .* 1 endpoints fail"),
])
def test_a_design_that_misses_its_timing_is_refused_with_the_worst_slack(timing, sentence):
    with pytest.raises(UserError, match=sentence):
        check_timing(timing, 100e6)


def test_a_design_that_meets_its_timing_is_not_refused():
    check_timing(Timing(0.0, 0.031, 0.264, (0, 0, 0)), 100e6)


@pytest.mark.parametrize("text, sentence", [("", "has no timing summary of a design"), (HEAD, "has no timing summary|without numbers"),
                                            (HEAD + NONE, "the design has no timing constraints")])
def test_a_report_without_timing_is_refused(report, text, sentence):
    with pytest.raises(UserError, match=sentence):
        read_timing(report(text))


@pytest.mark.parametrize("text", [OLD, NEW])
def test_utilisation_is_read_by_the_names_of_its_columns(report, text):
    assert read_utilisation(report(text)) == {"LUTs": (17120, 20800), "LUTs as memory": (3108, 9600), "registers": (15034, 41600),
                                              "block RAMs": (42.5, 50), "DSPs": (81, 90)}


def test_another_report_is_no_utilisation(report):
    with pytest.raises(UserError, match="has no row for Slice LUTs, LUT as Memory, Slice Registers, Block RAM Tile, DSPs"):
        read_utilisation(report(POWER))


def test_power_is_that_of_the_whole_chip(report):
    assert read_power(report(POWER)) == Power(1.034, 0.951, 0.083, "Low")
    with pytest.raises(UserError, match="is no power report"):
        read_power(report(OLD))


def test_a_report_that_is_not_there_is_named(tmp_path):
    for read in (read_timing, read_utilisation, read_power):
        with pytest.raises(UserError, match=f"cannot read Vivado's report {tmp_path}/none.rpt: No such file"):
            read(tmp_path / "none.rpt")


def test_the_table_shows_every_figure(report, capsys):
    console().print(reports_table(read_timing(report(HEAD + GOOD)), read_utilisation(report(NEW)), read_power(report(POWER)), "the SoC"))
    said = capsys.readouterr().out
    for figure in ("17,120", "20,800", "82.3%", "42.5", "85.0%", "90.0%", "+0.214 ns", "+0.031 ns", "0 endpoints fail", "1.034 W", "0.951 W"):
        assert figure in said
