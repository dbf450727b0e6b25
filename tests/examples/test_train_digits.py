# SPDX-License-Identifier: BSD-2-Clause
"""The example goes all the way from PyTorch to the simulated SoC."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.full
def test_a_pytorch_network_is_trained_exported_quantised_evaluated_and_run(tmp_path):
    pytest.importorskip("torch", reason="torch is not installed: pip install -r requirements-train.txt")
    result = subprocess.run([sys.executable, ROOT / "examples" / "train_digits.py", "--folder", tmp_path], capture_output=True, text=True, timeout=1200)
    assert result.returncode == 0, result.stdout + result.stderr
    report = json.loads((tmp_path / "run.json").read_text())
    assert report["exact"] is True and report["count"] == 16 and report["accuracy"] >= 0.85
    assert "in the drain of /coarse/body" in result.stdout and "int8 says what float says for" in result.stdout
