# SPDX-License-Identifier: BSD-2-Clause
"""Frames between host and firmware: kinds, sizes and form, for both sides, and the host's encoder and reader.

A frame is START, its body, and a newline. The body is kind (1 byte), PROTOCOL (1), length of the payload (2), sequence number (4), payload, and the
CRC-32 (4; zlib's) of all before it, little endian. Bytes of the body that mean something on the line go as ESCAPE and the byte XOR FLIP. So a START
always begins a frame and a newline always ends one, whatever was lost before it, and a frame never has the ENQ by which the console asks for a line,
nor the RETURN that ends a typed one: what is left of a damaged frame stays one line, which the console does not execute.
START and ESCAPE begin no text, not even in UTF-8. No escaped byte is one flipped bit away from a newline.

The host sends a request and repeats it until an answer with its sequence number comes. The firmware executes a request once: the answer to a
repeated one is the answer that it has kept.
"""

import struct
import zlib
from dataclasses import dataclass

PROTOCOL = 2
START, ESCAPE, FLIP = 0xA6, 0xA7, 0x55
NEWLINE, RETURN, ENQ = 0x0A, 0x0D, 0x05
SPECIAL = (START, ESCAPE, NEWLINE, RETURN, ENQ)
MOST_PAYLOAD = 1024

_HEAD, _CRC = struct.Struct("<BBHI"), struct.Struct("<I")
# The longest frame on the line: every byte of the body escaped.
MOST_LINE = 2 * (_HEAD.size + MOST_PAYLOAD + _CRC.size) + 2

# Requests: name -> (kind, words that the payload begins with, whether bytes follow, meaning and what the answer holds).
REQUESTS = {
    "IDENTIFY": (0x81, (), False, "who is there: the words of IDENTITY"),
    "OFFER": (0x82, (), True, "the header of a model that the host wants to load: refused where it could not run"),
    "WRITE": (0x83, ("address",), True, "bytes for memory"),
    "ACCEPT": (0x84, ("bytes", "crc"), False, "the model in memory has this size and CRC-32: from now on runs use it"),
    "RUN": (0x85, (), False, "run the image in the input tensor: the words of RESULT"),
    "STEP": (0x86, ("cpu", "step"), False, "run one step, or 1: one layer of the table by the CPU; in order: the words of RESULT"),
    "COUNTERS": (0x87, ("table", "first"), False, "rows of a TABLE from `first` on, as many as a frame holds"),
    "READ": (0x88, ("address", "bytes"), False, "bytes of memory"),
    "RESET": (0x89, (), False, "forget the model and turn every filter on"),
    "SPEED": (0x8A, ("baud",), False, "go to another rate after the answer, and back to the first one where no frame is heard at it"),
}

# Answers, and BROKEN, which answers what is no frame and therefore has no sequence number.
ANSWERS = {"DONE": 0xC1, "REFUSED": 0xC2, "BROKEN": 0xC3}

# Words of answers -> meaning.
IDENTITY = (
    ("config", "hash of the configuration that the firmware was built for"),
    ("model_version", "version of the model binary that it reads"),
    ("most_payload", "largest payload that it takes"),
    ("memory_first", "first byte that WRITE may change"),
    ("memory_end", "first byte after the memory"),
    ("clock_hz", "the system's clock, by which cycles are times"),
    ("baud", "rate of the line after a start; 0: it has none and loses nothing, as the simulated one"),
)
RESULT = (
    ("error", "ACCEL_ERROR_* of the last program, 0 where it went well"),
    ("step", "its number among the steps"),
    ("position", "instruction where it stopped"),
    ("detail", "what the error adds"),
    ("cycles", "from the first doorbell to the last done; a step's own of a STEP"),
    ("end_to_end", "from the image in DRAM to the answer in DRAM"),
)
# What COUNTERS reads: steps have rows of cycles and checksum (0 of a program), records the accelerator's words.
TABLES = {"STEPS": 0, "RECORDS": 1}


@dataclass(frozen=True)
class Frame:
    """A frame with a good CRC: `kind` and `sequence` are numbers, `payload` bytes, `protocol` the version that the sender speaks."""

    kind: int
    sequence: int
    payload: bytes = b""
    protocol: int = PROTOCOL


def encode(frame):
    """Return the bytes of a Frame on the line; its payload has at most MOST_PAYLOAD bytes."""
    if len(frame.payload) > MOST_PAYLOAD:
        raise ValueError(f"a frame's payload has at most {MOST_PAYLOAD} bytes, not {len(frame.payload)}")
    body = _HEAD.pack(frame.kind, frame.protocol, len(frame.payload), frame.sequence) + frame.payload
    line = bytearray([START])
    for byte in body + _CRC.pack(zlib.crc32(body)):
        line += bytes([ESCAPE, byte ^ FLIP]) if byte in SPECIAL else bytes([byte])
    return bytes(line) + bytes([NEWLINE])


def decode(line):
    """Return the Frame whose line's bytes lie between START and newline, or None where its CRC, length or form is bad."""
    body, escaped = bytearray(), False
    for byte in line:
        if byte == ESCAPE and not escaped:
            escaped = True
        else:
            body.append(byte ^ FLIP if escaped else byte)
            escaped = False
    if escaped or len(body) < _HEAD.size + _CRC.size:
        return None
    head, payload, (crc,) = body[:_HEAD.size], bytes(body[_HEAD.size:-_CRC.size]), _CRC.unpack(body[-_CRC.size:])
    kind, protocol, length, sequence = _HEAD.unpack(head)
    return Frame(kind, sequence, payload, protocol) if length == len(payload) and crc == zlib.crc32(body[:-_CRC.size]) else None


class FrameReader:
    """Finds the frames among the bytes of a line. What lies outside frames, the console's text say, is passed over."""

    def __init__(self):
        self._line = None  # bytes since the last START, or None outside a frame

    def feed(self, data):
        """Take bytes as they come; returns a list: each frame that ended in them, None for one that was broken."""
        found = []
        for byte in data:
            if byte == START:
                self._line = bytearray()
            elif self._line is None:
                continue
            elif byte == NEWLINE:
                found.append(decode(self._line))
                self._line = None
            elif len(self._line) >= MOST_LINE:
                found.append(None)
                self._line = None
            else:
                self._line.append(byte)
        return found


def words_of(payload):
    """Return the 32-bit words of a payload, as a tuple."""
    return tuple(word for word, in struct.iter_unpack("<I", payload))


def pack_words(*words):
    """Return the bytes of 32-bit words."""
    return struct.pack(f"<{len(words)}I", *words)
