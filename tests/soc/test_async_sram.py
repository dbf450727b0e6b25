# SPDX-License-Identifier: BSD-2-Clause
"""The SRAM's controller keeps the chip's times: the chip's model, which gives and stores wrong data where they are not kept, finds no fault."""

import random

import pytest
from litex.gen import LiteXModule
from migen import run_simulation

from soc.async_sram import AsyncSRAM, SRAMChip, SRAMPins, access_cycles

ADDRESS_BITS, WORDS = 8, 64


class Board(LiteXModule):
    """A controller for one clock with the chip for another."""

    def __init__(self, controller_hz, chip_hz, init):
        self.sram = AsyncSRAM(ADDRESS_BITS, controller_hz)
        self.chip = SRAMChip(self.sram.pins, chip_hz, init)


def transfer(bus, address, write=None, selected=0b1111):
    """Read or write a word; returns (what was read, cycles until the answer)."""
    yield bus.adr.eq(address)
    yield bus.we.eq(write is not None)
    yield bus.dat_w.eq(write or 0)
    yield bus.sel.eq(selected)
    yield bus.cyc.eq(1)
    yield bus.stb.eq(1)
    yield
    cycles = 1
    while not (yield bus.ack):
        yield
        cycles += 1
        assert cycles < 100, "no answer"
    data = yield bus.dat_r
    yield bus.cyc.eq(0)
    yield bus.stb.eq(0)
    return data, cycles


@pytest.mark.parametrize("clock_hz, cycles", [(100_000_000, 2), (50_000_000, 1), (12_000_000, 1)])
def test_an_access_takes_the_cycles_that_the_chip_and_the_pins_need(clock_hz, cycles):
    assert access_cycles(clock_hz) == cycles


@pytest.mark.parametrize("clock_hz", [100_000_000, 50_000_000])
@pytest.mark.parametrize("seed", range(3))
def test_words_and_bytes_are_read_as_they_were_written(seed, clock_hz):
    rng = random.Random(seed)
    init = [rng.getrandbits(8) for _ in range(4 * WORDS)]
    memory = [int.from_bytes(init[4 * i:4 * i + 4], "little") for i in range(WORDS)]
    board = Board(clock_hz, clock_hz, init)

    def drive():
        for _ in range(60):
            address = rng.randrange(WORDS)
            if rng.getrandbits(1):
                got, cycles = yield from transfer(board.sram.bus, address)
                assert got == memory[address], f"seed {seed}, word {address}"
                assert cycles == 4 * access_cycles(clock_hz) + 2
            else:
                data, selected = rng.getrandbits(32), rng.choice([15, rng.getrandbits(4)])
                yield from transfer(board.sram.bus, address, data, selected)
                mask = sum(0xFF << 8 * i for i in range(4) if selected >> i & 1)
                memory[address] = memory[address] & ~mask | data & mask
            for _ in range(rng.randint(0, 2)):
                yield

    run_simulation(board, drive())


def test_a_controller_that_does_not_wait_reads_wrong_data():
    board = Board(50_000_000, 100_000_000, range(4 * WORDS))

    def drive():
        for address in range(4):
            got, _ = yield from transfer(board.sram.bus, address)
            assert got != int.from_bytes(bytes(range(4 * address, 4 * address + 4)), "little")

    run_simulation(board, drive())


@pytest.mark.parametrize("change", ["address", "data", "nothing"])
def test_the_chip_stores_only_what_is_steady_around_a_pulse(change):
    pins = SRAMPins(ADDRESS_BITS)
    chip = SRAMChip(pins, 100_000_000, [0] * 4 * WORDS)

    def drive():
        for signal, value in ((pins.address, 5), (pins.data_o, 0x3C), (pins.drive, 1), (pins.oe_n, 1)):
            yield signal.eq(value)
        yield
        yield pins.we_n.eq(0)
        yield
        yield pins.we_n.eq(1)
        if change == "address":
            yield pins.address.eq(6)
        if change == "data":
            yield pins.data_o.eq(0)
        yield
        yield
        assert ((yield chip.memory[5]) == 0x3C) == (change == "nothing")

    run_simulation(chip, drive())
