# SPDX-License-Identifier: BSD-2-Clause
"""The golden model's compute engine on single tiles: packed windows, dynamic and filter masks, pooled drains."""

import numpy as np
import pytest

from accel import isa
from accel.config import CONFIGS
from accel.golden.compute import Compute
from accel.golden.fault import ProgramFault
from accel.registers import FILTER_WORDS

TINY = CONFIGS["tiny"]
COLUMNS, WORD = TINY.columns, TINY.block_channels


def fields(name, **values):
    return isa.decode(isa.encode(name, **values))[1]


def stream_of(masks, weights, sets=1):
    """Return beats: a header for each 4 masks, weights [rows, COLUMNS], parameters that scale by 1."""
    header = sum(mask << WORD * i for i, mask in enumerate(masks)).to_bytes(TINY.beat_bytes * -(-len(masks) // TINY.masks_per_header), "little")
    record = np.array([0, 1 << 30], "<i4").tobytes() + bytes([1]) + bytes(7)
    data = header + np.asarray(weights, np.int8).tobytes() + record * COLUMNS * sets
    return iter([data[i:i + TINY.beat_bytes] for i in range(0, len(data), TINY.beat_bytes)])


def run_tile(buffer, stream, shape, walk, tile, drain=(), conv=(), masks=(), filters=None):
    """Return the int8 outputs [beats, COLUMNS] of one CONV on cluster 0; `buffer` is int8 bytes."""
    buffers = np.zeros((TINY.clusters, TINY.activation_words, WORD), np.int8)
    buffers[0].reshape(-1)[:len(buffer)] = buffer
    outputs = []
    compute = Compute(TINY, buffers, stream, outputs, filters or [(1 << COLUMNS) - 1] * FILTER_WORDS)
    one = {"kernel_height": 1, "kernel_width": 1, "blocks": 1, "stride_y": 1, "stride_x": 1, "height": 1, "width": 1, "output_width": 1}
    compute.setting("SHAPE", fields("SHAPE", **one | shape), 0)
    compute.setting("WALK", fields("WALK", **walk), 0)
    compute.setting("DRAIN", fields("DRAIN", clamp_min=-128, clamp_max=127, **dict(drain)), 0)
    for block, channels in enumerate(masks):
        compute.setting("MASK", fields("MASK", block=block, channels=channels), 0)
    compute.setting("TILE", fields("TILE", cluster=0, **tile), 0)
    compute.setting("TILE", fields("TILE", cluster=1), 0)
    compute.conv(fields("CONV", columns=COLUMNS, **{"pixels": tile["pixels"], **dict(conv)}), 0)
    return np.array([np.frombuffer(beat, np.int8) for beat in outputs])


def test_a_packed_window_reads_bytes_at_any_address_and_padding_at_both_ends():
    row = np.arange(1, 11, dtype=np.int8)
    weights = np.outer([1, 2, 3, 1], [1, -1, 2, 0])
    shape = {"packed": 1, "width": 10, "stride_x": 2, "first_x": -3, "output_width": 5, "zero_point": 7}
    outputs = run_tile(row, stream_of([0b101101], weights), shape, {"pixel_step": 2}, {"address": -3, "x": -3, "pixels": 5})
    padded = np.concatenate([[7, 7, 7], row, [7] * 6])
    sums = [padded[2 * p + np.array([0, 2, 3, 5])] @ [1, 2, 3, 1] for p in range(5)]
    np.testing.assert_array_equal(outputs, np.clip(np.outer(sums, [1, -1, 2, 0]), -128, 127))


def test_a_packed_step_wider_than_a_beat_reads_what_the_hardware_reads():
    row = np.arange(1, 25, dtype=np.int8)
    shape = {"packed": 1, "width": 24}
    outputs = run_tile(row, stream_of([0b10000001], np.ones((2, COLUMNS))), shape, {}, {"address": 3, "pixels": 1})
    # Byte 3 lies in the beat from 0 on, so the word read is bytes 0 to 7, and byte 10 wraps to 2.
    assert outputs[0, 0] == row[3] + row[2]


@pytest.mark.parametrize("zero_point", [-128, 0, 17])
def test_a_dynamic_mask_leaves_channels_out_and_subtracts_the_zero_points_share(zero_point):
    pixels = np.arange(24, dtype=np.int8).reshape(3, WORD)
    weights = np.array([[1, 2, 0, -1], [3, 0, 1, 1], [-2, 1, 1, 0]])
    shape = {"dynamic": 1, "width": 2, "output_width": 3, "first_x": -1, "zero_point": zero_point}
    outputs = run_tile(pixels[:2].reshape(-1), stream_of([0b111], weights), shape, {"pixel_step": WORD},
                       {"address": -WORD, "x": -1, "pixels": 3}, masks=[0b101])
    inputs = np.concatenate([np.full((1, WORD), zero_point), pixels[:2]])[:, [0, 2]] - zero_point
    np.testing.assert_array_equal(outputs, np.clip(inputs @ weights[[0, 2]], -128, 127))


def test_a_dynamic_tile_has_one_pixel_less():
    with pytest.raises(ProgramFault):
        run_tile([], stream_of([0], []), {"dynamic": 1, "output_width": 8}, {}, {"pixels": TINY.tile_pixels}, masks=[0])


def test_a_filter_that_is_off_gives_the_zero_point_clamped():
    filters = [0] * FILTER_WORDS
    filters[5] = 0b0101
    outputs = run_tile([1, 2, 3], stream_of([0b111], np.full((3, COLUMNS), 4)), {}, {}, {"pixels": 1}, {"zero_point": 9}, {"filters": 5, "planes": 1},
                       filters=filters)
    assert outputs.tolist() == [[33, 9, 33, 9]]


def test_a_void_tile_takes_nothing_from_the_stream():
    stream = iter([b"left"])
    outputs = run_tile([1, 2, 3], stream, {"output_width": 2}, {}, {"pixels": 2}, {"zero_point": -9}, {"void": 1})
    assert outputs.tolist() == [[-9] * COLUMNS] * 2 and next(stream) == b"left"


def test_a_pooled_drain_gives_the_largest_of_each_square_in_raster_order():
    pixels = np.zeros((8, WORD), np.int8)
    pixels[:, 0] = [1, 2, 9, 4, 5, 6, 7, 3]
    outputs = run_tile(pixels.reshape(-1), stream_of([1], [[1, -1, 2, 0]]), {"width": 4, "height": 2, "output_width": 4},
                       {"pixel_step": WORD, "row_step": WORD}, {"pixels": 8}, {"pool_columns": 4})
    assert outputs.tolist() == [[6, -1, 12, 0], [9, -3, 18, 0]]
