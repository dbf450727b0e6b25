# SPDX-License-Identifier: BSD-2-Clause
"""Dynamic feature pruning in the converted core: what the STOREs of a layer measure is the mask of the next one, whatever stalls."""

from dataclasses import replace

import pytest

from accel import isa
from accel.config import CONFIGS
from accel.golden import Golden
from accel.registers import ERROR_CODES
from tests.support.addition_programs import ORIGIN, assert_program_is_exact
from tests.support.core_harness import Core
from tests.support.pruned_chains import random_chain, write_chain
from tests.support.slices import slice_of

TINY = CONFIGS["tiny"]
GRIDS = (TINY, CONFIGS["arty-35"], replace(TINY, name="one-plane", clusters=3, columns=8, lanes=4, macs_per_multiplier=2))


def batches(count, quick):
    """Return (grid, first seed) of batches of 10 chains, of which `make test` takes `quick` a grid."""
    return [batch for config in GRIDS for batch in slice_of([(config, first) for first in range(0, count, 10)], quick)]


@pytest.mark.parametrize("batch", batches(100, 2), ids=lambda batch: f"{batch[0].name} {batch[1]}")
def test_chains_of_layers_that_prune_each_other_are_exact(batch):
    config, first = batch
    for seed in range(first, first + 10):
        chain = random_chain(seed, config, 2 + seed % 2, (0, 0, 15, 60)[seed // 2 % 4], (0.5, 0.0, 1.0, 0.2, 0.8)[seed % 5])
        assert_program_is_exact(write_chain(chain, config, seed)[0], None, seed, stall=(0, 0, 10, 50, 90)[seed // 3 % 5])


@pytest.mark.parametrize("masks", range(0, 60, 6))
def test_the_first_conv_after_a_copy_sees_what_was_measured_whatever_masks_are_set_meanwhile(masks):
    """Nothing stalls and the CONV waits for nothing but the copy's semaphore: it begins as early as one can, and reads the only part there is.

    MASKs of other words run up to it. Without them two of three such chains are wrong where the part is written a cycle later than it may be.
    """
    for seed in range(200 + masks, 206 + masks):
        chain = random_chain(seed, TINY, 3, most_planes=1)
        chain = replace(chain, masks=masks, layers=tuple(replace(layer, copies=True) for layer in chain.layers))
        assert_program_is_exact(write_chain(chain, TINY, seed)[0], None, seed, stall=0)


def test_a_store_that_measures_for_a_part_beyond_the_mask_is_refused():
    """Words of one plane have 32 parts, so that number 32 is none; a STORE that does not measure may say so."""
    config = GRIDS[2]
    program, _ = write_chain(random_chain(1, config), config)
    stores = [i for i, word in enumerate(program.words) if isa.decode(word)[0] == "STORE"]
    for place, measure in zip(stores, (0, 1), strict=False):
        program.words[place] = isa.encode("STORE", **isa.decode(program.words[place])[1] | {"mask_plane": 32, "measure": measure})
    memory, address, read, write = program.end()
    golden = Golden(config, bytearray(memory), ORIGIN).run(list(program.words), read, write)
    assert (golden.error, golden.position) == (ERROR_CODES.BAD_FIELD, stores[1])
    with Core(config, memory, ORIGIN) as core:
        assert core.run(address, len(program.words), read, write)[:2] == (ERROR_CODES.BAD_FIELD, stores[1])


@pytest.mark.full
@pytest.mark.parametrize("first", range(500, 560, 10))
def test_chains_on_the_grid_of_the_larger_arty_are_exact(first):
    for seed in range(first, first + 10):
        chain = random_chain(seed, CONFIGS["arty-100"], 3, (0, 20)[seed % 2])
        assert_program_is_exact(write_chain(chain, CONFIGS["arty-100"], seed)[0], None, seed, stall=(0, 10, 50, 90)[seed % 4])
