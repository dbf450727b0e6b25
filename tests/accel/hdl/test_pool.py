# SPDX-License-Identifier: BSD-2-Clause
"""The pool gives each window's maximum, of either plane, for windows of any length with gaps anywhere."""

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.hdl.interfaces import flag, unsigned
from accel.hdl.pool import pool
from tests.support.bench import run_block

CONFIG = CONFIGS["tiny"]
COLUMNS = CONFIG.columns


@pytest.mark.parametrize("plane", range(CONFIG.beats_per_word))
@pytest.mark.parametrize("gaps", [0, 60])
def test_windows_give_their_largest_bytes(plane, gaps):
    rng = np.random.default_rng(9)
    windows = [rng.integers(-128, 128, (rng.integers(1, 10), CONFIG.block_channels)) for _ in range(40)]
    windows[0][:], windows[1][:] = -128, 127
    outside = [rng.integers(0, 2, len(window)) for window in windows]
    positions = []
    for window, out in zip(windows, outside, strict=True):
        for i, data in enumerate(window):
            positions += [None] * int(rng.geometric(1 - gaps / 100) - 1)
            positions.append((data, i == 0, i == len(window) - 1, bool(out[i])))
    clk, valid, first, last, out, choice, word = flag(), flag(), flag(), flag(), flag(), flag(bool(plane)), unsigned(8 * CONFIG.block_channels)
    result_valid, result = flag(), unsigned(8 * COLUMNS)
    got = []

    def drive(cycle):
        position = positions[cycle] if cycle < len(positions) else None
        valid.next = position is not None
        if position is not None:
            word.next = int.from_bytes(position[0].astype(np.int8).tobytes(), "little")
            first.next, last.next, out.next = position[1:]

    def sample(cycle):
        if result_valid:
            got.append(np.frombuffer(int(result).to_bytes(COLUMNS, "little"), np.int8))

    run_block(clk, pool(clk, valid, first, last, out, choice, word, result_valid, result, CONFIG), len(positions) + 20, drive, sample)
    low = plane * COLUMNS
    expected = [np.where(out[:, None], -128, window).max(axis=0)[low:low + COLUMNS] for window, out in zip(windows, outside, strict=True)]
    np.testing.assert_array_equal(got, expected)
