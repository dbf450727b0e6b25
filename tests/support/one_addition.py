# SPDX-License-Identifier: BSD-2-Clause
"""A program of one tile whose outputs are its inputs, with an addition, and what may be wrong with it."""

import numpy as np

from accel import isa
from accel.config import CONFIGS
from accel.registers import TABLE_WORDS

TINY = CONFIGS["tiny"]
COLUMNS, WORD = TINY.columns, TINY.block_channels
WINDOW = (0, 0x4000)
STREAM, PIXELS, OPERANDS, TABLES, OUTPUTS = 0x100, 0x800, 0x900, 0xA00, 0x2000
BYTES = np.arange(256).astype(np.uint8).view(np.int8).astype(np.int64)


def record(multiplier, shift):
    return np.array([0, multiplier], "<i4").tobytes() + bytes([shift & 0xFF]) + bytes(7)


def addition(inputs, operands, tables, total, **drain):
    """Return (memory, words): int8 `inputs` [pixels] of channel 0 go unchanged to every column, then `operands` [pixels, COLUMNS] are added."""
    pixels = len(inputs)
    memory = bytearray(WINDOW[1])
    stream = (1).to_bytes(4, "little") + bytes([1] * COLUMNS) + record(1 << 30, 1) * COLUMNS + record(*total) * TINY.requantise_lanes

    def put(address, data):
        memory[address:address + len(data)] = data

    put(STREAM, stream)
    put(PIXELS, np.repeat(np.asarray(inputs, np.int8), COLUMNS).tobytes())
    put(OPERANDS, np.asarray(operands, np.int8).tobytes())
    put(TABLES, np.asarray(tables, "<i4").tobytes())
    words = [
        isa.encode("BEGIN", isa_version=isa.ISA_VERSION, config_hash=TINY.hash),
        isa.encode("LOAD_SHAPE", item_bytes=COLUMNS, item_step=2),
        isa.encode("LOAD", address=PIXELS, rows=1, length=COLUMNS * pixels, clusters=3, signal_a=isa.semaphore(0)),
        isa.encode("LOAD", address=OPERANDS, rows=1, length=COLUMNS * pixels, destination=9999, target=1),
        isa.encode("LOAD_SHAPE", item_bytes=4, item_step=1),
        isa.encode("LOAD", address=TABLES, rows=1, length=4 * TABLE_WORDS, target=2, signal_a=isa.semaphore(1)),
        isa.encode("WEIGHTS", address=STREAM, beats=len(stream) // COLUMNS),
        isa.encode("SHAPE", kernel_height=1, kernel_width=1, blocks=1, stride_y=1, stride_x=1, height=1, width=pixels, output_width=pixels),
        isa.encode("WALK", pixel_step=WORD),
        isa.encode("DRAIN", **{"clamp_min": -128, "clamp_max": 127, "sum_clamp_min": -128, "sum_clamp_max": 127, "add": 1, **drain}),
        isa.encode("TILE", cluster=0, pixels=pixels),
        isa.encode("TILE", cluster=1, pixels=0),
        isa.encode("CONV", pixels=pixels, columns=COLUMNS, wait_a=isa.semaphore(0), wait_b=isa.semaphore(1)),
        isa.encode("STORE", address=OUTPUTS, beats=pixels),
        isa.encode("END")]
    return memory, words


def simple():
    """Return inputs [5], operands [5, COLUMNS] and tables of which a record of (1 << 30, -9) makes input + 2 * operand."""
    rng = np.random.default_rng(1)
    return rng.integers(-20, 20, 5), rng.integers(-20, 20, (5, COLUMNS)), np.concatenate([BYTES << 10, BYTES << 11])


# Place in the words, instruction that is put there, its fields, the error and its position.
FAULTS = [
    (9, "DRAIN", {"add": 1, "pool_columns": 2}, "BAD_FIELD", 9),
    (12, "CONV", {"pixels": 5, "void": 1}, "BAD_FIELD", 12),
    (3, "LOAD", {"address": OPERANDS, "rows": 1, "length": 24, "target": 1}, "LEFTOVER", 14),
    (3, "LOAD", {"address": OPERANDS, "rows": 1, "length": 16, "target": 1}, "DEADLOCK", 12),
    (3, "LOAD", {"address": OPERANDS, "rows": 1, "length": 20, "target": 3}, "BAD_FIELD", 3),
    (5, "LOAD", {"address": TABLES, "rows": 1, "length": 8, "destination": 511, "target": 2}, "BUFFER", 5),
    (13, "STORE", {"address": OUTPUTS, "beats": 5, "copy_clusters": 4}, "BAD_FIELD", 13),
    (13, "STORE", {"address": OUTPUTS, "beats": 5, "copy_clusters": 1, "copy_destination": 508, "copy_pitch": 1}, "BUFFER", 13)]
