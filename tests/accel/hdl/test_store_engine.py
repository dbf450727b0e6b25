# SPDX-License-Identifier: BSD-2-Clause
"""The store engine writes every beat once where its STORE says, gives semaphores when memory has answered, and sums the checksum."""

import numpy as np
import pytest

from accel import isa
from accel.config import CONFIGS
from accel.golden.machine import checksum
from accel.hdl.fifo import fifo
from accel.hdl.interfaces import BufferWrite, Fault, InstructionStream, MaskWrite, Stream, flag, unsigned
from accel.hdl.store_engine import store_engine
from accel.registers import ERROR_CODES
from tests.support.bench import Source, run_block

CONFIG = CONFIGS["arty-35"]
BEAT, LONGEST = CONFIG.beat_bytes, CONFIG.burst_beats
DEPTH, ANSWER_CYCLES = 64, 9
WINDOW = (0x1000, 0x100000)


class Memory:
    """Takes bursts and beats in `stall` percent fewer cycles, answers each burst later. `beats` {address: data}."""

    def __init__(self, seed, stall):
        self.rng, self.stall = np.random.default_rng(seed), stall
        self.bursts, self.open, self.answers, self.beats = [], [], [], {}

    def ready(self):
        return bool(self.rng.integers(100) >= self.stall)

    def begin(self, address, count):
        assert address // 4096 == (address + BEAT * count - 1) // 4096 and 1 <= count <= LONGEST
        self.bursts.append((address, count))
        self.open.append([address, count])

    def take(self, cycle, data, last):
        burst = self.open[0]
        assert burst[0] not in self.beats, "written twice"
        self.beats[burst[0]] = data
        burst[0], burst[1] = burst[0] + BEAT, burst[1] - 1
        assert last == (burst[1] == 0)
        if last:
            self.open.pop(0)
            self.answers.append(cycle + ANSWER_CYCLES)


def run_engine(words, beats, cycles, seed=0, stall=0, copies=None, flags=None):
    """Run instructions with `beats` in the output FIFO. Returns (memory, [(gives, bursts answered)], [(bytes, checksum)] of layers, fault).

    copies (a list) gets (clusters, address, data) of each beat copied and ("give", semaphores) for the semaphores of copies.
    flags (a list) gets (plane, first, flags, cycles since a beat moved) of what is measured.
    """
    hold, write, copy_give, held = flag(), BufferWrite(CONFIG), unsigned(8), [False] * 3
    measured, shown, moved = MaskWrite(CONFIG), [], [0]
    clk, clear, stop, idle, bus_idle, closes, fault = flag(), flag(), flag(), flag(), flag(), flag(), Fault()
    queue, instructions = Stream(128), InstructionStream()
    into, out, level = Stream(8 * BEAT), Stream(8 * BEAT), unsigned(DEPTH.bit_length())
    base, limit, give, count, total = unsigned(32, WINDOW[0]), unsigned(32, WINDOW[1]), unsigned(8), unsigned(32), unsigned(32)
    aw = {"addr": unsigned(32), "len": unsigned(8), "valid": flag(), "ready": flag()}
    w = {"data": unsigned(8 * BEAT), "last": flag(), "valid": flag(), "ready": flag()}
    bresp, bvalid = unsigned(2), flag()
    blocks = (fifo(clk, clear, into, out, level, DEPTH),
              store_engine(clk, clear, stop, instructions, out, level, base, limit, *aw.values(), *w.values(), bresp, bvalid, hold, write, copy_give,
                           measured, give, closes, count, total, idle, bus_idle, fault, CONFIG))
    memory, data = Memory(seed, stall), Source(into, beats, seed, stall)
    source = Source(queue, words, seed, stall)
    gives, layers, answered, faults = [], [], [0], [None]

    def drive(cycle):
        source.stream.ready.next = False
        source.drive()
        data.drive()
        instructions.valid.next = source.valid
        if source.words:
            instructions.word.next = int(source.words[0])
        instructions.position.next = len(words) - len(source.words)
        stop.next = faults[0] is not None
        aw["ready"].next, w["ready"].next = memory.ready(), bool(memory.open) and memory.ready()
        bvalid.next = bool(memory.answers) and memory.answers[0] <= cycle

    def sample(cycle):
        if give:
            gives.append((int(give), answered[0]))
        held.append(bool(hold))
        if write.enable:
            # The load writer's last beat comes in the second cycle of hold, its next one in the third cycle after hold.
            assert held[-3], "a beat is copied while loads may be written"
            copies.append((int(write.clusters), int(write.address), int(write.data)))
        if shown:
            assert shown.pop() == (int(measured.plane), bool(measured.first), int(measured.flags)), "what is measured holds for two cycles"
        if measured.enable:
            shown.append((int(measured.plane), bool(measured.first), int(measured.flags)))
            flags.append((*shown[0], cycle - moved[0]))
        if copy_give:
            assert cycle - moved[0] == 2
            copies.append(("give", int(copy_give)))
        if closes:
            layers.append((int(count), int(total)))
        if bvalid:
            memory.answers.pop(0)
            answered[0] += 1
        if w["valid"] and w["ready"]:
            memory.take(cycle, int(w["data"]), bool(w["last"]))
            moved[0] = cycle
        if aw["valid"] and aw["ready"]:
            memory.begin(int(aw["addr"]), int(aw["len"]) + 1)
        if fault.valid:
            faults[0] = (int(fault.code), int(fault.position))
        data.sample()
        if instructions.valid and instructions.ready:
            source.words.pop(0)
            source.valid = False

    run_block(clk, blocks, cycles, drive, sample)
    return memory, gives, layers, faults[0]


