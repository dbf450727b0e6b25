# SPDX-License-Identifier: BSD-2-Clause
"""The configurations drawn from the legal space are the same each time and cover it."""

import pytest

from accel.config import _LEGAL
from tests.support.random_configs import COVERED, SIZES, random_configs


@pytest.mark.parametrize("seed", range(3))
def test_the_configurations_have_every_legal_value_of_what_shapes_the_grid(seed):
    configs = random_configs(seed)
    assert configs == random_configs(seed)
    assert len({config.hash for config in configs}) == len(SIZES) == 12
    for field in COVERED:
        assert {getattr(config, field) for config in configs} == set(_LEGAL[field][0])
    assert all(config.macs_per_cycle <= size for config, size in zip(configs, SIZES, strict=True))
