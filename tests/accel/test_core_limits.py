# SPDX-License-Identifier: BSD-2-Clause
"""Sizes that the core's counters do not hold stop with an error that names an instruction; nothing is read outside the window."""

import pytest

from accel import isa
from accel.config import CONFIGS
from accel.registers import ERROR_CODES
from tests.support.core_harness import Core

TINY = CONFIGS["tiny"]
BEGIN = isa.encode("BEGIN", isa_version=isa.ISA_VERSION, config_hash=TINY.hash)
END = isa.encode("END")
ORIGIN, SIZE = 0x1000, 0x2000


def run(words, length=None, stall=0):
    """Return (error, position) of the core for a program at ORIGIN; the read window ends amid the memory."""
    memory = bytearray(isa.to_bytes(words).ljust(SIZE, b"\0"))
    window = ORIGIN, ORIGIN + SIZE // 2
    with Core(TINY, memory, ORIGIN, 1, stall) as core:
        return core.run(ORIGIN, len(words) if length is None else length, window, window, limit=100_000)[:2]


@pytest.mark.parametrize("length", [1 << 16, (1 << 16) + 3, (1 << 22) + 3, 1 << 30, (1 << 31) + 2])
def test_a_length_beyond_what_positions_can_name_is_refused(length):
    assert run([BEGIN, END, END], length)[0] == ERROR_CODES.NO_BEGIN


def test_a_deadlock_after_the_end_was_reached_names_an_instruction():
    """Weights that no CONV takes fill the FIFO while no instruction waits in a queue."""
    words = [BEGIN, isa.encode("WEIGHTS", address=ORIGIN, beats=TINY.weight_fifo_beats + 20), END]
    error, position = run(words)
    assert error in (ERROR_CODES.DEADLOCK, ERROR_CODES.LEFTOVER) and position < len(words)
