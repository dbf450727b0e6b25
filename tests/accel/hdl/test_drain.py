# SPDX-License-Identifier: BSD-2-Clause
"""The drain gives what the golden model gives, with and without additions, whatever its operands and its outputs wait for."""

from dataclasses import replace

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.golden.requantise import requantise
from accel.hdl.drain import drain
from accel.hdl.drain_walker import DrainStart, GridRead
from accel.hdl.interfaces import OperandWrite, Stream, TableWrite, flag, signed, unsigned
from accel.hdl.parameter_ram import Record, group_address_bits, sum_group
from accel.hdl.pe_grid import no_group
from accel.registers import TABLE_WORDS
from tests.support.bench import Sink, run_block

TINY = CONFIGS["tiny"]
GRIDS = [TINY, replace(TINY, name="one group", clusters=1, requantise_lanes=4, accumulator_bits=24),
         replace(TINY, name="one lane", clusters=3, requantise_lanes=1, output_fifo_beats=16)]
NUMBERS = ("zero_point", "clamp_min", "clamp_max", "sum_zero_point", "sum_clamp_min", "sum_clamp_max")


class DrawnTile:
    """A tile of random sums, records and numbers; what the drain must give for it."""

    def __init__(self, rng, config, adds, tables):
        self.adds, self.split, self.dynamic = adds, bool(rng.integers(2)), bool(rng.integers(3) == 0)
        self.pixels = [int(n) for n in rng.integers(0, config.tile_pixels, config.clusters)]
        self.slot = max(1, *self.pixels)
        self.sums = rng.integers(-(1 << 22), 1 << 22, (config.clusters, config.tile_pixels, config.columns))
        shape = (sum_group(config) + 1) * config.requantise_lanes
        self.records = {"bias": rng.integers(-(1 << 20), 1 << 20, shape), "multiplier": rng.integers(1 << 30, 1 << 31, shape),
                        "shift": rng.integers(-18, -13, shape)}
        self.sum_low = sum_group(config) * config.requantise_lanes
        self.records["bias"][self.sum_low:] = 0
        self.numbers = dict(zip(NUMBERS, (int(n) for n in (rng.integers(-128, 128), -100, 120, rng.integers(-128, 128), -128, 90)), strict=True))
        self.operands, self.outputs = rng.integers(0, 256, (sum(self.pixels) * adds, config.columns)), []
        operand = iter(self.operands)
        total = [np.tile(values[self.sum_low:], config.columns // config.requantise_lanes) for values in self.records.values()]
        for c, count in enumerate(self.pixels):
            low = config.columns * c * self.split
            own = [values[low:low + config.columns] for values in self.records.values()]
            for p in range(count):
                value = self.sums[c, p] - self.sums[c, self.slot] * self.dynamic
                result = requantise(value[None], *own, *(self.numbers[name] for name in NUMBERS[:3]))[0]
                if adds:
                    summands = tables[result.astype(np.int64) & 0xFF] + tables[256 + next(operand)]
                    result = requantise(summands[None], *total, *(self.numbers[name] for name in NUMBERS[3:]))[0]
                self.outputs.append(int.from_bytes(result.tobytes(), "little"))


@pytest.mark.parametrize("stall, rate", [(30, 40), *(pytest.param(*pair, marks=pytest.mark.full) for pair in ((0, 100), (0, 20), (60, 100)))])
@pytest.mark.parametrize("config", GRIDS, ids=lambda config: config.name)
def test_tiles_of_both_kinds_back_to_back_equal_the_golden_model(config, stall, rate):
    seed = 31
    rng = np.random.default_rng(seed)
    tables = rng.integers(-(1 << 27), 1 << 27, TABLE_WORDS)
    tiles = [DrawnTile(rng, config, adds, tables) for adds in (1, 1, 0, 0, 1, 0, 1)]
    clk, clear, start, busy, stalled, done, left = (flag() for _ in range(7))
    tile, read, outputs = DrainStart(config), GridRead(config), Stream(8 * config.columns)
    lanes, groups = config.requantise_lanes, config.columns // config.requantise_lanes
    sums, records = [signed(config.accumulator_bits) for _ in range(lanes)], [Record() for _ in range(lanes)]
    address, operands, table_write = unsigned(group_address_bits(config)), OperandWrite(config), TableWrite()
    sink = Sink(outputs, seed, stall)
    coming, banks, waiting, ended = [operand for t in tiles for operand in t.operands], [None, None], list(enumerate(tiles)), []
    reads, addresses, under_way, first = [(0, 0, no_group(config))] * 2, [0], [None, None], TABLE_WORDS + 2

    def drive(cycle):
        table_write.enable.next = cycle < TABLE_WORDS
        if cycle < TABLE_WORDS:
            table_write.address.next, table_write.data.next = cycle, int(tables[cycle]) & 0xFFFFFFFF
        start.next = False
        if cycle > first and waiting and banks[waiting[0][0] % 2] is None:
            number, one = waiting.pop(0)
            banks[number % 2] = one
            start.next, tile.bank.next, tile.split.next, tile.dynamic.next, tile.add.next = True, number % 2, one.split, one.dynamic, bool(one.adds)
            tile.slot.next = one.slot
            for name in NUMBERS:
                getattr(tile, name).next = one.numbers[name]
            for signal, count in zip(tile.pixels, one.pixels, strict=True):
                signal.next = count
        bank, pixel, group = reads[-2]
        for j, signal in enumerate(sums):
            none = group == no_group(config) or banks[bank] is None
            signal.next = 0 if none else int(banks[bank].sums[group // groups, pixel, group % groups * lanes + j])
        bank, group = addresses[-1] >> len(address) - 1, addresses[-1] & (1 << len(address) - 1) - 1
        for j, signals in enumerate(records):
            signals.enabled.next = True
            for name in ("bias", "multiplier", "shift"):
                # What is in a bank that waits for no drain is another tile's.
                whole = banks[bank] is not None and group <= sum_group(config)
                getattr(signals, name).next = int(banks[bank].records[name][group * lanes + j]) if whole else 1
        operands.valid.next = under_way[-2] is not None
        if under_way[-2] is not None:
            operands.data.next = int.from_bytes(under_way[-2].astype(np.uint8).tobytes(), "little")
        operands.reserve.next = False
        under_way.append(None)
        if operands.room and coming and rng.integers(100) < rate:
            operands.reserve.next = True
            under_way[-1] = coming.pop(0)
        sink.drive()

    def sample(cycle):
        reads.append((int(read.bank), int(read.pixel), int(read.group)))
        addresses.append(int(address))
        if done:
            ended.append(cycle)
            banks[(len(ended) - 1) % 2] = None
        sink.sample()

    block = drain(clk, clear, start, tile, read, sums, address, records, operands, table_write, left, outputs, busy, stalled, done, config)
    run_block(clk, block, 3200, drive, sample)
    expected = [beat for one in tiles for beat in one.outputs]
    wrong = [(i, hex(got), hex(wanted)) for i, (got, wanted) in enumerate(zip(sink.words, expected, strict=False)) if got != wanted]
    assert not wrong and len(sink.words) == len(expected), f"{len(wrong)} of {len(expected)} wrong, {len(sink.words)} came, first {wrong[:3]}"
    assert len(ended) == len(tiles) and not busy and not left and not coming
