# SPDX-License-Identifier: BSD-2-Clause
"""What stays on chip: places never collide, what is read is there whatever the engines' order, and a semaphore too early is found out."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accel import isa
from accel.config import CONFIGS
from accel.errors import UserError
from compiler.emit import Home
from compiler.expectation import memory_image
from compiler.ir import Conv2D, Network, Padding, TensorInfo
from compiler.program import compile_network
from compiler.reference import execute
from compiler.residency import Residency, plan_residency
from tests.support.bounded_queues import BoundedQueues
from tests.support.random_networks import random_images, random_network
from tests.support.scheduled_golden import EARLY_STORES, LATE_LOADS, LATE_STORES, ORDERS, ScheduledGolden
from tests.support.slices import slice_of

TINY = CONFIGS["tiny"]


def differing(network, model, words, seed, order):
    """Return the layers whose output is wrong after `words` ran in an order, or the error's code."""
    image = random_images(network, seed)[0]
    memory = memory_image(model, image)
    result = ScheduledGolden(model.config, memory, model.base, None, order, seed).run(list(words), model.read_window, model.write_window)
    if result.error:
        return result.error
    expected, wrong = execute(network, image[np.newaxis]), []
    for layer in model.layers:
        place = model.placements[layer.output]
        low = place.address - model.base
        if (place.unpack(bytes(memory[low:low + place.bytes])) != expected[layer.output][0]).any():
            wrong.append(layer.name)
    return wrong


def resident_layers(model):
    """Return the indices of the layers that load nothing."""
    found, loads = [], 0
    for name, values in map(isa.decode, model.words):
        loads += name == "LOAD"
        if name == "LAYER":
            found += [values["index"]] * (loads == 0)
            loads = 0
    return found