def beats_for(count, seed):
    return [int.from_bytes(np.random.default_rng([seed, i]).bytes(BEAT), "little") for i in range(count)]


@pytest.mark.parametrize("stall", [0, 40])
def test_each_beat_is_written_once_and_semaphores_follow_the_last_answer(stall):
    runs = [(0x1000, 5), (0x1FF0, 40), (0x5010, 1), (0xFFF00, 16)]
    words = [isa.encode("STORE", address=address, beats=beats, signal_a=isa.semaphore(i)) for i, (address, beats) in enumerate(runs)]
    words.insert(2, isa.encode("LAYER"))
    words.append(isa.encode("LAYER"))
    beats = beats_for(62, 7)
    memory, gives, layers, fault = run_engine(words, beats, 700, 7, stall)
    assert fault is None
    assert memory.beats == dict(zip([address + BEAT * i for address, count in runs for i in range(count)], beats, strict=True))
    assert [given for given, _ in gives] == [1, 2, 4, 8]
    assert [answered for _, answered in gives] == [1, 5, 6, 7], "bursts end at multiples of the longest one"
    as_bytes = [beat.to_bytes(BEAT, "little") for beat in beats]
    assert layers == [(45 * BEAT, checksum(as_bytes[:45])), (17 * BEAT, checksum(as_bytes[45:]))]


@pytest.mark.parametrize("stall", [0, 40])
def test_copies_are_in_the_buffers_when_their_semaphore_is_given(stall):
    last = CONFIG.activation_words * CONFIG.beats_per_word - 1
    runs = [(5, 3, 100, 2, 8), (40, 0, 7, 3, 9), (33, 1, 0, 1, 0), (1, 2, last, 255, 10), (20, 3, last, 0, 11), (17, 2, last - 16 * 5, 5, 8)]
    words, beats, expected, place = [], beats_for(sum(run[0] for run in runs), 8), [], 0
    for i, (count, clusters, destination, pitch, signal) in enumerate(runs):
        words.append(isa.encode("STORE", address=0x2000 + BEAT * place, beats=count, copy_clusters=clusters, copy_destination=destination,
                                copy_pitch=pitch, copy_signal=signal, signal_a=isa.semaphore(3 if i == 4 else 7)))
        expected += [(clusters, destination + pitch * j, beats[place + j]) for j in range(count) if clusters]
        # A semaphore that an instruction names twice is given once, by memory's answer.
        if signal and i != 4:
            expected.append(("give", 1 << signal - 8))
        place += count
    copies = []
    memory, gives, _, fault = run_engine(words, beats, 700, 8, stall, copies)
    assert fault is None and copies == expected
    assert memory.beats == {0x2000 + BEAT * i: beat for i, beat in enumerate(beats)}
    assert [given for given, _ in gives] == [1 << 7] * 4 + [1 << 3, 1 << 7]


