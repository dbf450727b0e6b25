# SPDX-License-Identifier: BSD-2-Clause
"""The configuration refuses what is illegal and names it."""

from dataclasses import replace

import pytest

from accel.config import CONFIGS, AccelConfig, load_config
from accel.errors import UserError


@pytest.mark.parametrize(("field", "value"), [
    ("clusters", 0), ("columns", 12), ("lanes", 3), ("block_channels", 64), ("tile_pixels", 33), ("accumulator_bits", 23)])
def test_an_illegal_value_names_the_field_and_its_range(field, value):
    with pytest.raises(UserError, match=rf"{field} is {value}, but it must be one of"):
        replace(CONFIGS["arty-35"], **{field: value})


def test_a_configuration_file_changes_only_what_it_names(tmp_path):
    (tmp_path / "mine.toml").write_text('base = "arty-35"\nclusters = 1\n')
    assert load_config(tmp_path / "mine.toml") == replace(CONFIGS["arty-35"], name="mine", clusters=1)


def test_an_unknown_key_is_named(tmp_path):
    (tmp_path / "mine.toml").write_text("colums = 16\n")
    with pytest.raises(UserError, match="unknown key 'colums'"):
        load_config(tmp_path / "mine.toml")


def test_the_hash_depends_on_every_size_and_not_on_the_name():
    config = CONFIGS["tiny"]
    assert replace(config, name="other").hash == config.hash
    assert len({replace(config, **change).hash for change in ({}, {"clusters": 1}, {"lanes": 4}, {"queue_depth": 8})}) == 4


def test_arty_35_does_128_macs_a_cycle():
    assert CONFIGS["arty-35"].macs_per_cycle == 128
    assert isinstance(CONFIGS["arty-35"], AccelConfig)
