# SPDX-License-Identifier: BSD-2-Clause
"""The harness: registers by name, memory, traffic, and a checker that watches the core."""

import pytest

from accel.config import CONFIGS
from accel.registers import IDENTIFICATION
from tests.support.core_check import fitting_network
from tests.support.core_harness import Core

TINY = CONFIGS["tiny"]
ORIGIN = 0x1000


@pytest.fixture
def core():
    with Core(TINY, bytearray(range(256)) * 16, ORIGIN) as core:
        yield core


def test_registers_have_names_and_keep_what_is_written(core):
    for number, name in enumerate(("PROGRAM", "LENGTH", "READ_BASE", "READ_LIMIT", "WRITE_BASE", "WRITE_LIMIT")):
        core.write(name, 0x80000010 + number)
    registers = core.registers()
    assert [registers[name] for name in ("ID", "CONFIG_HASH", "STATUS")] == [IDENTIFICATION, TINY.hash, 0]
    assert (registers["PROGRAM"], registers["WRITE_LIMIT"]) == (0x80000010, 0x80000015)


def test_memory_is_written_and_dumped_by_address(core):
    core.load(ORIGIN + 16, b"abcd")
    assert core.dump(ORIGIN + 14, 8) == bytes([14, 15]) + b"abcd" + bytes([20, 21])
    assert len(core.dump()) == 4096
    with pytest.raises(ValueError, match="outside"):
        core.load(ORIGIN + 4095, b"ab")


def test_a_slow_memory_makes_the_same_job_longer_and_moves_the_same_beats():
    _, model = fitting_network(23, TINY)
    runs = []
    for latency, spread in ((2, 0), (60, 0), (60, 40)):
        memory = bytearray(model.image.ljust(model.end - model.base, b"\0"))
        with Core(TINY, memory, model.base, latency=latency, spread=spread) as core:
            error, _, cycles = core.run(model.program_address, len(model.words), model.read_window, model.write_window)
            runs.append((cycles, core.traffic(), core.dump()))
        assert error == 0
    assert runs[0][0] < runs[1][0] < runs[2][0]
    assert runs[0][1:] == runs[1][1:] == runs[2][1:]


def test_the_checker_watches_the_core():
    """The harness hears of a narrower window that the core was not told."""
    _, model = fitting_network(23, TINY)
    memory = bytearray(model.image.ljust(model.end - model.base, b"\0"))
    with Core(TINY, memory, model.base) as core:
        core.watch_reads(model.base, model.program_address + 16)
        with pytest.raises(AssertionError, match="AR lies outside its window"):
            core.run(model.program_address, len(model.words), model.read_window, model.write_window)
