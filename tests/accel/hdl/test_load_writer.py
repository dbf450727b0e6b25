# SPDX-License-Identifier: BSD-2-Clause
"""The load writer unpacks pixels of any size at any byte, and moves whole beats, exactly where the instruction says."""

from dataclasses import replace

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.hdl.interfaces import BufferWrite, Fault, OperandWrite, Stream, TableWrite, flag, unsigned
from accel.hdl.load_writer import LoadJob, load_writer
from accel.registers import ERROR_CODES
from tests.support.bench import Source, run_block

CONFIG = CONFIGS["arty-35"]
NARROW = replace(CONFIG, columns=8, block_channels=16)


def expected_writes(job, memory, start, beat=CONFIG.beat_bytes):
    """Return [(beat address, bytes)] of a LOAD from byte `start` of memory, as docs/architecture.md has it."""
    writes, place, size = [], job["destination"], job["item_bytes"]
    for row in range(job["rows"]):
        first = start + row * job["source_pitch"]
        for low in range(first, first + job["length"], size):
            item = memory[low:low + size]
            for chunk in range(0, size, beat):
                writes.append((place, item[chunk:chunk + beat].ljust(beat, b"\0")))
                place += 1
            place += job["item_step"] - 1
        place += job["row_step"] - job["item_step"]
    return writes


