# SPDX-License-Identifier: BSD-2-Clause
"""Semaphores: one give for each take, none where the order of the engines says it already, and never too many ahead."""

import random

import pytest

from accel import isa
from accel.config import CONFIGS
from accel.errors import UserError
from compiler.link import MOST_GIVEN, SEMAPHORES, link, most_ahead, pair
from compiler.schedule import Schedule

TINY = CONFIGS["tiny"]
STORED = {"beats": 1, "copy_clusters": 3, "copy_pitch": 2}


def linked(schedule):
    return [isa.decode(word) for word in link(TINY, schedule.ops, ["first", "second", "third"])]


def stores_of(schedule):
    return {0: [op for op in schedule.ops if op.name == "STORE"]}


def random_schedule(seed, length=120):
    """Return a Schedule of operations that wait for any earlier ones."""
    rng, schedule = random.Random(seed), Schedule()
    for _ in range(length):
        name = rng.choice(["LOAD", "CONV", "STORE"])
        needs = [] if name == "STORE" else rng.sample(schedule.ops, min(len(schedule.ops), rng.randrange(4)))
        schedule.add(name, [op for op in needs if op.name != name])
    return schedule


@pytest.mark.parametrize("seed", range(30))
def test_whoever_waits_takes_the_give_of_what_it_needs_or_of_something_later(seed):
    schedule = random_schedule(seed)
    pairs = pair(schedule.ops, stores_of(schedule), 1)
    for (giver, taker), taken in pairs.items():
        gives, takes = [give.index for give, _ in taken], [take.index for _, take in taken]
        assert gives == sorted(set(gives)) and takes == sorted(set(takes)), f"seed {seed}"
        for op in (op for op in schedule.ops if op.engine == taker):
            needed = max((need.index for need in op.needs if need.engine == giver), default=-1)
            passed = [give for give, take in zip(gives, takes, strict=True) if take <= op.index]
            assert needed <= max(passed, default=-1), f"seed {seed}: {op.name} {op.index}"
        assert all(give < take for give, take in zip(gives, takes, strict=True)), f"seed {seed}"


def store_rows(schedule, count, start=0):
    for row in range(start, start + count):
        schedule.store("map", row, 300, address=4 * row, copy_destination=2 * row, **STORED)


def test_stores_that_go_on_are_one_and_are_cut_where_somebody_waits():
    schedule = Schedule()
    store_rows(schedule, 8)
    schedule.end_layer(0)
    schedule.add("CONV", schedule.stores_of("map", range(3)), pixels=1)
    schedule.add("LOAD", schedule.stores_of("map", range(5)), rows=1, length=4, clusters=1)
    stores = [values for name, values in linked(schedule) if name == "STORE"]
    assert [values["beats"] for values in stores] == [3, 2, 3]
    assert [values["copy_destination"] for values in stores] == [0, 6, 10]
    assert [values["copy_signal"] for values in stores] == [SEMAPHORES["store", "compute"], 0, 0]
    assert [values["signal_a"] for values in stores] == [0, SEMAPHORES["store", "load"], 0]


@pytest.mark.parametrize("values", [{"address": 5 * 4}, {"copy_destination": 11}, {"copy_pitch": 3}])
def test_stores_are_one_only_where_memory_and_copy_go_on(values):
    schedule = Schedule()
    store_rows(schedule, 4)
    schedule.add("STORE", **{"address": 4 * 4, "copy_destination": 8, **STORED, **values})
    assert [fields["beats"] for name, fields in linked(schedule)] == [4, 1]


def test_a_store_ends_with_its_layer():
    schedule = Schedule()
    store_rows(schedule, 2)
    schedule.end_layer(0)
    store_rows(schedule, 2, 2)
    assert [name for name, _ in linked(schedule)] == ["STORE", "LAYER", "STORE"]


def test_many_rows_that_are_waited_for_one_by_one_give_for_several_together():
    schedule = Schedule()
    store_rows(schedule, 200)
    schedule.end_layer(0)
    for row in range(200):
        schedule.add("CONV", schedule.stores_of("map", range(row + 1)), pixels=1)
    gives = [fields for name, fields in linked(schedule) if name == "STORE"]
    takes = [fields for name, fields in linked(schedule) if name == "CONV" and fields["wait_a"]]
    assert len(gives) == len(takes) == 50
    assert most_ahead(pair(schedule.ops, stores_of(schedule), 1)["store", "compute"]) == 200 > MOST_GIVEN


def test_an_operation_cannot_wait_for_a_later_one():
    schedule = Schedule()
    early = schedule.add("CONV", pixels=1)
    early.needs = (schedule.add("LOAD", rows=1, length=4),)
    with pytest.raises(ValueError, match="later in the program"):
        linked(schedule)


def test_what_an_instruction_cannot_say_is_refused_with_its_layer():
    schedule = Schedule()
    schedule.end_layer(0)
    schedule.add("CONV", pixels=1000)
    with pytest.raises(UserError, match="'second' is beyond.*pixels"):
        linked(schedule)
