# SPDX-License-Identifier: BSD-2-Clause
"""How a serial port is opened."""

import os

import pytest
import serial

from accel.errors import UserError
from firmware.link import open_port


@pytest.fixture
def terminal():
    """The path of a pseudo-terminal."""
    ends = os.openpty()
    yield os.ttyname(ends[1])
    for end in ends:
        os.close(end)


def test_a_port_is_asked_to_hold_no_answer_back(terminal, monkeypatch):
    asked = []
    monkeypatch.setattr(serial.Serial, "set_low_latency_mode", lambda port, mode: asked.append((port.name, mode)), raising=False)
    open_port(terminal).close()
    assert asked == [(terminal, True)]


@pytest.mark.parametrize("error", [ValueError, NotImplementedError, AttributeError])
def test_a_port_that_cannot_be_asked_is_opened_all_the_same(terminal, monkeypatch, error):
    def refuse(port, mode):
        raise error("not here")
    monkeypatch.setattr(serial.Serial, "set_low_latency_mode", refuse, raising=False)
    port = open_port(terminal)
    assert port.is_open
    port.close()


def test_a_rate_that_the_driver_refuses_is_a_sentence(terminal):
    with pytest.raises(UserError, match="cannot open the serial port"):
        open_port(terminal, 5_000_000_000)
