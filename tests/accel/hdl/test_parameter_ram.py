# SPDX-License-Identifier: BSD-2-Clause
"""The parameter RAM gives back each record of both banks, whatever the beat's size, a cycle after its address."""

from dataclasses import replace

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.hdl.interfaces import flag, unsigned
from accel.hdl.parameter_ram import Record, group_address_bits, parameter_ram, sum_group
from accel.hdl.step import WeightWrite
from tests.support.bench import run_block

FIELDS = ("bias", "multiplier", "shift", "enabled")


def draw(rng):
    """Return a record of random numbers, of edges now and then."""
    bias = rng.choice([-(1 << 31), (1 << 31) - 1, rng.integers(-(1 << 31), 1 << 31)])
    multiplier = rng.choice([0, (1 << 31) - 1, rng.integers(0, 1 << 31)])
    return int(bias), int(multiplier), int(rng.integers(-31, 31)), bool(rng.integers(2))


@pytest.mark.parametrize("columns, lanes, clusters", [(4, 2, 2), (8, 1, 3), (16, 4, 2), (16, 16, 1)])
def test_records_come_back_as_written_while_others_are_written(columns, lanes, clusters):
    config = replace(CONFIGS["arty-35"], name="records", columns=columns, requantise_lanes=lanes, clusters=clusters, block_channels=2 * columns)
    rng = np.random.default_rng(5)
    groups, parts, places = sum_group(config) + 1, config.parameter_beats, 1 << group_address_bits(config) - 1
    clk, write, data, read_address = flag(), WeightWrite(config), unsigned(8 * columns), unsigned(group_address_bits(config))
    records = [Record() for _ in range(lanes)]
    written = {}
    beats = [(bank, number, part) for _ in range(2) for bank in range(2) for number in range(clusters * columns + lanes) for part in range(parts)]
    wrong, compared, pending = [], 0, []

    def drive(cycle):
        write.parameter.next = False
        drive.address = int(rng.integers(2 * groups))
        read_address.next = drive.address // groups * places + drive.address % groups
        # The address may be any, the words compared are those whole and not being written in the cycle of the read.
        drive.expected = [written.get((drive.address // groups, drive.address % groups * lanes + j)) for j in range(lanes)]
        if pending or (beats and rng.integers(4)):
            if not pending:
                bank, number, _ = beats[0]
                drive.record = draw(rng)
                pending.extend(beats[:parts])
                del beats[:parts]
                written[bank, number] = None
            bank, number, part = pending.pop(0)
            bias, multiplier, shift, enabled = drive.record
            # Bits that no field uses are random.
            whole = int(rng.integers(1 << 31)) << 96 | int(rng.integers(1 << 26)) << 70 | int(rng.integers(2)) << 63
            whole |= (shift & 63) << 64 | multiplier << 32 | bias & 0xFFFFFFFF
            write.parameter.next, write.bank.next, write.record.next, write.part.next = True, bool(bank), number, part
            write.enabled.next = enabled if part == 0 else bool(rng.integers(2))
            data.next = whole >> 8 * columns * part & (1 << 8 * columns) - 1
            drive.expected = [None if (drive.address // groups, drive.address % groups * lanes + j) == (bank, number) else record
                              for j, record in enumerate(drive.expected)]
            if not pending:
                written[bank, number] = drive.record

    last = []

    def sample(cycle):
        nonlocal compared
        for record, expected in zip(records, last, strict=False):
            if expected is not None:
                compared += 1
                got = tuple(int(getattr(record, name)) for name in FIELDS)
                if got != tuple(int(number) for number in expected):
                    wrong.append((cycle, got, expected))
        last[:] = drive.expected

    count = len(beats) * 2 + 400
    run_block(clk, parameter_ram(clk, write, data, read_address, records, config), count, drive, sample)
    assert not beats and compared > 400 and not wrong, f"{len(wrong)} of {compared} wrong, first {wrong[:3]}"
