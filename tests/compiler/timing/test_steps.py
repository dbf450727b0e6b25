# SPDX-License-Identifier: BSD-2-Clause
"""Steps as the timing model reads them from the masks of a stream, against their definition bit by bit."""

from hypothesis import given
from hypothesis import strategies as st

from accel.config import CONFIGS
from compiler.timing.steps import mask_steps, stream_steps

CONFIG = CONFIGS["arty-35"]
SHAPE = {"kernel_height": 1, "kernel_width": 1, "blocks": 1, "split": 0, "dynamic": 0, "first_block": 0}
MASKS = st.integers(0, (1 << CONFIG.block_channels) - 1)


@given(MASKS, MASKS, st.sampled_from([2, 4, 8]))
def test_every_beat_belongs_to_a_step_or_comes_after_the_last_one(mask, dynamic, lanes):
    kept = mask & dynamic
    steps, rest = mask_steps(mask, kept, lanes)
    assert sum(steps) + rest == mask.bit_count()
    assert len(steps) == -(-kept.bit_count() // lanes)
    assert rest == (mask >> kept.bit_length()).bit_count()


@given(st.lists(MASKS, min_size=1, max_size=9), st.integers(1, 3), st.integers(1, 32), st.sampled_from([0, 1]))
def test_a_convs_cycles_and_beats_add_up(masks, taps, pixels, split):
    shape = {**SHAPE, "kernel_height": taps, "blocks": len(masks), "split": split}
    sets, data, steps = CONFIG.clusters if split else 1, b"", []
    for first in range(0, len(masks), CONFIG.masks_per_header):
        group = masks[first:first + CONFIG.masks_per_header]
        data += sum(mask << CONFIG.block_channels * i for i, mask in enumerate(group)).to_bytes(CONFIG.beat_bytes, "little")
        for mask in group:
            data += bytes(mask.bit_count() * taps * sets * CONFIG.beat_bytes)
            steps += mask_steps(mask, mask, CONFIG.lanes)[0] * taps
    found = stream_steps(CONFIG, data, shape, pixels, {})
    assert found.beats == len(data) // CONFIG.beat_bytes
    assert found.count == len(steps)
    least = sum(max(pixels, beats * sets) for beats in steps)
    assert least <= sum(chunk.cycles for chunk in found.chunks) <= least + -(-len(masks) // CONFIG.masks_per_header)


def test_a_depthwise_step_takes_two_beats():
    data = (3).to_bytes(16, "little") + bytes(9 * 2 * 16)
    found = stream_steps(CONFIG, data, {**SHAPE, "kernel_height": 3, "kernel_width": 3, "depthwise": 1}, 1, {})
    assert (found.count, found.beats) == (9, 19)
    assert sum(chunk.cycles for chunk in found.chunks) == 9 * 2 + 1


def test_beats_of_channels_that_a_dynamic_mask_clears_are_taken_with_the_next_step():
    data = (0xFF).to_bytes(16, "little") + bytes(8 * 16)
    found = stream_steps(CONFIG, data, {**SHAPE, "dynamic": 1}, 1, {0: 0x0F})
    assert (found.count, found.rest, found.beats) == (1, 4, 9)
    nothing = stream_steps(CONFIG, data, {**SHAPE, "dynamic": 1}, 1, {})
    assert (nothing.count, nothing.rest, nothing.chunks) == (0, 9, ())
