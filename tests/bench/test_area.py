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

    def soc_bars(rows):
        asked.append("soc")
        return [Bar(name, "arty-35", 1, 1, "x", "lower") for name in area.SOC_ROWS if name in rows]

    monkeypatch.setattr(area, "soc_bars", soc_bars)
    monkeypatch.setattr(area, "path_bar", lambda: asked.append("core") or Bar("path-cells", "arty-35", 1, 1, "x", "lower"))
    monkeypatch.setattr(area, "pnr_bars", lambda: asked.append("pnr") or [
        Bar("ecp5-fmax", "ecp5", 1, 0, "x", "higher"), Bar("ecp5-crossings", "ecp5", 1, 0, "x", "lower")])
    return asked


@pytest.mark.parametrize("words, wanted, names", [
    ([], ["soc", "core"], ["dsp", "bram36", "lut", "sums-lut-ram", "path-cells"]),
    (["lut"], ["soc"], ["lut"]),
    (["path-cells"], ["core"], ["path-cells"]),
    (["--pnr"], ["soc", "core", "pnr"], ["dsp", "bram36", "lut", "sums-lut-ram", "path-cells", "ecp5-fmax", "ecp5-crossings"]),
    (["ecp5-fmax"], ["pnr"], ["ecp5-fmax", "ecp5-crossings"]),
    (["--pnr", "dsp"], ["soc", "pnr"], ["dsp", "ecp5-fmax", "ecp5-crossings"]),
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
    ([], ["dsp", "bram36", "lut", "sums-lut-ram", "path-cells"]),
    (["ecp5-fmax"], ["ecp5-fmax", "ecp5-crossings"]),
])
def test_all_bars_of_area_and_depth_hold(words, names, tmp_path):
    result = subprocess.run([sys.executable, ROOT / "bench" / "area.py", *words, "--json", tmp_path / "rows.json"], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert [row["name"] for row in json.loads((tmp_path / "rows.json").read_text())] == names
