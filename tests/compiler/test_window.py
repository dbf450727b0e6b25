# SPDX-License-Identifier: BSD-2-Clause
"""Packed windows: which layers can have them, and masks without gaps that the hardware's read of a step would not reach across."""

import numpy as np
import pytest

from accel.config import CONFIGS
from compiler.window import fill_gaps, packed_window, plain_window
from tests.support.networks import convolution

ARTY, TINY = CONFIGS["arty-35"], CONFIGS["tiny"]


def steps(config, mask):
    """Return the steps' bits of each block, as the hardware takes them."""
    for first in range(0, len(mask), config.block_channels):
        bits = np.flatnonzero(mask[first:first + config.block_channels])
        yield from (bits[i:i + config.lanes] for i in range(0, len(bits), config.lanes))


@pytest.mark.parametrize("config", [ARTY, TINY])
@pytest.mark.parametrize("seed", range(40))
def test_every_step_of_a_filled_mask_lies_within_a_beat_of_its_first_bit(config, seed):
    rng = np.random.default_rng(seed)
    mask = rng.random(3 * config.block_channels) < rng.choice([0.05, 0.1, 0.3, 0.8])
    filled = fill_gaps(config, mask.copy())
    assert (filled | ~mask).all()
    for bits in steps(config, filled):
        assert bits[-1] - bits[0] <= config.beat_bytes


def test_a_mask_without_gaps_stays_as_it_is():
    mask = np.zeros(64, bool)
    mask[[0, 5, 16, 17, 40]] = True
    np.testing.assert_array_equal(fill_gaps(ARTY, mask.copy()), np.isin(np.arange(64), [0, 5, 16, 17, 40]) | fill_gaps(ARTY, mask.copy()))
    mask[17] = False
    np.testing.assert_array_equal(fill_gaps(ARTY, mask.copy()), mask)


def test_an_rgb_row_of_11_pixels_is_two_blocks_of_bytes():
    network = convolution((227, 227), 3, 96, (11, 11), stride=(4, 4))
    window = packed_window(ARTY, network.layers[0], (227, 227, 3), True)
    assert (window.kernel, window.channels, window.blocks, window.unit) == ((11, 1), 33, 2, 3)
    assert window.row_beats(227, range(2)) == 44
    assert window.pixel_bytes(range(2)) == 3


@pytest.mark.parametrize("channels, blocks, planes", [
    (3, range(1), 1), (16, range(1), 1), (17, range(1), 2), (48, range(2), 3), (48, range(1), 2), (48, range(1, 2), 1)])
def test_a_pixel_takes_as_many_beats_as_it_has_planes(channels, blocks, planes):
    window = plain_window(ARTY, (3, 3), channels)
    assert window.row_beats(10, blocks) == 10 * planes
    assert window.pixel_bytes(blocks) == 16 * planes


@pytest.mark.parametrize("shape, dense, options", [
    ((8, 8, 3), False, {}),
    ((8, 8, 3), True, {"mask": 0.5}),
    ((8, 8, 64), True, {}),
    ((8, 8, 9), True, {"stride": (1, 40)}),
    ((2, 4000, 3), True, {}),
])
def test_what_cannot_be_packed_is_not(shape, dense, options):
    kernel = (2, 3)
    layer = convolution(shape[:2], shape[2], 8, kernel, **options).layers[0]
    assert packed_window(ARTY, layer, shape, dense) is None


def test_weights_of_a_packed_window_are_a_row_of_bytes():
    layer = convolution((8, 8), 3, 8, (2, 3)).layers[0]
    weights = np.arange(2 * 3 * 3 * 8).reshape(2, 3, 3, 8)
    packed = packed_window(ARTY, layer, (8, 8, 3), True).reshape(weights)
    assert packed.shape == (2, 1, 9, 8)
    np.testing.assert_array_equal(packed[1, 0, 2 * 3 + 1], weights[1, 2, 1])
