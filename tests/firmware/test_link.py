# SPDX-License-Identifier: BSD-2-Clause
"""How a serial port is opened, and how long a firmware that says nothing is waited for."""

import os

import pytest
import serial

from accel.errors import UserError
from firmware.link import Link, open_port


@pytest.fixture
def ends():
    """Both ends of a pseudo-terminal."""
    ends = os.openpty()
    yield ends
    for end in ends:
        os.close(end)


@pytest.fixture
def terminal(ends):
    """The path of a pseudo-terminal."""
    return os.ttyname(ends[1])


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


def test_silence_is_measured_by_the_clock_that_is_given(terminal, ends):
    answers, now = [b"@ready\n\x05"], [0]

    def check_alive():
        if answers:
            os.write(ends[0], answers.pop())
        else:
            now[0] = 901

    link = Link(terminal, check_alive, silence=900, clock=lambda: now[0])
    link.wait_ready()
    with pytest.raises(UserError, match="the firmware has been silent for 900 seconds; it last said b''"):
        link.command("status")
    link.close()
