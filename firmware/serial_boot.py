# SPDX-License-Identifier: BSD-2-Clause
"""The host side of LiteX's serial boot (SFL, litex_term's protocol): loads files through the BIOS and starts one of them.

The BIOS asks by a magic line and waits a quarter of a second for the answer. Then it takes frames: length of the payload, CRC-16, command,
payload; a LOAD's payload begins with the big-endian address. It answers each with one letter, in order.
"""

import binascii
import json
import os
import time
from dataclasses import dataclass

from accel.errors import UserError

REQUEST, ANSWER = b"sL5DdSMmkekro\n", b"z6IHG7cYDID6o\n"
LOAD, JUMP, UNKNOWN = 1, 2, 0x7F
SUCCESS, REFUSED = b"K", b"U"
FRAME_OVERHEAD, MAX_PAYLOAD = 8, 255

# What the BIOS's receiver holds before it drops bytes: right for a line that is faster than the BIOS, as the simulated one is.
RECEIVER_BYTES = 127
# litex_sim's console modules, LiteX's own, lose bytes beyond this.
MAX_WINDOW = 2047


@dataclass(frozen=True)
class BootFile:
    """`data` that goes to byte `address` of memory; `name` is its name as a file."""

    name: str
    address: int
    data: bytes


def write_boot_files(directory, files):
    """Write the files and the boot.json that `litex_term --images` takes to `directory`; returns the path of boot.json. The last file is started."""
    table = json.dumps({file.name: f"0x{file.address:08x}" for file in files}, indent=1) + "\n"
    for name, data in [*((file.name, file.data) for file in files), ("boot.json", table.encode())]:
        path, new = directory / name, directory / f".{name}.{os.getpid()}"
        if not path.exists() or path.read_bytes() != data:
            new.write_bytes(data)
            new.replace(path)  # whole at once: another run may be reading it
    return directory / "boot.json"


def encode_frame(command, payload):
    """Return a frame as bytes; the payload has 1 to 255 bytes."""
    if not 1 <= len(payload) <= MAX_PAYLOAD:
        raise ValueError(f"a frame's payload has 1 to {MAX_PAYLOAD} bytes, not {len(payload)}")
    body = bytes([command]) + payload
    return bytes([len(payload)]) + binascii.crc_hqx(body, 0).to_bytes(2, "big") + body


class SerialBoot:
    """Speaks to the BIOS on `port`, a pyserial port with a timeout of less than a second.

    check_alive is called while waiting; it raises where waiting is in vain. window: bytes that may be under way unanswered, 16 to 2047; more
    than RECEIVER_BYTES suits a line that the BIOS can follow, as a board's at 115200 baud. silence: seconds without an answer that
    count as a failure. tries: failures in a row until it gives up.
    """

    def __init__(self, port, check_alive=lambda: None, window=RECEIVER_BYTES, silence=5.0, tries=16):
        if not 16 <= window <= MAX_WINDOW:
            raise ValueError(f"window is {window}, but it must be 16 to {MAX_WINDOW}")
        self.port, self.check_alive, self.window, self.silence, self.tries = port, check_alive, window, silence, tries

    def load(self, files, advance=lambda count: None, patience=60):
        """Load all BootFiles and start the last one. advance: called with the number of bytes that arrived.

        Raises UserError where the BIOS does not ask within `patience` seconds, or where transfers fail too often in a row.
        """
        self._connect(patience)
        for file in files:
            self._transfer(file, advance)
        self._exchange([encode_frame(JUMP, files[-1].address.to_bytes(4, "big"))], f"the jump to {files[-1].name}", lambda frame: None)

    def _connect(self, patience):
        """Answer the BIOS's request until it takes frames: an answer that comes too late goes unheard."""
        deadline, said = time.monotonic() + patience, b""
        while True:
            byte = self._read(deadline)
            said = said[-200:] + byte
            if not byte:
                raise UserError(f"no BIOS asked for a serial boot within {patience:g} seconds: reset the board, which makes it ask once; "
                                f"it last said {said!r}")
            if said.endswith(REQUEST):
                self.port.write(ANSWER + encode_frame(UNKNOWN, b"\0"))
                byte = self._read(time.monotonic() + self.silence)
                said += byte
                if byte == REFUSED:
                    return

    def _transfer(self, file, advance):
        size = min(MAX_PAYLOAD + 4, self.window) - FRAME_OVERHEAD
        starts = range(0, len(file.data), size)
        frames = [encode_frame(LOAD, (file.address + start).to_bytes(4, "big") + file.data[start:start + size]) for start in starts]
        self._exchange(frames, file.name, lambda frame: advance(len(frame) - FRAME_OVERHEAD))

    def _exchange(self, frames, what, arrived):
        """Send frames, at most `window` bytes ahead of the answers; after a failure again from the first that was not answered well."""
        done = sent = failures = 0
        while done < len(frames):
            while sent < len(frames) and sum(map(len, frames[done:sent + 1])) <= self.window:
                self.port.write(frames[sent])
                sent += 1
            answer = self._read(time.monotonic() + self.silence)
            if answer == SUCCESS:
                arrived(frames[done])
                done, failures = done + 1, 0
                continue
            failures += 1
            if failures == self.tries:
                raise UserError(f"the serial boot of {what} failed {failures} times in a row; the BIOS last answered {answer!r}: lower the baud rate, or "
                                "reset the board and try again")
            self._synchronise(what)
            sent = done

    def _synchronise(self, what):
        """Wait until the BIOS refuses a command that it does not know: then no answer to an earlier frame is still to come."""
        for _ in range(self.tries):
            self.port.write(encode_frame(UNKNOWN, b"\0"))
            while answer := self._read(time.monotonic() + self.silence):
                if answer == REFUSED:
                    return
        raise UserError(f"the serial boot of {what} stopped: the BIOS no longer answers; reset the board and try again")

    def _read(self, deadline):
        """Return the next byte, b"" where none has come by the deadline."""
        while not (byte := self.port.read(1)):
            self.check_alive()
            if time.monotonic() > deadline:
                break
        return byte