@pytest.mark.parametrize("stall", [0, 40, 80])
def test_what_is_measured_comes_with_the_last_beat_and_only_from_stores_that_measure(stall):
    rng = np.random.default_rng(stall)
    words, values, expected, place = [], [], [], 0
    for i in range(30):
        count, limit, plane, measures, first = int(rng.choice([1, 1, 2, 20])), int(rng.integers(-128, 128)), *(int(n) for n in rng.integers(0, (64, 2, 2)))
        data = np.clip(rng.integers(limit - 200, limit + 2, (count, BEAT)), -128, 127).astype(np.int8)
        words.append(isa.encode("STORE", address=0x2000 + BEAT * place, beats=count, measure=measures, limit=limit, mask_plane=plane,
                                mask_first=first, copy_clusters=1, copy_signal=isa.semaphore(i % 8), signal_a=isa.semaphore((i + 1) % 8)))
        values += [int.from_bytes(row.tobytes(), "little") for row in data]
        if measures:
            expected.append((plane, bool(first), int(np.packbits(data.max(axis=0) > limit, bitorder="little").view("<u2")[0]), 2))
        place += count
    flags, copies = [], []
    memory, _, _, fault = run_engine(words, values, 3000, stall, stall, copies, flags)
    assert fault is None and len(memory.beats) == place
    assert flags == expected
    assert [copy[1] for copy in copies if copy[0] == "give"] == [1 << i % 8 for i in range(30)]


@pytest.mark.parametrize("fields, error", [
    ({"copy_clusters": 4}, ERROR_CODES.BAD_FIELD), ({"copy_clusters": 3, "copy_destination": 2040, "copy_pitch": 2}, ERROR_CODES.BUFFER),
    ({"copy_clusters": 1, "copy_destination": (1 << 14) - 1, "copy_pitch": 255}, ERROR_CODES.BUFFER)])
def test_a_copy_to_where_no_buffer_is_stops_with_the_position_of_its_store(fields, error):
    words = [isa.encode("STORE", address=0x1000, beats=1), isa.encode("STORE", address=0x2000, beats=20, copy_signal=8, **fields),
             isa.encode("STORE", address=0x3000, beats=1)]
    copies = []
    _, _, _, fault = run_engine(words, beats_for(24, 3), 200, copies=copies)
    assert fault == (error, 1)
    assert all(address < 2048 for clusters, address, *_ in copies if clusters != "give")


@pytest.mark.parametrize("address, beats, error", [
    (0xFF0, 2, ERROR_CODES.WRITE_WINDOW), (0xFFFE0, 3, ERROR_CODES.WRITE_WINDOW), (0x100000, 1, ERROR_CODES.WRITE_WINDOW),
    (0x2008, 1, ERROR_CODES.BAD_FIELD), (0x2000, 0, ERROR_CODES.BAD_FIELD)])
def test_a_store_that_may_not_be_stops_with_its_position(address, beats, error):
    words = [isa.encode("STORE", address=0x1000, beats=1), isa.encode("STORE", address=address, beats=beats, signal_a=isa.semaphore(0))]
    memory, gives, _, fault = run_engine(words, beats_for(8, 3), 120)
    assert fault == (error, 1) and not gives
    assert all(WINDOW[0] <= place < WINDOW[1] for place in memory.beats)
