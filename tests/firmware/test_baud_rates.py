# SPDX-License-Identifier: BSD-2-Clause
"""The line's rate is raised after the start, and lowered where it carries no frames, with the firmware's own sources on the host."""

import termios
import time

import numpy as np
import pytest

from accel.errors import UserError
from firmware.built_for import BuiltFor
from tests.support.host_firmware import DamagedLine, HostFirmware, compile_firmware
from tests.support.host_session import CONFIG, FREE, run_by_cpu, session_at
from tests.support.rated_line import RatedLine

FIRST, RAISED = 115200, 1_000_000


@pytest.fixture(scope="module")
def rated_program(tmp_path_factory):
    return compile_firmware(CONFIG, tmp_path_factory.mktemp("firmware"), BuiltFor(baud=FIRST), "-DRATED_LINE")


@pytest.fixture
def rated(rated_program):
    with HostFirmware(rated_program) as firmware:
        yield firmware


def test_the_rate_is_raised_and_a_model_runs_at_it(rated, digits):
    network, binary, images = digits
    line = RatedLine(rated, FIRST)
    session = session_at(line)
    assert session.identity.baud == FIRST and session.change_baud(RAISED)
    line.used.clear()
    session.load_model(binary)
    run_by_cpu(session, network, images[0])
    assert line.used == {RAISED} and session.raised and session.repeated == 0
    session.release()
    assert not session.raised and line.baudrate == FIRST
    session.write(FREE, b"after")
    assert session.read(FREE, 5) == b"after"


@pytest.mark.parametrize("way", ["fastest_there", "fastest_back"])
def test_a_line_that_does_not_carry_the_rate_goes_on_at_the_first_one(rated, digits, way):
    network, binary, images = digits
    line = RatedLine(rated, FIRST, **{way: 500_000})
    session = session_at(line)
    assert not session.change_baud(RAISED)
    assert RAISED in line.used and line.baudrate == FIRST and not session.raised
    session.load_model(binary)
    run_by_cpu(session, network, images[0])


class RefusingLine(RatedLine):
    """A RatedLine to whose driver all but the first rate are refused by `error`."""

    error = None

    @property
    def baudrate(self):
        """The rate of the host's side; pyserial keeps a rate that the driver refused too."""
        return self._baudrate

    @baudrate.setter
    def baudrate(self, baud):
        self._baudrate = baud
        if baud != FIRST:
            raise self.error


@pytest.mark.parametrize("error", [ValueError("Failed to set custom baud rate"), OverflowError("too large"), termios.error(22, "Invalid argument")],
                         ids=lambda error: type(error).__name__)
def test_a_host_whose_driver_refuses_the_rate_goes_on_at_the_first_one(rated, error):
    line = RefusingLine(rated, FIRST)
    line.error = error
    session = session_at(line)
    assert not session.change_baud(RAISED)
    assert line.used == {FIRST} and line.baudrate == FIRST and not session.raised
    session.write(FREE, b"slow")
    assert session.read(FREE, 4) == b"slow"


@pytest.mark.parametrize("way", ["fastest_there", "fastest_back"])
def test_a_line_that_fails_later_at_the_rate_is_lowered_by_both_sides(rated, way):
    line = RatedLine(rated, FIRST)
    session = session_at(line, patience=10)
    assert session.change_baud(RAISED)
    setattr(line, way, 500_000)
    session.write(FREE, b"slow now")
    assert session.read(FREE, 8) == b"slow now"
    assert not session.raised and line.baudrate == FIRST and session.repeated > 1


def test_a_host_killed_at_the_raised_rate_is_followed_by_one_at_the_first(rated):
    assert session_at(RatedLine(rated, FIRST)).change_baud(RAISED)
    line = RatedLine(rated, FIRST, seed=1)
    assert session_at(line).identity.baud == FIRST and line.used == {FIRST}


def test_a_host_killed_amid_the_change_is_followed_by_another(rated):
    session = session_at(RatedLine(rated, FIRST))
    session._ask("SPEED", RAISED.to_bytes(4, "little"))
    begun = time.monotonic()
    assert session_at(RatedLine(rated, FIRST)).identity.baud == FIRST
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("seed", range(3))
def test_a_damaged_line_keeps_the_rate_and_every_answer_is_right(rated, digits, seed):
    network, binary, images = digits
    line = RatedLine(DamagedPairs(rated, np.random.default_rng(seed)), FIRST)
    session = session_at(line, silence=0.05)
    raised = session.change_baud(RAISED)
    session.load_model(binary)
    run_by_cpu(session, network, images[0])
    assert raised and session.raised and session.repeated > 0, f"seed {seed}"


class DamagedPairs(DamagedLine):
    """A DamagedLine that keeps the pairs of a RatedLine together: only their second bytes are flipped, lost or doubled."""

    def _carry(self, data, rate):
        if not data or self.rng.random() >= rate:
            return data
        place = 2 * int(self.rng.integers(len(data) // 2))
        self.damaged += 1
        pair = data[place:place + 2]
        changed = (bytes([pair[0], pair[1] ^ int(self.rng.integers(1, 256))]), b"", pair + pair)[self.rng.integers(3)]
        return data[:place] + changed + data[place + 2:]

    def read(self, size):
        """Return bytes that are there, whole pairs; b"" where none comes in time."""
        data = self.port.read(size)
        while len(data) % 2:
            data += self.port.read(1)
        return self._carry(data, self.rate * len(data) / 2 / self.typical)


@pytest.mark.parametrize("baud", [300, 200_000_000])
def test_a_rate_that_the_clock_cannot_make_is_refused(rated, baud):
    session = session_at(RatedLine(rated, FIRST))
    with pytest.raises(UserError, match="the firmware refuses .* baud: the line cannot have this rate"):
        session.change_baud(baud)
    assert session.read(FREE, 4) == bytes(4)


def test_a_uart_without_the_register_says_so_and_the_session_goes_on(firmware):
    session = session_at(firmware)
    assert session.identity.baud == 0
    with pytest.raises(UserError, match="cannot be changed: the gateware's UART has no register for it"):
        session.change_baud(RAISED)
    assert session.read(FREE, 4) == bytes(4)


