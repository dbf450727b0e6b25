# SPDX-License-Identifier: BSD-2-Clause
"""The load writer unpacks pixels of any size at any byte, and moves whole beats, exactly where the instruction says."""

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.hdl.interfaces import BufferWrite, Fault, Stream, flag, unsigned
from accel.hdl.load_writer import LoadJob, load_writer
from tests.support.bench import Source, run_block

CONFIG = CONFIGS["arty-35"]
BEAT = CONFIG.beat_bytes


def expected_writes(job, memory, start):
    """Return [(beat address, bytes)] of a LOAD from byte `start` of memory, as docs/architecture.md has it."""
    writes = []
    size = job["channels"] if job["mode"] else BEAT
    for row in range(job["rows"]):
        for item in range(job["items"]):
            low = start + row * job["source_pitch"] + item * size
            pixel = memory[low:low + size]
            for chunk in range(-(-size // BEAT)):
                part = pixel[chunk * BEAT:(chunk + 1) * BEAT]
                writes.append((job["destination"] + row * job["row_stride"] + item * job["item_stride"] + chunk, part.ljust(BEAT, b"\0")))
    return writes


def beats_of(job, memory, start):
    """Return the beats that the load engine fetches: of each row all that hold one of its bytes."""
    size = (job["channels"] if job["mode"] else BEAT) * job["items"]
    beats = []
    for row in range(job["rows"]):
        low = start + row * job["source_pitch"]
        for beat in range(low // BEAT, (low + size - 1) // BEAT + 1):
            beats.append(int.from_bytes(memory[beat * BEAT:(beat + 1) * BEAT], "little"))
    return beats


@pytest.mark.parametrize("stall", [0, 60])
@pytest.mark.parametrize("mode, channels, rows, items, pitch, start", [
    (0, 0, 3, 5, 128, 32), (0, 0, 1, 1, 0, 0), (1, 1, 1, 64, 0, 3), (1, 3, 2, 11, 37, 5), (1, 16, 2, 4, 64, 0), (1, 16, 2, 4, 65, 15),
    (1, 17, 3, 3, 51, 1), (1, 33, 2, 2, 70, 14), (1, 48, 1, 3, 0, 8), (1, 15, 4, 1, 15, 1)])
def test_every_beat_lands_once_where_it_belongs(mode, channels, rows, items, pitch, start, stall):
    seed = 21
    memory = np.random.default_rng(seed).integers(0, 256, 2048).astype(np.uint8).tobytes()
    job = {"mode": mode, "channels": channels, "rows": rows, "items": items, "source_pitch": pitch, "row_stride": 40, "item_stride": 4,
           "destination": 7}
    clk, clear, stop, begin, free = flag(), flag(), flag(), flag(), flag()
    signals, beats, write, give, fault = LoadJob(CONFIG), Stream(8 * BEAT), BufferWrite(CONFIG), unsigned(8), Fault()
    source = Source(beats, beats_of(job, memory, start), seed, stall)
    writes, gives, state = [], [], []

    def drive(cycle):
        begin.next = cycle == 2
        for name in ("mode", "channels", "rows", "items", "row_stride", "item_stride", "destination"):
            value = job[name]
            getattr(signals, name).next = bool(value) if name == "mode" else value
        signals.clusters.next, signals.give.next = 3, 5
        signals.first.next, signals.pitch.next = start % BEAT if mode else 0, pitch % BEAT
        if cycle > 2:
            source.drive()

    def sample(cycle):
        if cycle > 2:
            source.sample()
        if write.enable:
            assert int(write.clusters) == 3
            writes.append((int(write.address), int(write.data).to_bytes(BEAT, "little")))
        if give:
            gives.append((int(give), len(writes)))
        state[:] = [bool(free), bool(fault.valid)]

    expected = expected_writes(job, memory, start)
    run_block(clk, load_writer(clk, clear, stop, begin, signals, free, beats, write, give, fault, CONFIG), 40 + 8 * len(expected), drive, sample)
    assert writes == expected
    assert gives == [(5, len(expected))], "the semaphores are given once, with the last beat"
    assert not source.words, "beats were left over"
    assert state == [True, False], "free, no fault"
