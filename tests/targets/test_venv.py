# SPDX-License-Identifier: BSD-2-Clause
"""Programs of the project run in its .venv, whichever interpreter they are called with."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("program", ["area", "kernels", "networks", "paper"])
def test_a_program_of_bench_called_with_another_interpreter_finds_its_packages(program, tmp_path):
    result = subprocess.run([sys._base_executable, ROOT / "bench" / f"{program}.py", "--help"], capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert result.returncode == 0 and result.stdout.startswith("usage: "), result.stderr


@pytest.mark.parametrize("program", ["build.py", "bench/paper.py"])
def test_without_a_venv_it_is_said_how_to_make_one(program, tmp_path):
    for name in (program, "targets/__init__.py", "targets/venv.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    result = subprocess.run([sys._base_executable, tmp_path / program], capture_output=True, text=True, timeout=60)
    assert result.returncode == 1 and result.stderr == "error: there is no .venv here: run `make setup` first\n"
