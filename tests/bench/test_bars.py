# SPDX-License-Identifier: BSD-2-Clause
"""A bar says what is asked, what was measured, and whether it holds; the programs of bench/ end with a status that says the same."""

import argparse
import json

import pytest

from accel.errors import UserError
from bench.bars import Bar, add_options, chosen, conclude, run_bars


@pytest.mark.parametrize("better, measured, holds", [("higher", 0.9, True), ("higher", 0.89, False), ("lower", 0.9, True), ("lower", 0.91, False)])
def test_a_bar_is_reached_at_what_is_asked(better, measured, holds):
    assert Bar("x", "arty-35", 0.9, measured, "ratio", better).holds is holds


def test_better_is_higher_or_lower():
    with pytest.raises(ValueError, match="'more'"):
        Bar("x", "arty-35", 1, 1, "ratio", "more")


def test_the_rows_are_printed_written_and_summed_up_in_the_status(tmp_path, capsys):
    good, bad = Bar("dsp", "arty-35", 84, 84, "DSP48E1", "lower"), Bar("lut", "arty-35", 17500, 20939, "LUTs", "lower")
    assert conclude([good]) == 0
    assert conclude([good, bad], tmp_path / "rows.json") == 1
    printed = capsys.readouterr().out
    assert "<= 17,500" in printed and "20,939" in printed and "MISSED" in printed
    assert json.loads((tmp_path / "rows.json").read_text()) == [
        {"name": "dsp", "config": "arty-35", "asked": 84, "measured": 84, "unit": "DSP48E1", "better": "lower", "holds": True},
        {"name": "lut", "config": "arty-35", "asked": 17500, "measured": 20939, "unit": "LUTs", "better": "lower", "holds": False}]


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        conclude([Bar("x", "arty-35", 1, 1, "ratio", "lower")], tmp_path / "nowhere" / "rows.json")


def rows(*words):
    parser = argparse.ArgumentParser()
    add_options(parser, ("a", "b", "c"))
    return chosen(parser.parse_args(words), ("a", "b", "c"))


def test_rows_come_in_their_own_order_all_where_none_is_named():
    assert rows() == ["a", "b", "c"]
    assert rows("c", "a") == ["a", "c"]


def test_an_unknown_row_is_refused_with_the_names():
    with pytest.raises(UserError, match="no row 'd': choose a, b, c"):
        rows("d")


def test_a_program_measures_the_rows_asked_for_and_ends_with_their_status(capsys):
    def bars_of(rows, jobs):
        return [Bar(row, "arty-35", jobs, 3, "cycles", "lower") for row in rows]

    assert run_bars("bench/x.py", "", ("a", "b"), bars_of, ["b", "--jobs", "3"]) == 0
    assert " b " in (said := capsys.readouterr().out) and " a " not in said
    assert run_bars("bench/x.py", "", ("a", "b"), bars_of, []) == 1
    assert run_bars("bench/x.py", "", ("a", "b"), bars_of, ["--jobs", "0"]) == 2
    assert capsys.readouterr().err == "error: --jobs must be at least 1, not 0\n"


@pytest.mark.parametrize("error, status, said", [(UserError("no data"), 2, "error: no data\n"), (KeyboardInterrupt(), 130, "interrupted\n")])
def test_a_program_that_fails_has_a_status_of_its_own(error, status, said, capsys):
    def bars_of(rows, jobs):
        raise error

    assert run_bars("bench/x.py", "", ("a",), bars_of, []) == status and capsys.readouterr().err == said
