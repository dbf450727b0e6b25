# SPDX-License-Identifier: BSD-2-Clause
"""The dynamic mask holds what MASKs and measuring STOREs write, also where both write in one cycle."""

from dataclasses import replace

import numpy as np
import pytest

from accel import isa
from accel.config import CONFIGS
from accel.hdl.dynamic_mask import dynamic_mask
from accel.hdl.interfaces import MaskWrite, flag, unsigned
from tests.support.bench import run_block

GRIDS = {name: CONFIGS[name] for name in ("tiny", "arty-35")} | {"one plane": replace(CONFIGS["tiny"], columns=8)}
# A STORE has at least so many cycles from one end to the next, a MASK from one to the next.
STORE_CYCLES, MASK_CYCLES = 4, 2


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("masks, stores", [(0.0, 1.0), (1.0, 1.0), (0.3, 0.3), (1.0, 0.3)])
def test_no_write_is_lost_and_each_is_seen_two_cycles_later_at_the_latest(name, masks, stores):
    config = GRIDS[name]
    rng = np.random.default_rng(int(10 * masks + stores))
    clk, clear, write, word, number = flag(), flag(), flag(), unsigned(128), unsigned(5)
    mask, measured = unsigned(config.block_channels), MaskWrite(config)
    every = (1 << config.columns) - 1
    # What the words hold, and from which cycle on; before it either value may be read.
    words, settled, last, clashes = [0] * isa.MASK_WORDS, [0] * isa.MASK_WORDS, {"mask": -9, "store": -9}, [0]

    def drive(cycle):
        write.next = masking = cycle - last["mask"] >= MASK_CYCLES and rng.random() < masks
        storing = cycle - last["store"] >= STORE_CYCLES and rng.random() < stores
        measured.enable.next = storing
        block, plane = int(rng.integers(isa.MASK_WORDS)), int(rng.integers(isa.MASK_WORDS * config.beats_per_word))
        if masking and storing and plane // config.beats_per_word == block:
            block = (block + 1) % isa.MASK_WORDS
        if masking:
            channels = int(rng.integers(1 << config.block_channels))
            word.next = isa.encode("MASK", block=block, channels=channels)
            words[block], settled[block], last["mask"] = channels, max(settled[block], cycle + 1), cycle
        if storing:
            clashes[0] += masking
            flags, first = int(rng.integers(every + 1)), bool(rng.integers(2))
            measured.flags.next, measured.plane.next, measured.first.next = flags, plane, first
            block, part = plane // config.beats_per_word, plane % config.beats_per_word * config.columns
            words[block] = words[block] & ~((every if first else 0) << part) | flags << part
            settled[block], last["store"] = cycle + 2, cycle
        number.next = int(rng.integers(isa.MASK_WORDS))

    def sample(cycle):
        if cycle >= settled[int(number)]:
            assert int(mask) == words[int(number)], f"cycle {cycle}, word {int(number)}"

    run_block(clk, dynamic_mask(clk, clear, write, word, number, mask, measured, config), 4000, drive, sample)
    assert clashes[0] > 20 or masks == 0
