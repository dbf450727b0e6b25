# SPDX-License-Identifier: BSD-2-Clause
"""bench/area.py: rows by name, and on the whole SoC all of them (the long runs, which `--resources` and a second run share)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench import area
from bench.bars import Bar

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def runs(monkeypatch):
    """Which of the long runs were asked for, each replaced by bars that hold."""
    asked = []

    def soc_bars(config):
        asked.append(f"soc {config}")
        return [Bar(area.row_name(name, config), config, 1, 1, "x", "lower") for name in area.SOC_ROWS]

    def path_bar(config):
        asked.append(f"core {config}")
        return Bar(area.row_name("path-cells", config), config, 1, 1, "x", "lower")

    monkeypatch.setattr(area, "soc_bars", soc_bars)
    monkeypatch.setattr(area, "path_bar", path_bar)
    monkeypatch.setattr(area, "pnr_bars", lambda: asked.append("pnr") or [
        Bar("ecp5-fmax", "ecp5", 1, 0, "x", "higher"), Bar("ecp5-crossings", "ecp5", 1, 0, "x", "lower")])
    return asked


SMALL = ["dsp", "bram36", "lut", "sums-lut-ram", "path-cells"]
BOTH = [*SMALL, *(f"{name}@arty-100" for name in SMALL)]
ALL_RUNS = ["soc arty-35", "core arty-35", "soc arty-100", "core arty-100"]


@pytest.mark.parametrize("words, wanted, names", [
    ([], ALL_RUNS, BOTH),
    (["lut"], ["soc arty-35"], ["lut"]),
    (["lut@arty-100"], ["soc arty-100"], ["lut@arty-100"]),
    (["path-cells"], ["core arty-35"], ["path-cells"]),
    (["--pnr"], [*ALL_RUNS, "pnr"], [*BOTH, "ecp5-fmax", "ecp5-crossings"]),
    (["ecp5-fmax"], ["pnr"], ["ecp5-fmax", "ecp5-crossings"]),
    (["--pnr", "dsp"], ["soc arty-35", "pnr"], ["dsp", "ecp5-fmax", "ecp5-crossings"]),
])
def test_only_what_the_rows_need_is_run(runs, words, wanted, names, tmp_path):
    status = area.main([*words, "--json", str(tmp_path / "rows.json")])
    assert runs == wanted
    assert [row["name"] for row in json.loads((tmp_path / "rows.json").read_text())] == names
    assert status == (1 if "pnr" in wanted else 0)


def test_an_unknown_row_is_an_error_of_its_own_status(capsys):
    assert area.main(["luts"]) == 2
    assert "no row 'luts': choose dsp, " in capsys.readouterr().err


@pytest.mark.full
@pytest.mark.parametrize("words, names", [
    ([], BOTH),
    (["ecp5-fmax"], ["ecp5-fmax", "ecp5-crossings"]),
])
def test_all_bars_of_area_and_depth_hold(words, names, tmp_path):
    result = subprocess.run([sys.executable, ROOT / "bench" / "area.py", *words, "--json", tmp_path / "rows.json"], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert [row["name"] for row in json.loads((tmp_path / "rows.json").read_text())] == names
