# SPDX-License-Identifier: BSD-2-Clause
"""The host side of the firmware's console, over a board's serial port or the simulation's pseudo-terminal alike."""

import contextlib
import time

try:
    from termios import error as _termios_error
except ImportError:  # not on Windows
    _termios_error = ValueError

import serial

from accel.errors import UserError
from firmware.frames import ENQ


# ENQ: the firmware waits for a command.
PROMPT = bytes([ENQ])
# LiteX's rate of a UART, where --uart-baudrate asks for no other.
FIRST_BAUD = 115200
# What pyserial raises where a driver refuses a baud rate, or where it fits no field of the request to it; none of them is an OSError.
NO_SUCH_RATE = (ValueError, OverflowError, _termios_error)


def open_port(port, baudrate=FIRST_BAUD):
    """Return the pyserial port `port` (a path or a URL that pyserial knows), read with a timeout of 0.2 s. Raises UserError where it cannot be had."""
    try:
        opened = serial.serial_for_url(port, baudrate, timeout=0.2, exclusive=True)
    except (serial.SerialException, *NO_SUCH_RATE) as error:
        raise UserError(f"cannot open the serial port {port} ({error}): look whether it is there, yours to use, and no other program has it") from error
    # FTDI's driver otherwise holds an answer back for up to 16 ms. Only Linux can ask for it, and a pseudo-terminal refuses.
    with contextlib.suppress(AttributeError, NotImplementedError, ValueError):
        opened.set_low_latency_mode(True)
    return opened


class Link:
    """Speaks to the firmware at serial port `port`. check_alive is called while waiting; it raises where waiting is in vain.

    `silence` is how many seconds of `clock` without a byte mean that the firmware does not answer.
    """

    def __init__(self, port, check_alive=lambda: None, silence=300, baudrate=FIRST_BAUD, clock=time.monotonic):
        self.check_alive, self.silence, self.clock, self.pending = check_alive, silence, clock, b""
        self.serial = open_port(port, baudrate)

    def close(self):
        """Close the port."""
        self.serial.close()

    def wait_ready(self):
        """Wait until the firmware has booted and listens: a simulation's time may stand still for ever after what was said too early."""
        while self._line() != "@ready":
            pass
        self._wait_until(PROMPT)

    def command(self, text):
        """Send a command; returns its answer's lines, each a list of words without the '@'. Raises UserError with the firmware's sentence."""
        self._wait_until(PROMPT)
        self.pending = self.pending.partition(PROMPT)[2]
        self.serial.write(text.encode() + b"\n")
        answer = []
        while (line := self._line()) != "@ok":
            if line.startswith("@error"):
                raise UserError(f"the firmware refuses {text!r}: {line.removeprefix('@error ')}")
            if line.startswith("@"):
                answer.append(line[1:].split())
        return answer

    def read_memory(self, address, size):
        """Return `size` bytes of memory from byte `address` on."""
        return b"".join(bytes.fromhex(words[1]) for words in self.command(f"dump 0x{address:x} {size}"))

    def write_word(self, address, word):
        """Write a 32-bit word of memory."""
        self.command(f"poke 0x{address:x} 0x{word:x}")

    def _line(self):
        self._wait_until(b"\n")
        line, _, self.pending = self.pending.partition(b"\n")
        # A prompt before it was for what a Session on the same port has said.
        return line.replace(PROMPT, b"").decode(errors="replace").strip()

    def _wait_until(self, mark):
        """Read until `mark` has come."""
        deadline = self.clock() + self.silence
        while mark not in self.pending:
            received = self.serial.read(max(1, self.serial.in_waiting))
            self.pending += received
            if received:
                deadline = self.clock() + self.silence
                continue
            self.check_alive()
            if self.clock() > deadline:
                raise UserError(f"the firmware has been silent for {self.silence} seconds; it last said {self.pending[-200:]!r}")
