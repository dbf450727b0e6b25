# SPDX-License-Identifier: BSD-2-Clause
"""The golden model's measuring STOREs: which channels they leave on in the dynamic input-channel mask."""

from dataclasses import replace

import numpy as np
import pytest

from accel import isa
from accel.config import CONFIGS
from accel.golden import Golden
from accel.golden.compute import Compute
from accel.registers import ERROR_CODES

TINY = CONFIGS["tiny"]
COLUMNS, PLANES = TINY.columns, TINY.beats_per_word


def measured(compute, data, **values):
    """Execute a measuring STORE of `data` (int8 [beats, COLUMNS])."""
    fields = isa.decode(isa.encode("STORE", beats=len(data), measure=1, **values))[1]
    compute.measure([row.tobytes() for row in np.asarray(data, np.int8)], fields)


def channels(compute):
    """Return bool [MASK_WORDS * PLANES, COLUMNS] of the mask."""
    bits = np.array([[word >> bit & 1 for bit in range(TINY.block_channels)] for word in compute.masks], bool)
    return bits.reshape(-1, COLUMNS)


@pytest.mark.parametrize("limit", [-128, -1, 0, 17, 127])
@pytest.mark.parametrize("plane", [0, 1, 2, 63])
def test_a_channel_is_on_where_its_largest_output_is_above_the_limit(limit, plane):
    rng = np.random.default_rng([plane, limit + 128])
    compute = Compute(TINY, np.zeros((TINY.clusters, 1, TINY.block_channels), np.int8), iter(()), [], [])
    compute.masks = [int(word) for word in rng.integers(0, 1 << TINY.block_channels, isa.MASK_WORDS)]
    expected = channels(compute)
    data = np.clip(rng.integers(limit - 3, limit + 2, (3, COLUMNS)), -128, 127)
    measured(compute, data, limit=limit, mask_plane=plane, mask_first=1)
    expected[plane] = data.max(axis=0) > limit
    np.testing.assert_array_equal(channels(compute), expected)
    more = np.clip(rng.integers(limit - 3, limit + 2, (1, COLUMNS)), -128, 127)
    measured(compute, more, limit=limit, mask_plane=plane)
    expected[plane] |= more.max(axis=0) > limit
    np.testing.assert_array_equal(channels(compute), expected)


@pytest.mark.parametrize("columns, fields, error", [
    (4, {"measure": 1, "mask_plane": 63}, "NONE"), (8, {"measure": 1, "mask_plane": 31}, "NONE"), (8, {"mask_plane": 63}, "NONE"),
    (8, {"measure": 1, "mask_plane": 32}, "BAD_FIELD"), (8, {"measure": 1, "mask_plane": 63}, "BAD_FIELD")])
def test_a_part_beyond_the_mask_is_refused(columns, fields, error):
    """Words of two planes have 64 parts, those of one plane 32."""
    config = replace(TINY, columns=columns)
    one = {name: 1 for name in ("kernel_height", "kernel_width", "blocks", "stride_y", "stride_x", "height", "width", "output_width")}
    words = [isa.encode("BEGIN", isa_version=isa.ISA_VERSION, config_hash=config.hash), isa.encode("SHAPE", **one), isa.encode("WALK"),
             isa.encode("DRAIN", clamp_max=127), isa.encode("TILE", pixels=1), isa.encode("POOL"), isa.encode("STORE", beats=1, **fields),
             isa.encode("END")]
    result = Golden(config, bytearray(64)).run(words, (0, 64), (0, 64))
    assert (result.error, result.position) == (getattr(ERROR_CODES, error), 6 if error != "NONE" else 0)
