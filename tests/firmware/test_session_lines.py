# SPDX-License-Identifier: BSD-2-Clause
"""Sessions over lines that damage, lose, double and fall silent, with hosts that are killed, text in between, and no one at the other end."""

import threading
import time

import numpy as np
import pytest
import serial

from accel.errors import UserError
from compiler.binary import HEADER, MODEL_ADDRESS
from firmware.frames import ANSWERS, ENQ, MOST_PAYLOAD, PROTOCOL, REQUESTS, Frame, FrameReader, encode, pack_words
from firmware.session import Session
from tests.support.host_firmware import JOB_CYCLES, DamagedLine, HostFirmware
from tests.support.host_session import CONFIG, FREE, jobs_of, run_by_cpu, session_at
from tests.support.slices import slice_of


@pytest.mark.parametrize("seed", slice_of(range(12), 4))
@pytest.mark.parametrize("rate", [0.02, pytest.param(0.2, marks=pytest.mark.full)])
def test_every_answer_over_a_damaged_line_is_right(firmware, digits, rate, seed):
    network, binary, images = digits
    line = DamagedLine(firmware, np.random.default_rng(seed), rate)
    session = session_at(line, silence=0.05)
    session.load_model(binary)
    assert session.read(MODEL_ADDRESS, len(binary.data)) == binary.data, f"seed {seed}"
    for image in images[:2]:
        run_by_cpu(session, network, image)
    jobs = jobs_of(session)
    for count in range(1, 9):
        assert session.run(images[0]).cycles == JOB_CYCLES
        assert jobs_of(session) == jobs + count, f"seed {seed}: a request was executed twice or never"
    assert line.damaged > 3 and session.repeated > 0, "the line did no damage"


class Forgetful:
    """A port on which every answer is lost the first `times` times."""

    def __init__(self, port, times):
        self.port, self.times, self.lost, self.sent = port, times, 0, []

    in_waiting = 1

    def write(self, data):
        self.lost = self.lost + 1 if self.sent and self.sent[-1] == data else 0
        self.sent.append(data)
        self.port.write(data)

    def read(self, size):
        """Return what comes; nothing where it has to be lost."""
        data = self.port.read(4096)
        return b"" if self.lost < self.times else data


def test_a_request_whose_answers_are_lost_is_executed_once(firmware, digits):
    session = session_at(firmware)
    session.load_model(digits[1])
    port = session.port = Forgetful(firmware, 3)
    session.silence = 0.05
    for count in range(1, 4):
        session.run(digits[2][0])
        runs = [line for line in port.sent if FrameReader().feed(line)[0].kind == REQUESTS["RUN"][0]]
        assert len(runs) == 4 * count
        assert jobs_of(session) == count


def test_a_second_of_silence_is_outlived(firmware, digits):
    network, binary, images = digits
    line = DamagedLine(firmware, np.random.default_rng(0), 0)
    session, begun = session_at(line), time.monotonic()
    session.load_model(binary, lambda count: line.fall_silent(1) if not session.repeated else None)
    assert time.monotonic() - begun > 1 and session.repeated >= 5
    run_by_cpu(session, network, images[0])


class Killed(Exception):
    """The host is no more."""


@pytest.mark.parametrize("seed", range(4))
def test_a_host_killed_amid_a_frame_and_started_again_needs_no_reset(firmware, digits, seed):
    network, binary, images = digits
    rng = np.random.default_rng(seed)
    for _ in range(3):
        session, left = session_at(firmware), int(rng.integers(1, len(binary.data)))

        def write(data):
            nonlocal left
            firmware.write(data[:left])
            left -= len(data)
            if left <= 0:
                raise Killed

        session.port = type("Port", (), {"write": staticmethod(write), "read": firmware.read, "in_waiting": 1})()
        with pytest.raises(Killed):
            session.load_model(binary)
    session = session_at(firmware)
    with pytest.raises(UserError, match="no model has been loaded in this session"):
        session.run(images[0])
    session.load_model(binary)
    run_by_cpu(session, network, images[0])


