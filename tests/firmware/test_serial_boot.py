# SPDX-License-Identifier: BSD-2-Clause
"""The serial boot against a BIOS in Python on a pseudo-terminal, over a line that damages and loses bytes."""

import binascii
import json
import os
import select
import threading
import time
import tty

import numpy as np
import pytest
import serial

from accel.errors import UserError
from firmware.serial_boot import ANSWER, RECEIVER_BYTES, REQUEST, BootFile, SerialBoot, encode_frame, write_boot_files
from tests.support.slices import slice_of

RNG = np.random.default_rng(1)
FILES = [BootFile("model.bin", 0x41000000, RNG.bytes(1500)), BootFile("firmware.bin", 0x40000000, RNG.bytes(700))]


class Bios(threading.Thread):
    """LiteX's BIOS as it takes a serial boot. damage(bytes) returns what arrives of them; deaf: requests that it makes without listening.

    Its receiver keeps RECEIVER_BYTES: more at once are lost, and counted in `dropped`.
    """

    TIMEOUT = 0.05

    def __init__(self, damage=lambda data: data, deaf=0):
        super().__init__(daemon=True)
        self.damage, self.deaf, self.dropped = damage, deaf, 0
        self.memory, self.started, self.received, self.ended = {}, None, b"", False
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        self.port = serial.Serial(os.ttyname(self.slave), timeout=0.02)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended = True
        self.join()
        self.port.close()
        os.close(self.master)
        os.close(self.slave)

    def run(self):
        while not self._asks():
            pass
        while self.started is None and not self.ended:
            self._frame()

    def _bytes(self, count, seconds):
        """Take `count` bytes; fewer where the time is over."""
        deadline = time.monotonic() + seconds
        while len(self.received) < count and not self.ended and (left := deadline - time.monotonic()) > 0:
            if select.select([self.master], [], [], min(left, 0.01))[0]:
                self.received += self.damage(os.read(self.master, 4096))
                self.dropped += max(0, len(self.received) - RECEIVER_BYTES)
        taken, self.received = self.received[:count], self.received[count:]
        return taken

    def _asks(self):
        os.write(self.master, b"Booting from serial...\nPress Q or ESC to abort boot completely.\n" + REQUEST)
        self.deaf -= 1
        if self.deaf < 0 and self._bytes(len(ANSWER), 0.1) == ANSWER:
            return True
        time.sleep(0.1)
        os.write(self.master, b"Timeout\n")
        os.read(self.master, 4096) if select.select([self.master], [], [], 0)[0] else None
        self.received = b""
        return self.ended

    def _frame(self):
        length = self._bytes(1, 0.2)
        if not length:
            return
        rest = self._bytes(3 + length[0], self.TIMEOUT)
        if len(rest) < 3 + length[0] or not length[0]:
            os.write(self.master, b"E")
            return
        if binascii.crc_hqx(rest[2:], 0) != int.from_bytes(rest[:2], "big"):
            os.write(self.master, b"C")
            return
        command, address, data = rest[2], int.from_bytes(rest[3:7], "big"), rest[7:]
        if command == 1:
            self.memory.update({address + i: byte for i, byte in enumerate(data)})
        os.write(self.master, b"K" if command in (1, 2) else b"U")
        if command == 2:
            self.started = address

    def holds(self, file):
        """Whether memory holds the file."""
        return bytes(self.memory.get(file.address + i, 0) for i in range(len(file.data))) == file.data


def load(bios, **options):
    """Run a serial boot; returns how many bytes it said had arrived."""
    arrived = []
    SerialBoot(bios.port, silence=options.pop("silence", 0.1), **options).load(FILES, arrived.append, patience=5)
    return sum(arrived)


@pytest.mark.parametrize("window", [16, RECEIVER_BYTES, 1024])
def test_files_arrive_and_the_last_one_is_started(window):
    with Bios() as bios:
        assert load(bios, window=window) == sum(len(file.data) for file in FILES)
        bios.join(timeout=5)
        assert bios.started == FILES[-1].address
        assert all(bios.holds(file) for file in FILES)


def test_the_receiver_of_the_bios_is_never_asked_to_hold_more_than_it_can():
    with Bios() as bios:
        load(bios)
        assert bios.dropped == 0


def test_an_answer_that_comes_too_late_is_given_again():
    with Bios(deaf=2) as bios:
        load(bios)
        assert all(bios.holds(file) for file in FILES)


@pytest.mark.parametrize("seed", slice_of(range(12), 4))
@pytest.mark.parametrize("window", [RECEIVER_BYTES, 1024])
@pytest.mark.parametrize("loss", [False, True])
def test_damaged_and_lost_bytes_are_repaired(seed, window, loss):
    rng, calls = np.random.default_rng(seed), [0]

    def damage(data):
        calls[0] += 1
        if calls[0] < 3 or rng.random() > 0.15:
            return data
        place = int(rng.integers(len(data)))
        return data[:place] + (b"" if loss else bytes([data[place] ^ 0x10])) + data[place + 1:]

    with Bios(damage) as bios:
        load(bios, window=window, silence=0.15)
        assert all(bios.holds(file) for file in FILES), f"seed {seed}"


def test_a_line_that_always_damages_ends_with_a_sentence():
    calls = [0]

    def damage(data):
        calls[0] += 1
        return data if calls[0] < 3 else data[:-1] + bytes([data[-1] ^ 1])

    with Bios(damage) as bios, pytest.raises(UserError, match="serial boot of model.bin .*reset the board"):
        load(bios, tries=3)


def test_silence_instead_of_a_request_ends_with_a_sentence():
    with Bios(deaf=10_000) as bios:
        bios.ended = True
        bios.join()
        with pytest.raises(UserError, match="no BIOS asked for a serial boot within 0.3 seconds: reset the board"):
            SerialBoot(bios.port).load(FILES, patience=0.3)


def test_a_dead_partner_is_noticed_while_waiting():
    def gone():
        raise UserError("the simulation ended")

    with Bios(deaf=10_000) as bios:
        bios.ended = True
        bios.join()
        with pytest.raises(UserError, match="the simulation ended"):
            SerialBoot(bios.port, gone).load(FILES)


def test_frames_are_litex_terms():
    from litex.tools.litex_term import SFLFrame, sfl_cmd_load, sfl_magic_ack, sfl_magic_req
    frame = SFLFrame()
    frame.cmd, frame.payload = sfl_cmd_load, b"\x40\x00\x00\x00" + RNG.bytes(200)
    assert encode_frame(1, frame.payload) == frame.encode()
    assert (REQUEST, ANSWER) == (sfl_magic_req, sfl_magic_ack)


def test_the_boot_file_lists_names_and_addresses_in_order(tmp_path):
    path = write_boot_files(tmp_path, FILES)
    assert list(json.loads(path.read_text()).items()) == [("model.bin", "0x41000000"), ("firmware.bin", "0x40000000")]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["boot.json", "firmware.bin", "model.bin"]
    assert all((tmp_path / file.name).read_bytes() == file.data for file in FILES)


@pytest.mark.parametrize("window", [15, 2048])
def test_a_window_that_cannot_work_is_refused(window):
    with pytest.raises(ValueError, match="must be 16 to 2047"):
        SerialBoot(None, window=window)
