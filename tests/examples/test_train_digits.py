# SPDX-License-Identifier: BSD-2-Clause
"""The example goes all the way from PyTorch to the simulated SoC."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "train_digits.py"


@pytest.mark.full
def test_a_pytorch_network_is_trained_exported_quantised_evaluated_and_run(tmp_path):
    pytest.importorskip("torch", reason="torch is not installed: make train")
    result = subprocess.run([sys.executable, SCRIPT, "--folder", tmp_path], capture_output=True, text=True, timeout=1200)
    assert result.returncode == 0, result.stdout + result.stderr
    report = json.loads((tmp_path / "run.json").read_text())
    assert report["exact"] is True and report["count"] == 16 and report["accuracy"] >= 0.85
    assert "in the drain of /coarse/body" in result.stdout and "int8 says what float says for" in result.stdout


def test_without_pytorch_it_says_what_to_install():
    program = f"import runpy, sys; sys.modules['torch'] = None; runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert result.returncode == 1 and result.stderr.count("\n") == 1
    assert result.stderr.startswith("error: training needs packages") and "run `make train`" in result.stderr
