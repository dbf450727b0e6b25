# SPDX-License-Identifier: BSD-2-Clause
"""make sets up the packages that each target needs, once."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BASE, IMPORT, TRAIN = "requirements.txt", "requirements-import.txt", "requirements-train.txt"
NEEDED = {"setup": [BASE], "demo": [BASE], "import": [BASE, IMPORT], "test": [BASE, IMPORT], "train": [BASE, IMPORT, TRAIN], "test-full": [BASE, IMPORT, TRAIN]}


@pytest.fixture
def installed_by(tmp_path):
    """A function that returns which requirements `make TARGET` would install in a clone without .venv, in their order."""
    for name in ("Makefile", BASE, IMPORT, TRAIN):
        shutil.copy(ROOT / name, tmp_path)
        os.utime(tmp_path / name, (0, 0))

    def installed_by(target):
        result = subprocess.run(["make", "-n", "PYTHON=python3", target], cwd=tmp_path, capture_output=True, text=True, check=True)
        return re.findall(r"pip install .*-r (\S+)", result.stdout)

    return installed_by


@pytest.mark.parametrize("target", NEEDED)
def test_a_target_sets_up_what_it_needs(target, installed_by):
    assert installed_by(target) == NEEDED[target]


@pytest.mark.parametrize("target", NEEDED)
def test_what_is_set_up_is_set_up_again_only_when_it_changes(target, installed_by, tmp_path):
    (tmp_path / ".venv").mkdir()
    for name in (BASE, IMPORT, TRAIN):
        stamp = tmp_path / ".venv" / Path(name).with_suffix(".stamp")
        stamp.touch()
        os.utime(stamp, (1, 1))
    assert installed_by(target) == []
    (tmp_path / NEEDED[target][-1]).touch()
    assert installed_by(target) == NEEDED[target][-1:]
