# SPDX-License-Identifier: BSD-2-Clause
"""Frames: what is encoded comes back, in Python and in the firmware's C alike, and what is damaged never does."""

import ctypes
import subprocess
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accel.config import CONFIGS
from firmware.build import SOURCES
from firmware.frames import (
    ANSWERS, ENQ, ESCAPE, FLIP, MOST_LINE, MOST_PAYLOAD, NEWLINE, PROTOCOL, REQUESTS, RETURN, SPECIAL, START, Frame, FrameReader, decode, encode)
from firmware.headers import write_headers
from tests.support.host_firmware import damage

# Bytes that mean something on the line are as frequent as all others together.
PAYLOADS = st.lists(st.one_of(st.integers(0, 255), st.sampled_from(SPECIAL)), max_size=64).map(bytes)
FRAMES = st.builds(Frame, st.integers(0, 255), st.integers(0, 2**32 - 1), PAYLOADS, st.integers(0, 255))
RECEIVER_SOURCE = """
#include "frame.h"
static struct frame_receiver receiver;
const struct frame *taken(void) { return &receiver.frame; }
int take(uint8_t byte) { return frame_take(&receiver, byte); }
"""
TEXT, INSIDE, WHOLE, BROKEN = range(4)


class Receiver:
    """The firmware's frame.c."""

    def __init__(self, library):
        self.library = library
        library.frame_crc32.restype = ctypes.c_uint32
        library.taken.restype = ctypes.POINTER(ctypes.c_uint8)

    def feed(self, data):
        """Take bytes; returns (frames and None for broken ones, bytes outside frames)."""
        found, text = [], b""
        for byte in data:
            event = self.library.take(byte)
            if event == TEXT:
                text += bytes([byte])
            elif event == WHOLE:
                found.append(self._frame())
            elif event == BROKEN:
                found.append(None)
        return found, text

    def _frame(self):
        body = bytes(self.library.taken()[:8])
        length = int.from_bytes(body[2:4], "little")
        payload = bytes(self.library.taken()[8:8 + length])
        return Frame(body[0], int.from_bytes(body[4:8], "little"), payload, body[1])

    def send(self, frame):
        """Return the bytes that the firmware sends of a frame; it fills in the protocol's version."""
        sent = bytearray()
        put = ctypes.CFUNCTYPE(None, ctypes.c_uint8)(sent.append)
        head = frame.kind.to_bytes(2, "little") + len(frame.payload).to_bytes(2, "little") + frame.sequence.to_bytes(4, "little")
        self.library.frame_send(ctypes.create_string_buffer(head + frame.payload, 8 + MOST_PAYLOAD + 4), put)
        return bytes(sent)


@pytest.fixture(scope="module")
def receiver(tmp_path_factory):
    directory = tmp_path_factory.mktemp("frame")
    write_headers(CONFIGS["tiny"], directory)
    (directory / "receiver.c").write_text(RECEIVER_SOURCE)
    subprocess.run(["gcc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", f"-I{directory}", f"-I{SOURCES}", "-o", directory / "frame.so",
                    SOURCES / "frame.c", directory / "receiver.c"], check=True)
    return Receiver(ctypes.CDLL(str(directory / "frame.so")))


@given(frame=FRAMES)
def test_what_is_encoded_comes_back_in_python_and_c(receiver, frame):
    line = encode(frame)
    assert FrameReader().feed(line) == [frame]
    assert receiver.feed(line) == ([frame], b"")


@given(frame=FRAMES)
def test_c_encodes_as_python_does(receiver, frame):
    frame = Frame(frame.kind, frame.sequence, frame.payload)
    assert receiver.send(frame) == encode(frame)


@given(frame=FRAMES)
def test_only_the_ends_of_a_frame_look_like_ends_and_nothing_in_it_like_a_prompt(frame):
    line = encode(frame)
    assert line[0] == START and line[-1] == NEWLINE
    assert not {START, NEWLINE, RETURN, ENQ} & set(line[1:-1])


