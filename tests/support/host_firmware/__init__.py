# SPDX-License-Identifier: BSD-2-Clause
"""The firmware's own sources compiled for the host, with the UART on a pseudo-terminal, and lines to it that damage what they carry."""

import os
import select
import subprocess
import time
import tty
from pathlib import Path

from firmware.built_for import BuiltFor
from firmware.build import SOURCES
from firmware.headers import write_headers

HERE = Path(__file__).parent
MEMORY_END = 0x4200_0000
# What it says of a job, which it does not do, and where it counts its jobs (host.c).
JOB_CYCLES, JOBS_ADDRESS, BUTTON_ADDRESS = 1234, MEMORY_END - 4, MEMORY_END - 8


def compile_firmware(config, directory, built_for=BuiltFor(), *options):
    """Compile the firmware of `config`, as BuiltFor says, for the host in `directory`, with more options for the compiler; returns the program's path."""
    write_headers(config, directory, built_for)
    sources = [*sorted(SOURCES.glob("*.c")), HERE / "host.c"]
    program = directory / "firmware"
    # Addresses are 32 bits: host.c puts the memory where they point.
    subprocess.run(["gcc", "-O2", "-w", "-pthread", f"-I{directory}", f"-I{HERE}", f"-I{SOURCES}", *options, "-o", program, *sources],
                   check=True)
    return program


class HostFirmware:
    """A running firmware; a context manager. It is a pyserial port as far as firmware.session uses one, and loses nothing."""

    timeout = 0.02

    def __init__(self, program, **environment):
        self.terminal, slave = os.openpty()
        tty.setraw(slave)
        self.process = subprocess.Popen([program], stdin=slave, stdout=slave, env={**os.environ, **environment})
        os.close(slave)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)

    @property
    def in_waiting(self):
        """Bytes that can be read at once."""
        return 4096 if select.select([self.terminal], [], [], 0)[0] else 0

    def read(self, size):
        """Return up to `size` bytes that are there, b"" where none comes in time."""
        return os.read(self.terminal, size) if select.select([self.terminal], [], [], self.timeout)[0] else b""

    def write(self, data):
        """Send bytes."""
        while data:
            data = data[os.write(self.terminal, data):]


class DamagedLine:
    """A port to another one on which, by the generator `rng`, a part `rate` of what is sent arrives with a byte flipped, lost or doubled; of what
    comes back, a part `rate` of each `typical` bytes. `damaged` counts.
    """

    def __init__(self, port, rng, rate=0.02, typical=30):
        self.port, self.rng, self.rate, self.typical = port, rng, rate, typical
        self.damaged, self.silent_until = 0, 0.0

    @property
    def in_waiting(self):
        """Bytes that can be read at once."""
        return self.port.in_waiting

    def write(self, data):
        """Send bytes."""
        self.port.write(self._carry(data, self.rate))

    def read(self, size):
        """Return up to `size` bytes that are there, b"" where none comes in time."""
        data = self.port.read(size)
        return self._carry(data, self.rate * len(data) / self.typical)

    def fall_silent(self, seconds):
        """Lose everything in both directions for so long."""
        self.silent_until = time.monotonic() + seconds

    def _carry(self, data, rate):
        if time.monotonic() < self.silent_until:
            return b""
        if not data or self.rng.random() >= rate:
            return data
        self.damaged += 1
        return damage(data, self.rng)


def damage(data, rng):
    """Return the bytes with one of them flipped in 1 to 8 bits, lost, or doubled."""
    place = int(rng.integers(len(data)))
    byte = data[place:place + 1]
    changed = (bytes([byte[0] ^ int(rng.integers(1, 256))]), b"", byte + byte)[rng.integers(3)]
    return data[:place] + changed + data[place + 1:]
