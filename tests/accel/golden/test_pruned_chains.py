# SPDX-License-Identifier: BSD-2-Clause
"""The golden model on chains of convolutions whose masks the STOREs of the layer before measure, against numpy."""

from functools import partial

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.golden import Golden
from tests.support.addition_programs import ORIGIN
from tests.support.pruned_chains import random_chain, write_chain
from tests.support.scheduled_golden import ORDERS, ScheduledGolden

TINY = CONFIGS["tiny"]


def run(chain, config, seed, golden=Golden):
    """Run the chain on the golden model; its tensors must be numpy's. Returns the products of each layer."""
    program, places = write_chain(chain, config, seed)
    memory, _, read, write = program.end()
    result = golden(config, memory, ORIGIN).run(list(program.words), read, write)
    assert result.error == 0, f"seed {seed}: error {result.error} at {result.position}"
    for layer, (address, expected) in enumerate(places):
        found = np.frombuffer(memory, np.int8, expected.size, address - ORIGIN).reshape(expected.shape)
        np.testing.assert_array_equal(found, expected, err_msg=f"seed {seed}, layer {layer}")
    return [result.records[layer]["macs"] for layer in range(len(places))]


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("seed", range(10))
def test_a_chain_leaves_out_the_maps_that_are_not_above_the_limit(name, seed):
    config = CONFIGS[name]
    run(random_chain(seed, config, 2 + seed % 2, (0, 0, 20, 60)[seed % 4], (0.5, 0.0, 1.0, 0.2, 0.8)[seed % 5]), config, seed)


@pytest.mark.parametrize("zero_point", [-128, 0, 17])
@pytest.mark.parametrize("seed", range(5))
def test_a_limit_at_the_zero_point_changes_no_output_and_saves_products(seed, zero_point):
    chain = random_chain(seed, TINY, 3, 0, 0.5, zero_point)
    pruned, all_ = run(chain, TINY, seed), run(chain.unpruned(), TINY, seed)
    for (one, kept), (other, _) in zip(chain.expected(), chain.unpruned().expected(), strict=True):
        np.testing.assert_array_equal(one, other)
        assert not kept.all()
    assert pruned[0] == all_[0] and pruned[1] < all_[1] and pruned[2] < all_[2]


def test_a_chain_whose_maps_are_all_off_multiplies_nothing():
    chain = random_chain(3, TINY, 2, 0, 1.0)
    assert run(chain, TINY, 3)[1] == 0


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_engines_does_not_matter(seed):
    chain = random_chain(seed, TINY, 3, 10, 0.5)
    for order in (*ORDERS, None):
        run(chain, TINY, seed, partial(ScheduledGolden, order=order, seed=seed))