def beats_of(job, memory, start, size):
    """Return the beats of `size` bytes that the load engine fetches: of each row all that hold one of its bytes."""
    beats = []
    for row in range(job["rows"]):
        low = start + row * job["source_pitch"]
        for beat in range(low // size, (low + job["length"] - 1) // size + 1):
            beats.append(int.from_bytes(memory[beat * size:(beat + 1) * size], "little"))
    return beats


class OperandPlaces:
    """Room in the operand FIFO as operand_fifo tells it: `places` free ones, one given back in `rate` percent of the cycles."""

    def __init__(self, operands, rng, places, rate):
        self.operands, self.rng, self.free, self.rate, self.reserved, self.came = operands, rng, places, rate, 0, 0

    def drive(self):
        self.operands.room.next = self.free > 0

    def sample(self):
        if self.operands.reserve:
            assert self.operands.room, "a place was taken where there was none"
            self.reserved, self.free = self.reserved + 1, self.free - 1
        elif self.rng.integers(100) < self.rate:
            self.free += 1
        self.came += bool(self.operands.valid)
        assert self.came <= self.reserved <= self.came + 3, "a beat comes within three cycles of its place"


def run_jobs(jobs, memory, seed, stall, cycles, config=CONFIG, holds=0, places=(8, 100)):
    """Run jobs, pairs of (fields, first byte), one after the other; returns (writes, [(semaphores, writes before)], beats left, fault).

    holds: percent of the cycles in which hold is high, in runs. places: free ones in the operand FIFO and the percent of cycles that free one.
    """
    beat_bytes, rng = config.beat_bytes, np.random.default_rng(seed + 1)
    clk, clear, stop, begin, free = flag(), flag(), flag(), flag(), flag()
    signals, beats, write, give, fault = LoadJob(config), Stream(8 * beat_bytes), BufferWrite(config), unsigned(8), Fault()
    hold, operands, tables = flag(), OperandWrite(config), TableWrite()
    fifo, held = OperandPlaces(operands, rng, *places), [3, 3, 3]
    source = Source(beats, [beat for job, start in jobs for beat in beats_of(job, memory, start, beat_bytes)], seed, stall)
    waiting, writes, gives, faults = list(jobs), [], [], [0]

    def drive(cycle):
        begin.next = bool(free) and bool(waiting) and not begin
        if waiting and free and not begin:
            job, start = waiting.pop(0)
            for name in ("item_bytes", "rows", "length", "item_step", "row_step", "destination"):
                getattr(signals, name).next = job[name]
            signals.item_top.next = job["item_bytes"] - 1
            signals.clusters.next, signals.give.next, signals.target.next = 3, 5, job.get("target", 0)
            signals.first.next, signals.pitch.next = start % beat_bytes, job["source_pitch"] % beat_bytes
        source.drive()
        fifo.drive()
        if rng.integers(4) == 0:
            hold.next = bool(rng.integers(100) < holds)

    def sample(cycle):
        source.sample()
        fifo.sample()
        held.append(held[-1] + 1 if hold else 0)
        if write.enable or operands.valid or tables.enable:
            assert write.enable + operands.valid + tables.enable == 1 and held[-1] < 3, "something leaves three cycles after hold"
        if write.enable:
            assert int(write.clusters) == 3
            writes.append((int(write.address), int(write.data).to_bytes(beat_bytes, "little")))
        if operands.valid:
            writes.append(("operand", int(operands.data).to_bytes(beat_bytes, "little")))
        if tables.enable:
            writes.append((f"word {int(tables.address)}", int(tables.data)))
        if give:
            gives.append((int(give), len(writes)))
        if fault.valid:
            faults.append(int(fault.code))

    run_block(clk, load_writer(clk, clear, stop, hold, begin, signals, free, beats, write, operands, tables, give, fault, config), cycles, drive, sample)
    return writes, gives, source.words, faults[-1]


def load(item_bytes, rows, items, source_pitch, **fields):
    return {"item_bytes": item_bytes, "rows": rows, "length": items * item_bytes, "source_pitch": source_pitch, "item_step": 3,
            "row_step": 20, "destination": 7, **fields}


LOADS = [(16, 3, 5, 128, 32), (16, 1, 1, 0, 0), (1, 1, 64, 0, 3), (3, 2, 11, 37, 5), (16, 2, 4, 64, 0), (16, 2, 4, 65, 15),
         (17, 3, 3, 51, 1), (33, 2, 2, 70, 14), (48, 1, 3, 0, 8), (15, 4, 1, 15, 1)]


@pytest.mark.parametrize("stall", [0, 60])
@pytest.mark.parametrize("item_bytes, rows, items, pitch, start", LOADS)
@pytest.mark.parametrize("config", [CONFIG, NARROW, CONFIGS["tiny"]], ids=["16 bytes", "8 bytes", "4 bytes"])
def test_every_beat_lands_once_where_it_belongs(item_bytes, rows, items, pitch, start, config, stall):
    memory = np.random.default_rng(21).integers(0, 256, 2048).astype(np.uint8).tobytes()
    job = load(item_bytes, rows, items, pitch)
    expected = expected_writes(job, memory, start, config.beat_bytes)
    writes, gives, left, fault = run_jobs([(job, start)], memory, 21, stall, 40 + 8 * len(expected), config)
    assert writes == expected
    assert gives == [(5, len(expected))], "the semaphores are given once, with the last beat"
    assert not left and fault == 0


@pytest.mark.parametrize("stall", [0, 40])
def test_loads_follow_each_other_without_mixing(stall):
    memory = np.random.default_rng(22).integers(0, 256, 2048).astype(np.uint8).tobytes()
    jobs = [(load(item_bytes, rows, items, pitch, item_step=-2, row_step=9, destination=300), start)
            for item_bytes, rows, items, pitch, start in LOADS]
    expected = [expected_writes(job, memory, start) for job, start in jobs]
    writes, gives, left, fault = run_jobs(jobs, memory, 22, stall, 2500)
    assert writes == [write for part in expected for write in part]
    assert [count for _, count in gives] == list(np.cumsum([len(part) for part in expected]))
    assert not left and fault == 0


def test_whole_beats_move_one_a_cycle():
    memory = bytes(2048)
    job = load(CONFIG.beat_bytes, 4, 16, 256, item_step=1, row_step=1)
    writes, _, _, _ = run_jobs([(job, 0)], memory, 0, 0, 64 + 9)
    assert len(writes) == 64


@pytest.mark.parametrize("stall, holds, places", [(0, 0, (3, 0)), (0, 0, (4, 100)), (40, 30, (2, 20)), (0, 60, (1, 50))])
@pytest.mark.parametrize("config", [CONFIG, CONFIGS["tiny"]], ids=["16 bytes", "4 bytes"])
def test_operands_come_in_turn_while_there_is_room_and_loads_of_all_targets_follow_each_other(config, stall, holds, places):
    memory = np.random.default_rng(23).integers(0, 256, 4096).astype(np.uint8).tobytes()
    beat = config.beat_bytes
    jobs = [(load(beat, 2, 9, 200, destination=16000, target=1), 4), (load(4, 1, 20, 0, item_step=1, destination=492, target=2), 2),
            (load(5, 2, 3, 31, item_step=-3, target=1), 1), (load(3, 1, 9, 0), 0), (load(4, 3, 4, 17, item_step=1, row_step=-4, target=2), 3),
            (load(2 * beat, 1, 4, 0, target=1), 0)]
    if places == (3, 0):
        jobs = [(load(beat, 1, 3, 0, destination=16000, target=1), 4), *[job for job in jobs if job[0].get("target") != 1],
                (load(beat, 1, 2, 0, target=1), 0)]
    expected = []
    for job, start in jobs:
        for place, data in expected_writes(job, memory, start, beat):
            target = job.get("target", 0)
            expected.append((place, data) if target == 0 else ("operand", data) if target == 1
                            else (f"word {place}", int.from_bytes(data[:4], "little")))
    writes, gives, left, fault = run_jobs(jobs, memory, 23, stall, 1500, config, holds, places)
    if places == (3, 0):
        assert writes == expected[:-2] and len(gives) == len(jobs) - 1, "without room nothing leaves, and no semaphore is given"
        return
    assert writes == expected and not left and fault == 0
    assert [count for _, count in gives] == list(np.cumsum([len(expected_writes(job, memory, start, beat)) for job, start in jobs]))


@pytest.mark.parametrize("destination, error", [(511, 0), (512, ERROR_CODES.BUFFER), (505, ERROR_CODES.BUFFER)])
def test_a_word_beyond_the_tables_is_refused(destination, error):
    job = load(4, 1, 1 if destination == 511 else 8, 0, item_step=1, destination=destination, target=2)
    writes, gives, _, fault = run_jobs([(job, 0)], bytes(range(64)), 3, 0, 60)
    assert fault == error and len(gives) == (error == 0)
    assert [place for place, _ in writes] == [f"word {place}" for place in range(destination, 512)]


@pytest.mark.parametrize("fields, error", [
    ({"length": 16 * 4 + 1}, ERROR_CODES.BAD_FIELD), ({"length": 15}, ERROR_CODES.BAD_FIELD), ({"destination": 2040}, ERROR_CODES.BUFFER),
    ({"item_step": -8}, ERROR_CODES.BUFFER)])
def test_a_load_that_cannot_be_stops_without_giving_its_semaphores(fields, error):
    writes, gives, _, fault = run_jobs([(load(16, 2, 4, 128, **fields), 0)], bytes(2048), 3, 20, 100)
    assert fault == error and not gives
    assert all(address < CONFIG.activation_words * CONFIG.beats_per_word for address, _ in writes)
