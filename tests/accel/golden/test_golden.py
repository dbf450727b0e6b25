# SPDX-License-Identifier: BSD-2-Clause
"""The golden model on small handwritten programs."""

import numpy as np
import pytest

from accel import isa
from accel.config import CONFIGS
from accel.golden import Golden
from accel.registers import ERROR_CODES, ERRORS

TINY = CONFIGS["tiny"]
WINDOW = (0, 0x2000)


def begin(**changes):
    return isa.encode("BEGIN", **{"isa_version": isa.ISA_VERSION, "config_hash": TINY.hash, **changes})


def identity_layer(pixels=3, weights_beats=None, **conv):
    """A 1x1 convolution of one block with one channel set: output k = activation * weight k, on cluster 0."""
    memory = bytearray(0x2000)
    records = b"".join(np.array([0, 1 << 30], "<i4").tobytes() + bytes([1]) + bytes(7) for _ in range(TINY.columns))
    stream = (0b10).to_bytes(4, "little") + np.array([1, 2, -3, 4], np.int8).tobytes() + records
    memory[0x100:0x100 + len(stream)] = stream
    memory[0x800:0x800 + 4 * pixels] = np.arange(4 * pixels, dtype=np.int8).tobytes()
    beats = len(stream) // 4 if weights_beats is None else weights_beats
    sync = {"signal_a": isa.semaphore(0)}
    words = [
        begin(),
        isa.encode("LOAD_SHAPE", item_bytes=4, item_step=2),
        isa.encode("LOAD", address=0x800, rows=1, length=4 * pixels, clusters=1, **sync),
        isa.encode("WEIGHTS", address=0x100, beats=beats),
        isa.encode("SHAPE", kernel_height=1, kernel_width=1, blocks=1, stride_y=1, stride_x=1, height=1, width=pixels,
                   output_width=pixels),
        isa.encode("WALK", pixel_step=TINY.block_channels),
        isa.encode("DRAIN", clamp_min=-128, clamp_max=127),
        isa.encode("TILE", cluster=0, pixels=pixels),
        isa.encode("TILE", cluster=1, pixels=0),
        isa.encode("CONV", **{"pixels": pixels, "columns": 4, "wait_a": isa.semaphore(0), **conv}),
        isa.encode("STORE", address=0x1000, beats=pixels),
        isa.encode("LAYER", index=5),
        isa.encode("END"),
    ]
    return memory, words


def test_a_one_by_one_convolution_multiplies_the_set_channel():
    memory, words = identity_layer()
    result = Golden(TINY, memory).run(words, WINDOW, WINDOW)
    assert result.error == 0
    expected = np.arange(12).reshape(3, 4)[:, 1:2] * np.array([1, 2, -3, 4])
    np.testing.assert_array_equal(np.frombuffer(memory, np.int8)[0x1000:0x100C].reshape(3, 4), expected)
    record = result.records[5]
    assert (record["macs"], record["load_bytes"], record["store_bytes"]) == (12, 12, 12)


@pytest.mark.parametrize(("change", "error", "position"), [
    (lambda w: [isa.encode("END")], "NO_BEGIN", 0),
    (lambda w: w[:-1], "NO_BEGIN", 12),
    (lambda w: [begin(isa_version=99)] + w[1:], "BAD_VERSION", 0),
    (lambda w: [begin(config_hash=1)] + w[1:], "BAD_CONFIG", 0),
    (lambda w: w[:4] + [63] + w[4:], "BAD_OPCODE", 4),
    (lambda w: w[:2] + [isa.encode("LOAD", address=0x1FFC, rows=1, length=8, clusters=1)] + w[3:], "READ_WINDOW", 2),
    (lambda w: w[:2] + [isa.encode("LOAD", address=0x800, rows=1, length=8, destination=511, clusters=1)] + w[3:], "BUFFER", 2),
    (lambda w: w[:2] + [isa.encode("LOAD", address=0x800, rows=1, length=7, clusters=1)] + w[3:], "BAD_FIELD", 2),
    (lambda w: w[:1] + [isa.encode("LOAD_SHAPE", item_step=2)] + w[2:], "BAD_FIELD", 1),
    (lambda w: w[:10] + [isa.encode("STORE", address=0x2000, beats=3)] + w[11:], "WRITE_WINDOW", 10),
    (lambda w: w[:9] + [isa.encode("CONV", pixels=3, wait_a=isa.semaphore(7))] + w[10:], "DEADLOCK", 9),
    (lambda w: w[:9] + [isa.encode("CONV", pixels=0)] + w[10:], "BAD_FIELD", 9),
    (lambda w: w[:10] + w[11:], "LEFTOVER", 11),
])
def test_a_bad_program_stops_with_its_error_and_position(change, error, position):
    memory, words = identity_layer()
    result = Golden(TINY, memory).run(change(words), WINDOW, WINDOW)
    assert (ERRORS[result.error][0], result.position) == (error, position)


def test_kept_partial_sums_go_on_in_the_next_convolution():
    memory, words = identity_layer(keep=1)
    stream = bytes(memory[0x100:0x100 + 72])
    memory[0x108:0x108 + 72] = stream
    words[3] = isa.encode("WEIGHTS", address=0x100, beats=20)
    words.insert(10, isa.encode("CONV", pixels=3, columns=4, accumulate=1))
    assert Golden(TINY, memory).run(words, WINDOW, WINDOW).error == ERROR_CODES.NONE
    expected = 2 * np.arange(12).reshape(3, 4)[:, 1:2] * np.array([1, 2, -3, 4])
    np.testing.assert_array_equal(np.frombuffer(memory, np.int8)[0x1000:0x100C].reshape(3, 4), expected)
