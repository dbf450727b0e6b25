# SPDX-License-Identifier: BSD-2-Clause
"""A serial line with baud rates, to a firmware on the host that was compiled with RATED_LINE (host.c)."""

import numpy as np

UNIT = 9600


class RatedLine:
    """A pyserial port at `port`, whose bytes come in pairs: the rate at which each was sent, in units of 9600 baud, and itself.

    What was sent at another rate than the receiver's is garbled or lost, seeded. fastest_there, fastest_back: the highest rates that the line carries to
    the firmware and back.
    """

    timeout = 0.02

    def __init__(self, port, baudrate, fastest_there=10**7, fastest_back=10**7, seed=0):
        self.port, self.baudrate, self.fastest_there, self.fastest_back = port, baudrate, fastest_there, fastest_back
        self.rng, self._half = np.random.default_rng(seed), b""
        self.used = set()  # rates at which anything was sent

    @property
    def in_waiting(self):
        """Bytes that can be read at once."""
        return self.port.in_waiting

    def write(self, data):
        """Send bytes."""
        self.used.add(self.baudrate)
        kept = data if self.baudrate <= self.fastest_there else self._noise(data)
        self.port.write(b"".join(bytes([self.baudrate // UNIT, byte]) for byte in kept))

    def read(self, size):
        """Return up to `size` bytes that are there, b"" where none comes in time."""
        pairs = self._half + self.port.read(2 * size)
        self._half = pairs[len(pairs) // 2 * 2:]
        rate, found = self.baudrate // UNIT, b""
        for sent_at, byte in zip(pairs[::2], pairs[1::2]):
            good = sent_at == rate and self.baudrate <= self.fastest_back
            found += bytes([byte]) if good else self._noise(bytes([byte]))
        return found

    def _noise(self, data):
        return bytes(byte ^ int(self.rng.integers(1, 256)) for byte in data if self.rng.random() < 0.5)