@given(data=st.binary(max_size=100), crc=st.integers(0, 2**32 - 1))
def test_the_crc_is_zlibs(receiver, data, crc):
    assert receiver.library.frame_crc32(ctypes.c_uint32(crc), data, len(data)) == zlib.crc32(data, crc)


@given(frame=FRAMES, other=FRAMES, seed=st.integers(0, 2**32 - 1), count=st.integers(1, 6))
def test_a_damaged_frame_is_never_another_one_and_the_next_is_taken(receiver, frame, other, seed, count):
    rng, line = np.random.default_rng(seed), encode(frame)
    for _ in range(count):
        line = damage(line, rng)
    reader = FrameReader()
    found = reader.feed(line)
    assert all(known in (None, frame) for known in found)
    assert reader.feed(encode(other))[-1] == other
    found, _ = receiver.feed(line)
    assert all(known in (None, frame) for known in found)
    assert receiver.feed(encode(other))[0][-1] == other


@given(noise=st.binary(max_size=300), frame=FRAMES)
def test_a_frame_is_found_behind_whatever_came_before(receiver, noise, frame):
    assert FrameReader().feed(noise + encode(frame))[-1] == frame
    assert receiver.feed(noise + encode(frame))[0][-1] == frame


@given(noise=st.lists(st.one_of(st.integers(0, 255), st.sampled_from(SPECIAL)), max_size=200).map(bytes))
def test_python_and_c_see_the_same_in_noise(receiver, noise):
    receiver.feed(encode(Frame(0, 0)))
    assert receiver.feed(noise)[0] == FrameReader().feed(noise)


def test_text_is_passed_over_by_the_host_and_passed_on_by_the_firmware(receiver):
    frame, text = Frame(REQUESTS["RUN"][0], 7), b"@help run: the image\r\n"
    receiver.feed(encode(frame))  # an earlier test may have left it within one
    assert FrameReader().feed(text + encode(frame) + text) == [frame]
    assert receiver.feed(text + encode(frame) + text) == ([frame], text + text)


def test_a_frame_that_arrives_byte_by_byte_is_the_same():
    frame, reader = Frame(1, 2, bytes(range(256))), FrameReader()
    assert [found for byte in encode(frame) for found in reader.feed(bytes([byte]))] == [frame]


@pytest.mark.parametrize("size", [MOST_PAYLOAD, MOST_PAYLOAD + 1, 3 * MOST_PAYLOAD])
def test_a_payload_beyond_the_largest_is_taken_by_none(receiver, size):
    frame = Frame(1, 2, bytes(size))
    if size > MOST_PAYLOAD:
        with pytest.raises(ValueError, match=f"at most {MOST_PAYLOAD} bytes, not {size}"):
            encode(frame)
    # The same bytes as a sender without a limit would send them.
    body = bytes([1, PROTOCOL]) + size.to_bytes(2, "little") + (2).to_bytes(4, "little") + bytes(size)
    body += zlib.crc32(body).to_bytes(4, "little")
    line = bytes([START]) + b"".join(bytes([ESCAPE, byte ^ FLIP] if byte in SPECIAL else [byte]) for byte in body) + bytes([NEWLINE])
    assert receiver.feed(line)[0] == [frame if size == MOST_PAYLOAD else None]
    assert receiver.feed(encode(Frame(3, 4)))[0] == [Frame(3, 4)]


def test_the_host_bounds_what_it_keeps_of_a_frame_that_never_ends():
    reader = FrameReader()
    assert reader.feed(bytes([START]) + bytes(MOST_LINE)) == []
    assert reader.feed(bytes(1)) == [None]
    assert reader.feed(encode(Frame(3, 4))) == [Frame(3, 4)]


def test_a_frame_without_its_crc_is_none():
    assert decode(b"") is None and decode(bytes(11)) is None


def test_kinds_differ_are_no_text_and_need_no_escape():
    kinds = [kind for kind, *_ in REQUESTS.values()] + list(ANSWERS.values())
    assert len(set(kinds)) == len(kinds)
    assert all(kind >= 0x80 and kind not in SPECIAL for kind in kinds)
