# SPDX-License-Identifier: BSD-2-Clause
"""Every named configuration converts, the same each time, to Verilog that Verilator lints."""

import pytest

from accel.config import CONFIGS
from accel.convert import convert_core
from tests.support.verilator import lint


@pytest.mark.parametrize("name", CONFIGS)
def test_the_converted_core_lints(name, tmp_path):
    assert lint(convert_core(CONFIGS[name], tmp_path))[:3000] == ""


def test_conversion_gives_the_same_text_each_time(tmp_path):
    first = convert_core(CONFIGS["tiny"], tmp_path / "a").read_text()
    convert_core(CONFIGS["small-16"], tmp_path / "b")
    assert convert_core(CONFIGS["tiny"], tmp_path / "c").read_text() == first
