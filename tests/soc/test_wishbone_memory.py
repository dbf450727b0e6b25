# SPDX-License-Identifier: BSD-2-Clause
"""The bridge from the core's AXI port to Wishbone: bursts of beats become bursts of words, in order, whatever the other sides' stalls."""

import random

import pytest
from litedram.frontend.axi import LiteDRAMAXIPort
from migen import passive, run_simulation

from soc.wishbone_memory import AXI2Wishbone

BASE, WORDS, BEAT_WORDS = 0x4000_0000 // 4, 1024, 4
OKAY, SLVERR = 0, 2
CYCLES = 20_000


class Slave:
    """A memory of words on the bridge's bus that answers after up to `stall` cycles, and with an error from `bad` on; `runs` are the words of each
    time that the bus was held."""

    def __init__(self, bus, rng, stall, bad=WORDS):
        self.bus, self.rng, self.stall, self.bad = bus, rng, stall, bad
        self.memory, self.runs = [rng.getrandbits(32) for _ in range(WORDS)], []

    @passive
    def answer(self):
        bus, held = self.bus, False
        while True:
            if not (yield bus.cyc):
                held = False
            if (yield bus.cyc) and (yield bus.stb):
                for _ in range(self.rng.randint(0, self.stall)):
                    yield
                place, selected = (yield bus.adr) - BASE, (yield bus.sel)
                if not held:
                    self.runs.append([])
                held = True
                self.runs[-1].append((place, (yield bus.cti)))
                if (yield bus.we):
                    mask = sum(0xFF << 8 * i for i in range(4) if selected >> i & 1)
                    self.memory[place] = self.memory[place] & ~mask | (yield bus.dat_w) & mask
                yield bus.dat_r.eq(self.memory[place])
                answer = bus.err if place >= self.bad else bus.ack
                yield answer.eq(1)
                yield
                yield answer.eq(0)
            yield


def limit():
    for _ in range(CYCLES):
        yield
    raise AssertionError("the simulation did not end")


def put(channel, rng, stall, **fields):
    """Offer a transfer on a channel after some cycles, until it is taken."""
    for _ in range(rng.randint(0, stall)):
        yield
    for name, value in fields.items():
        yield getattr(channel, name).eq(value)
    yield channel.valid.eq(1)
    yield
    while not (yield channel.ready):
        yield
    yield channel.valid.eq(0)


def get(channel, rng, stall, *names):
    """Take a transfer from a channel and return its fields."""
    for _ in range(rng.randint(0, stall)):
        yield
    yield channel.ready.eq(1)
    yield
    while not (yield channel.valid):
        yield
    fields = []
    for name in names:
        fields.append((yield getattr(channel, name)))
    yield channel.ready.eq(0)
    return fields


def read_burst(axi, rng, stall, place, beats):
    """Return ([beat as an int], [response]) of a burst from word `place` on."""
    yield from put(axi.ar, rng, stall, addr=4 * (BASE + place), len=beats - 1, size=4, burst=1)
    got = []
    for i in range(beats):
        data, response, last = yield from get(axi.r, rng, stall, "data", "resp", "last")
        assert last == (i == beats - 1), f"beat {i} of {beats}"
        got.append((data, response))
    return [data for data, _ in got], [response for _, response in got]


def write_burst(axi, rng, stall, place, beats, strobes):
    """Write beats with their strobes and return the response."""
    yield from put(axi.aw, rng, stall, addr=4 * (BASE + place), len=len(beats) - 1, size=4, burst=1)
    for i, (beat, strobe) in enumerate(zip(beats, strobes, strict=True)):
        yield from put(axi.w, rng, stall, data=beat, strb=strobe, last=i == len(beats) - 1)
    response, = yield from get(axi.b, rng, stall, "resp")
    return response


def words_of(beat):
    return [beat >> 32 * i & 0xFFFFFFFF for i in range(BEAT_WORDS)]


@pytest.mark.parametrize("stall", [0, 1, 5])
@pytest.mark.parametrize("seed", range(4))
def test_bursts_read_and_write_the_words_that_they_name(seed, stall):
    rng = random.Random(f"{seed} {stall}")
    axi = LiteDRAMAXIPort(data_width=128, address_width=32, id_width=1)
    bridge = AXI2Wishbone(axi)
    slave = Slave(bridge.bus, rng, stall)
    wanted = list(slave.memory)

    def drive():
        for _ in range(12):
            beats = rng.choice([1, 2, 16])
            place = BEAT_WORDS * rng.randrange(WORDS // BEAT_WORDS - beats)
            if rng.getrandbits(1):
                data, responses = yield from read_burst(axi, rng, stall, place, beats)
                assert [word for beat in data for word in words_of(beat)] == wanted[place:place + BEAT_WORDS * beats], f"seed {seed}"
                assert responses == [OKAY] * beats
                continue
            data, strobes = [rng.getrandbits(128) for _ in range(beats)], [rng.choice([0xFFFF, rng.getrandbits(16)]) for _ in range(beats)]
            assert (yield from write_burst(axi, rng, stall, place, data, strobes)) == OKAY
            for i, (beat, strobe) in enumerate(zip(data, strobes, strict=True)):
                for k in range(16):
                    if strobe >> k & 1:
                        word, shift = place + BEAT_WORDS * i + k // 4, k % 4 * 8
                        wanted[word] = wanted[word] & ~(0xFF << shift) | (beat >> 8 * k & 0xFF) << shift
            assert slave.memory == wanted, f"seed {seed}"

    run_simulation(bridge, [drive(), slave.answer(), passive(limit)()])
    assert slave.memory == wanted
    for run in slave.runs:
        first = run[0][0]
        assert run == [(first + i, 0b111 if i == BEAT_WORDS - 1 else 0b010) for i in range(BEAT_WORDS)], "a beat is a burst of words of its own"


@pytest.mark.parametrize("write", [False, True])
def test_an_error_on_the_bus_is_answered_with_one(write):
    rng = random.Random(7)
    axi = LiteDRAMAXIPort(data_width=128, address_width=32, id_width=1)
    bridge = AXI2Wishbone(axi)
    slave = Slave(bridge.bus, rng, 1, bad=10)

    def drive():
        if write:
            assert (yield from write_burst(axi, rng, 1, 0, [1] * 4, [0xFFFF] * 4)) == SLVERR
            assert (yield from write_burst(axi, rng, 1, 0, [1] * 2, [0xFFFF] * 2)) == OKAY
        else:
            assert (yield from read_burst(axi, rng, 1, 0, 4))[1] == [OKAY, OKAY, SLVERR, SLVERR]
            assert (yield from read_burst(axi, rng, 1, 4, 1))[1] == [OKAY]

    run_simulation(bridge, [drive(), slave.answer(), passive(limit)()])
