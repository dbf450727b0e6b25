# SPDX-License-Identifier: BSD-2-Clause
"""Connections go by units that the hardware gains from, the least salient ones first, down to any density."""

import numpy as np
import pytest

from nets.prune import quad_mask


def weights(outputs=48, inputs=64, seed=2):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(outputs, 3, 3, inputs)) * rng.uniform(0.2, 3, (outputs // 16, 1, 1, inputs)).repeat(16, axis=0)


@pytest.mark.parametrize("density", [0.05, 0.25, 0.4, 0.5, 0.77, 1.0])
def test_any_density_is_met_to_within_a_unit(density):
    mask = quad_mask(weights(), density)
    assert density <= mask.mean() <= density + 4 * 16 / mask.size or np.count_nonzero(mask) == 3 * 4 * 16


@pytest.mark.parametrize("groups", [1, 2])
def test_each_tile_keeps_a_multiple_of_four_channels_of_each_block(groups):
    mask = quad_mask(weights(64), 0.3, groups=groups)
    for first in range(0, 64, 16):
        assert (mask[first:first + 16] == mask[first]).all()
        counts = mask[first].reshape(-1, 32).sum(axis=1)
        assert (counts % 4 == 0).all() and counts.sum() > 0


def test_tiles_differ_in_how_much_they_keep():
    values = weights()
    values[:16] *= 10
    mask = quad_mask(values, 0.5)
    assert mask[0].all() and mask[16].sum() + mask[32].sum() == 32


def test_the_most_salient_channels_stay():
    values = np.ones((16, 1, 1, 32))
    values[..., [3, 9, 20, 31]] = 2
    assert np.flatnonzero(quad_mask(values, 0.125)[0]).tolist() == [3, 9, 20, 31]


def test_a_smaller_density_keeps_a_part_of_what_a_larger_one_keeps():
    values = weights()
    larger = quad_mask(values, 0.6)
    smaller = quad_mask(values * larger[:, None, None, :], 0.3)
    assert not (smaller & ~larger).any()


def test_tiles_do_not_straddle_groups():
    mask = quad_mask(weights(48, 8), 0.5, groups=2)  # 24 filters a group: tiles of 16 and 8
    for rows in (slice(0, 16), slice(16, 24), slice(24, 40), slice(40, 48)):
        assert (mask[rows] == mask[rows.start]).all() and mask[rows.start].sum() in (4, 8)


def test_blocks_that_end_early_have_a_smaller_unit():
    assert quad_mask(weights(16, 38), 1.0).all()
    assert quad_mask(np.ones((5, 1, 1, 3)), 0.5).all()
