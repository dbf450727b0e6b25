# SPDX-License-Identifier: BSD-2-Clause
"""Every named configuration converts, the same each time, to Verilog that Verilator lints."""

import subprocess

import pytest

from accel.config import CONFIGS
from accel.convert import convert_core

# MyHDL sizes every expression's context itself; unread signals are its shadows of bundles; its case statements have no default.
ALLOWED = ("WIDTH", "UNUSEDSIGNAL", "CASEINCOMPLETE")


@pytest.mark.parametrize("name", CONFIGS)
def test_the_converted_core_lints(name, tmp_path):
    path = convert_core(CONFIGS[name], tmp_path)
    result = subprocess.run(["verilator", "--lint-only", "-Wall", *(f"-Wno-{warning}" for warning in ALLOWED), "-Wno-DECLFILENAME", "--top-module",
                             "sparcnet_core", path], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[:3000]


def test_conversion_gives_the_same_text_each_time(tmp_path):
    first = convert_core(CONFIGS["tiny"], tmp_path / "a").read_text()
    convert_core(CONFIGS["small-16"], tmp_path / "b")
    assert convert_core(CONFIGS["tiny"], tmp_path / "c").read_text() == first
