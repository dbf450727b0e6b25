# SPDX-License-Identifier: BSD-2-Clause
"""--configs lists every configuration with what it takes; the figures are those of the mapped netlist."""

import pytest

from accel.config import CONFIGS
from accel.errors import UserError
from targets import configs


def test_every_configuration_is_listed_with_its_macs(capsys):
    assert configs.run([]) == 0
    printed = capsys.readouterr().out
    for config in CONFIGS.values():
        assert config.name in printed and str(config.macs_per_cycle) in printed
    with pytest.raises(UserError, match="takes nothing else"):
        configs.run(["arty-35"])


def test_multipliers_and_block_rams_are_those_that_yosys_finds():
    """Counted once in the netlist of arty-35's core (bench/area.py prints them)."""
    assert configs.multipliers(CONFIGS["arty-35"]) == 80
    assert configs.block_rams(CONFIGS["arty-35"]) == 22
