# SPDX-License-Identifier: BSD-2-Clause
"""Memory contents land in the banks as LiteDRAM maps addresses: a row of one bank, then the same row of the next; an SRAM is one bank.
Silence is measured in the time that a simulation runs."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from soc.boards import BOARDS
from targets.simulator import Simulation, _bank_lines

BASE = 0x4000_0000


def read_back(lines, address, size, banks):
    """Return what the banks' files hold at an address; bytes that no line sets are None."""
    memories = []
    for bank in lines:
        place, memory = 0, {}
        for line in bank:
            if line.startswith("@"):
                place = int(line[1:], 16)
            else:
                memory[place] = bytes.fromhex(line)[::-1]
                place += 1
        memories.append(memory)
    got = []
    for i in range(address - BASE, address - BASE + size):
        row, inside = divmod(i, banks.row_bytes)
        word = memories[row % banks.count].get((row // banks.count * banks.row_bytes + inside) // banks.word_bytes)
        got.append(None if word is None else word[inside % banks.word_bytes])
    return got


@pytest.mark.parametrize("board", BOARDS.values(), ids=lambda board: board.target)
@pytest.mark.parametrize("offset, size", [(0, 16), (0, 1), (2032, 100), (16 * 1024 - 16, 5000), (0x0004_0000, 40_000)])
def test_contents_are_found_where_they_were_put(offset, size, board):
    data = np.random.default_rng(size).integers(0, 256, size).astype(np.uint8).tobytes()
    lines = _bank_lines([(BASE + offset, data)], BASE, board.banks)
    assert bytes(read_back(lines, BASE + offset, size, board.banks)) == data
    assert sum(len([line for line in bank if not line.startswith("@")]) for bank in lines) == -(-size // board.banks.word_bytes), "surplus words"


def test_contents_at_an_odd_address_are_refused():
    with pytest.raises(ValueError, match="no multiple of 16"):
        _bank_lines([(BASE + 8, b"x")], BASE, BOARDS["arty"].banks)


@pytest.fixture
def busy_simulation():
    """A Simulation whose process does nothing but run."""
    simulation = object.__new__(Simulation)
    simulation.process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    yield simulation
    simulation.process.kill()
    simulation.process.wait()


def test_the_clock_goes_on_while_the_simulation_has_a_cpu_and_hardly_while_it_has_none(busy_simulation):
    began, wall = busy_simulation.clock(), time.monotonic()
    while busy_simulation.clock() - began < 0.5:
        assert time.monotonic() - wall < 60
    busy_simulation.process.send_signal(signal.SIGSTOP)
    time.sleep(0.1)
    stopped, wall = busy_simulation.clock(), time.monotonic()
    time.sleep(0.5)
    assert busy_simulation.clock() - stopped == pytest.approx((time.monotonic() - wall) / 10, abs=0.02)