@pytest.mark.parametrize("frame, sentence", [
    (Frame(0x70, 1), "does not know the request"),
    (Frame(REQUESTS["RUN"][0], 1, b"more"), "another size than this firmware takes"),
    (Frame(REQUESTS["WRITE"][0], 1, b"\0\0\0"), "another size than this firmware takes"),
    (Frame(REQUESTS["RUN"][0], 1, protocol=PROTOCOL + 1), "another version of the protocol"),
])
def test_a_request_of_another_protocol_is_refused(firmware, frame, sentence):
    session_at(firmware)
    firmware.write(encode(frame))
    answer = next_frame(firmware)
    assert answer.kind == ANSWERS["REFUSED"] and answer.sequence == 1 and sentence in answer.payload.decode()


def next_frame(port):
    """Return the next frame from a port."""
    reader, found, deadline = FrameReader(), [], time.monotonic() + 5
    while not found and time.monotonic() < deadline:
        found = reader.feed(port.read(4096))
    frame, = found
    return frame


def test_the_same_sequence_number_with_another_request_is_another_request(firmware):
    session_at(firmware)
    for address, data in ((FREE, b"first"), (FREE + 8, b"other")):
        firmware.write(encode(Frame(REQUESTS["WRITE"][0], 5, pack_words(address) + data)))
        assert next_frame(firmware).kind == ANSWERS["DONE"]
    assert session_at(firmware).read(FREE, 13) == b"first\0\0\0other"


def ask_text(port, line):
    """Return the lines that the console answers to one; it ends with the next ENQ."""
    port.write(line)
    said, deadline = b"", time.monotonic() + 5
    while not said.endswith(bytes([ENQ])) and time.monotonic() < deadline:
        said += port.read(4096)
    return said.replace(bytes([ENQ]), b"").decode(errors="replace").splitlines()


def test_text_and_frames_share_the_line(firmware, digits):
    session = session_at(firmware)
    firmware.read(4096)
    for _ in range(3):
        said = ask_text(firmware, b"help\n")
        assert said[0].startswith("@help run ADDRESS") and said[-1] == "@ok"
        session.write(FREE, b"text")
        firmware.read(4096)
        assert ask_text(firmware, f"dump 0x{FREE:x} 4\n".encode()) == ["@bytes 74657874", "@ok"]
    session.load_model(digits[1])
    firmware.write(b"help\nnonsense\n" + b"x" * 200 + b"\n")
    run_by_cpu(session, digits[0], digits[2][0])


def test_whoever_types_by_hand_may_correct_the_line(firmware):
    session_at(firmware)
    firmware.read(4096)
    said = ask_text(firmware, b"\b\bhepp\b\x7flp\n")
    assert said == ask_text(firmware, b"help\n") and said[-1] == "@ok"


def test_the_enter_key_ends_a_line_and_what_is_typed_is_shown_from_then_on(firmware):
    session = session_at(firmware)
    firmware.read(4096)
    helped = ask_text(firmware, b"help\n")
    assert ask_text(firmware, b"help\r") == ["help", *helped], "typed blind, and shown when it ended"
    assert ask_text(firmware, b"hellp\b\bp\r") == ["hellp\b \b\b \bp", *helped]
    assert ask_text(firmware, b"\r") == [""]
    assert ask_text(firmware, b"help\r\n") == ["help", *helped]
    assert ask_text(firmware, b"help\r\n") == ["help", *helped], "the LF behind a CR is no line of its own"
    assert ask_text(firmware, b"help\n")[1:] == ask_text(firmware, b"help\n") == helped, "who ends lines with LF is not echoed"
    assert ask_text(firmware, b"help\r")[0] == "help"
    session.write(FREE, b"\rhelp\r\n")
    assert session.read(FREE, 7) == b"\rhelp\r\n" and session.repeated == 0
    firmware.read(4096)
    assert ask_text(firmware, b"help\n") == helped, "nor is who has spoken by frames"


