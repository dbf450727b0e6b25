# SPDX-License-Identifier: BSD-2-Clause
"""Configurations drawn from the legal space."""

import numpy as np

from accel.config import _LEGAL, AccelConfig
from accel.errors import UserError

# Multiply-accumulates per cycle at most: compiling and simulating a grid takes time in proportion to it.
SIZES = (32, 64, 256, 128, 128, 256, 128, 512, 64, 512, 128, 256)
COVERED = ("clusters", "columns", "lanes", "block_channels", "tile_pixels", "requantise_lanes", "macs_per_multiplier")


def random_configs(seed):
    """Return one AccelConfig for each of SIZES; between them they have every legal value of the fields in COVERED."""
    rng = np.random.default_rng(seed)
    while True:
        configs = [_random_config(rng, f"random-{seed}-{i}", size, _LEGAL["clusters"][0][i % 8]) for i, size in enumerate(SIZES)]
        if all({getattr(config, field) for config in configs} == set(_LEGAL[field][0]) for field in COVERED):
            return configs


def _random_config(rng, name, size, clusters):
    while True:
        values = {field: int(rng.choice(legal)) for field, (legal, _) in _LEGAL.items()} | {"clusters": clusters}
        try:
            config = AccelConfig(name, **values)
        except UserError:
            continue
        if size / 8 <= config.macs_per_cycle <= size:
            return config