def fitting_network(seed, config):
    """Return (network, CompiledModel) drawn from `seed` for `config` or one with smaller buffers; what does not fit is drawn again."""
    sized = replace(config, activation_words=max(config.activation_words // (1, 4, 8)[seed % 3], 64))
    for draw in range(20):
        network = random_network(seed + 1000 * draw, sized.columns, layers=5, branches=seed % 2 == 1, largest_channels=40 if sized.columns == 16 else 24)
        try:
            return network, compile_network(network, sized)
        except UserError:
            continue
    raise AssertionError(f"seed {seed}: no network fits")


@pytest.mark.parametrize("seed", slice_of(range(100), 4))
@pytest.mark.parametrize("config", ["tiny", "small-16", "arty-35", "arty-100"])
def test_a_random_network_is_exact_in_every_order_of_the_engines(config, seed):
    network, model = fitting_network(seed, CONFIGS[config])
    for order in (*ORDERS, None):
        assert differing(network, model, model.words, seed, order) == [], f"{config}, seed {seed}, order {order}"
    assert BoundedQueues(model.config, model.words).left_over() == (0, 0), f"{config}, seed {seed}"


@pytest.mark.parametrize("config", ["tiny", "small-16", "arty-35", "arty-100"])
def test_many_layers_of_random_networks_load_nothing(config):
    models = [fitting_network(seed, CONFIGS[config])[1] for seed in range(12)]
    assert sum(len(resident_layers(model)) for model in models) > 0.4 * sum(len(model.layers) for model in models)


def chain(channels, sizes=3, side=16, kernel=3):
    """Return a Network of `sizes` equal convolutions with padding."""
    rng, pad = np.random.default_rng(3), kernel // 2
    tensors, layers = {"t0": TensorInfo("t0", side, side, channels, zero_point=-7)}, []
    for i in range(sizes):
        weights = rng.integers(-127, 128, (channels, kernel, kernel, channels)).astype(np.int8)
        layers.append(Conv2D(f"conv{i}", f"t{i}", f"t{i + 1}", weights, rng.integers(-999, 999, channels), rng.integers(1 << 30, 1 << 31, channels),
                             np.full(channels, -9), padding=Padding(pad, pad, pad, pad)))
        tensors[f"t{i + 1}"] = TensorInfo(f"t{i + 1}", side, side, channels, zero_point=3)
    return Network("chain", "t0", f"t{sizes}", tensors, tuple(layers))


def fields_changed(words, name, change):
    """Return the words with change(fields) made to each instruction `name`."""
    changed = []
    for word in words:
        kind, values = isa.decode(word)
        changed.append(isa.encode(kind, **{**values, **change(values)}) if kind == name else word)
    return changed


def test_maps_follow_each_other_in_the_place_of_what_has_been_read():
    network = chain(4, 6)
    config = replace(TINY, activation_words=256)
    model = compile_network(network, config)
    assert resident_layers(model) == [1, 2, 3, 4, 5]
    places = [values["copy_destination"] for name, values in map(isa.decode, model.words) if name == "STORE" and values["copy_clusters"]]
    assert max(places) < config.activation_beats < 6 * 16 * 16
    for order in (*ORDERS, None):
        assert differing(network, model, model.words, 1, order) == []


def test_a_semaphore_that_is_not_waited_for_is_found_out():
    network = chain(4)
    model = compile_network(network, TINY)
    early = fields_changed(model.words, "CONV", lambda values: {"wait_a": 0, "wait_b": 0})
    assert differing(network, model, early, 1, LATE_STORES) != []
    assert differing(network, model, early, 1, LATE_LOADS) != []


def test_a_place_closer_to_what_is_still_read_is_found_out():
    network = chain(4, 3)
    model = compile_network(network, TINY)
    stores = [values for name, values in map(isa.decode, model.words) if name == "STORE" and values["copy_clusters"]]
    homes = sorted({values["copy_destination"] for values in stores})
    assert homes[0] < homes[-1]
    closer = fields_changed(model.words, "STORE", lambda values: {"copy_destination": values["copy_destination"] + 40 * bool(values["copy_clusters"])})
    assert differing(network, model, closer, 1, EARLY_STORES) != []


def test_a_loaded_layer_starts_when_its_first_rows_are_stored():
    network = chain(16, 2, side=20)
    model = compile_network(network, replace(TINY, activation_words=512))
    words = [isa.decode(word) for word in model.words]
    boundary = next(i for i, (name, _) in enumerate(words) if name == "LAYER")
    loads = [values for name, values in words[boundary:] if name == "LOAD"]
    assert loads and 8 + 1 in (loads[0]["wait_a"], loads[0]["wait_b"])
    given = [i for i, (name, values) in enumerate(words[:boundary]) if name == "STORE" and values["signal_a"]]
    stores = [i for i, (name, _) in enumerate(words[:boundary]) if name == "STORE"]
    assert given[0] != stores[-1]


class FakePlan:
    """A plan of `beats` beats that costs `score`."""

    def __init__(self, beats, score):
        self.score, self.tiling = score, self
        self.regions, self.region_beats = 1, beats


class FakeStage:
    """A stage whose input can be resident, or be loaded in at least `least` beats, the cheaper the more; see compiler/stage.py."""

    flat = False

    def __init__(self, number, reads, beats, least, lag):
        self.reads, self.writes, self.beats, self.least, self._lag, self.source_beats = reads, number, beats, least, lag, 0

    def plan(self, room, resident=False):
        if resident:
            return FakePlan(self.source_beats, 10)
        return FakePlan(min(room, 2 * self.least), 100 + self.least / room) if room >= self.least else None

    def home(self, base, flat):
        return Home(base, 1, 1)

    def lag(self, flat):
        return self._lag


@st.composite
def stages_of(draw):
    count = draw(st.integers(2, 9))
    stages = [FakeStage(i, draw(st.integers(max(-1, i - 4), i - 1)), draw(st.integers(1, 90)), draw(st.integers(1, 60)), draw(st.integers(-40, 10)))
              for i in range(count)]
    for stage in stages:
        stage.source_beats = stages[stage.reads].beats if stage.reads >= 0 else 0
    return stages


@settings(max_examples=300, deadline=None, derandomize=True)
@given(stages_of(), st.sampled_from([64, 100, 128]))
def test_tensors_that_live_together_never_overlap_but_for_a_lag_that_is_safe(stages, capacity):
    choices = plan_residency(stages, capacity, 2)
    homes = {stage.writes: choice.home.base for stage, choice in zip(stages, choices, strict=True) if choice.home}
    last = {name: max(i for i, stage in enumerate(stages) if stage.reads == name and choices[i].resident) for name in homes}
    for i, (stage, choice) in enumerate(zip(stages, choices, strict=True)):
        if choice.resident:
            assert choice.base == homes[stage.reads]
        region = range(choice.base, choice.base + choice.plan.tiling.regions * choice.plan.tiling.region_beats)
        assert 0 <= region.start and region.stop <= capacity
        live = [name for name in homes if name <= i <= last[name]]
        for name in live:
            place = range(homes[name], homes[name] + stages[name].beats)
            assert 0 <= place.start and place.stop <= capacity
            apart = place.stop <= region.start or region.stop <= place.start
            follows = choice.resident and name == i and last[stage.reads] == i and place.start <= region.start + stage.lag(False)
            assert apart or follows or (choice.resident and name == stage.reads)
            for other in live:
                between = range(homes[other], homes[other] + stages[other].beats)
                moved = choice.resident and {name, other} == {i, stage.reads}
                assert name == other or moved or place.stop <= between.start or between.stop <= place.start


def test_what_saves_more_stays_where_not_all_fit():
    stages = [FakeStage(0, -1, 60, 4, -999), FakeStage(1, 0, 60, 4, -999), FakeStage(2, 1, 60, 4, -999)]
    stages[1].source_beats = stages[2].source_beats = 60
    kept = [choice.resident for choice in plan_residency(stages, 100, 2)]
    assert sum(kept) == 1
    assert Residency(stages, 128, 2).place(Residency(stages, 128, 2).candidates()) is not None


def test_nothing_is_planned_where_a_stage_fits_in_no_way():
    assert plan_residency([FakeStage(0, -1, 4, 200, 0)], 100, 2) is None