def test_what_is_left_of_a_damaged_frame_is_one_line_however_many_returns_it_carried(firmware):
    session_at(firmware)
    carried = pack_words(FREE + 64) + f"\r\rpoke 0x{FREE:x} 7\r".encode()
    firmware.write(encode(Frame(REQUESTS["WRITE"][0], 9, carried))[1:])
    assert next_frame(firmware).kind == ANSWERS["BROKEN"]
    assert session_at(firmware).read(FREE, 4) == bytes(4)


@pytest.mark.parametrize("noise", [encode(Frame(0x85, 9))[:-4] + b"\n", b"poke\xff 0x41800000 1\n", encode(Frame(0x85, 9))[1:]])
def test_what_follows_noise_is_no_command_until_it_is_said_again(firmware, noise):
    session_at(firmware)
    firmware.write(noise)
    assert next_frame(firmware).kind == ANSWERS["BROKEN"]
    time.sleep(0.05)
    firmware.read(4096)
    poke = f"poke 0x{FREE:x} 7\n".encode()
    assert ask_text(firmware, poke) == ["@error there was noise on the line: say it again"]
    assert session_at(firmware).read(FREE, 4) == bytes(4)
    firmware.read(4096)
    assert ask_text(firmware, poke) == ["@ok"]
    assert session_at(firmware).read(FREE, 4) == b"\7\0\0\0"


@pytest.mark.parametrize("seed", slice_of(range(24), 6))
def test_garbage_changes_nothing_and_is_recovered_from(firmware, digits, seed):
    network, binary, images = digits
    rng, session = np.random.default_rng(seed), session_at(firmware)
    session.load_model(binary)
    for _ in range(10):
        firmware.write(rng.bytes(int(rng.integers(1, 400))))
        session._ask("IDENTIFY")
    assert session.read(MODEL_ADDRESS, len(binary.data)) == binary.data, f"seed {seed}"
    run_by_cpu(session, network, images[0])
    assert jobs_of(session) == 0


class Deaf:
    """A port at which nothing is."""

    in_waiting = 0

    def write(self, data):
        """Send bytes into the void."""

    def read(self, size):
        """Return nothing, after a while."""
        time.sleep(0.01)
        return b""


def test_a_line_without_firmware_ends_with_a_sentence():
    with pytest.raises(UserError, match="not answered IDENTIFY for 0.3 seconds: look whether the board runs this firmware"):
        session_at(Deaf(), patience=0.3)


@pytest.mark.parametrize("operation", ["read", "write"])
def test_a_board_that_was_unplugged_ends_with_a_sentence(firmware, operation):
    def unplugged(_):
        raise serial.SerialException("device disconnected")

    session = session_at(firmware)
    session.port = type("Port", (), {"in_waiting": 1, "read": firmware.read, "write": firmware.write, operation: staticmethod(unplugged)})
    with pytest.raises(UserError, match=r"the serial port failed \(device disconnected\): connect the board again"):
        session.read(FREE, 4)


def test_a_dead_partner_is_noticed_while_waiting():
    def gone():
        raise UserError("the simulation ended")

    with pytest.raises(UserError, match="the simulation ended"):
        session_at(Deaf(), check_alive=gone)


def test_firmware_that_is_started_late_is_found(program):
    port = DamagedLine(Deaf(), np.random.default_rng(0), 0)
    with HostFirmware(program) as firmware:
        timer = threading.Timer(0.5, setattr, (port, "port", firmware))
        timer.start()
        assert session_at(port).identity.config == CONFIG.hash


@pytest.mark.parametrize("payload", [4 * len(HEADER) - 1, MOST_PAYLOAD + 1])
def test_a_payload_that_cannot_work_is_refused(payload):
    with pytest.raises(ValueError, match=f"payload is {payload}, but it must be"):
        Session(Deaf(), payload=payload)
