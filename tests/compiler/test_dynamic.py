# SPDX-License-Identifier: BSD-2-Clause
"""Programs that leave out empty feature maps give what the reference gives, do fewer products, and say why a layer leaves out none."""

from dataclasses import replace

import numpy as np
import pytest

from accel import isa
from accel.config import CONFIGS
from accel.errors import UserError
from accel.registers import FILTER_WORDS
from compiler import dynamic
from compiler.estimate import LATENCY, WAIT
from compiler.expectation import expect
from compiler.program import compile_network, mask_planner
from compiler.pruning import Pruning, exact_pruning, prunable
from compiler.reference import execute
from tests.support.bounded_queues import BoundedQueues
from tests.support.pruned_networks import deep, random_pruning, rectified_graph
from tests.support.random_networks import random_images
from tests.support.slices import slice_of


@pytest.fixture
def everywhere(monkeypatch):
    """Every layer that can leaves out maps, whether it gains or not."""
    monkeypatch.setattr(dynamic, "worthwhile", lambda gain, cycles: True)


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("seed", slice_of(range(120), 6))
def test_a_random_graph_with_random_thresholds_is_exact(everywhere, seed, config):
    config = CONFIGS[config]
    network = rectified_graph(seed, config.columns)
    model, rng = compile_network(network, config, pruning=random_pruning(network, seed)), np.random.default_rng(seed)
    # In every other one some filters are off too: their maps are empty.
    filters = [int(word) for word in rng.integers(0, 1 << config.columns, FILTER_WORDS)] if seed % 2 else None
    expect(network, model, random_images(network, seed)[0], filters)
    for program in model.programs:
        assert BoundedQueues(config, program.words).left_over() == (0, 0), f"seed {seed}"


@pytest.mark.parametrize("config", ["tiny", "arty-35"])
@pytest.mark.parametrize("seed", slice_of(range(300, 340), 5))
def test_threshold_0_changes_no_tensor_and_saves_products(everywhere, seed, config):
    config = CONFIGS[config]
    network = rectified_graph(seed, config.columns)
    image = random_images(network, seed)[0]
    plain, pruned = compile_network(network, config), compile_network(network, config, pruning=exact_pruning(network, random_images(network, 1)))
    before, after = expect(network, plain, image), expect(network, pruned, image)
    for name, tensor in after.tensors.items():
        np.testing.assert_array_equal(tensor, execute(network, image[np.newaxis])[pruned.copies.get(name, name)].reshape(tensor.shape))
    for layer, one, other, skipped in zip(pruned.layers, before.counters, after.counters, after.maps_skipped, strict=True):
        if not layer.on_cpu:
            assert other["macs"] <= one["macs"] and (skipped or other["macs"] == one["macs"]), f"seed {seed}, {layer.name}"


@pytest.mark.parametrize("words, size, pool", [(1024, (8, 8), ()), (1024, (12, 10), (0, 1)), (64, (14, 10), ()), (64, (8, 30), (0,))],
                         ids=["resident", "pooled", "strips", "passes"])
@pytest.mark.parametrize("widths", [(40, 72, 40), (32, 64, 96), (20, 300, 33)], ids=str)
def test_chains_are_exact_however_they_are_cut(everywhere, widths, words, size, pool):
    config = replace(CONFIGS["arty-35"], activation_words=words)
    network = deep(size, widths, pool=pool)
    model = compile_network(network, config, pruning=random_pruning(network, 5, 40))
    expectation = expect(network, model, random_images(network, 2)[0])
    assert sum(filter(None, expectation.maps_skipped)) > 0
    assert len(model.limits) == len(widths) - 1


def fields_of(model, name):
    """Return the fields of the program's instructions of a name."""
    return [values for instruction, values in map(isa.decode, model.words) if instruction == name]


def test_each_plane_is_measured_by_stores_of_its_own_that_begin_anew_once(everywhere):
    network = deep((12, 10), (40, 72, 20))
    model = compile_network(network, CONFIGS["arty-35"], pruning=exact_pruning(network, random_images(network, 1)))
    stores = [values for values in fields_of(model, "STORE") if values["measure"]]
    planes = [values["mask_plane"] for values in stores if values["mask_first"]]
    assert len(planes) == 3 + 5 and len(set(planes)) == 8
    assert all(values["beats"] <= 120 and values["limit"] == -128 for values in stores)
    dynamic_shapes = {values["first_block"] for values in fields_of(model, "SHAPE") if values["dynamic"]}
    assert dynamic_shapes == {min(planes[:3]) // 2, min(planes[3:]) // 2}


def test_what_does_not_gain_is_left_as_it_was():
    network = deep((8, 8), (64, 64, 16))
    nothing = Pruning(dict.fromkeys(prunable(network), 0), {name: np.ones(network.tensors[name].channels) for name in prunable(network)})
    plain, pruned = compile_network(network, CONFIGS["arty-35"]), compile_network(network, CONFIGS["arty-35"], pruning=nothing)
    assert pruned.image == plain.image and not pruned.limits
    notes = {layer.name: layer.pruning.note for layer in pruned.layers}
    assert notes == {"conv0": "not measured: it is the image", "conv1": "no map skipped, as predicted", "conv2": "no map skipped, as predicted"}


def test_a_layer_of_few_pixels_says_that_its_weights_stream_past():
    network = deep((2, 2), (128, 128))
    empty = Pruning({"t0": 0}, {"t0": np.full(128, 0.3)})
    layer = compile_network(network, CONFIGS["arty-35"], pruning=empty).layers[1]
    assert layer.pruning.note == "weights still stream past (70% of the maps could be skipped)"


@pytest.mark.parametrize("size, note", [(2, "weights still stream past"), (16, "not measured: no threshold was found worth what it loses")])
def test_a_layer_without_a_threshold_says_whether_one_could_have_gained(size, note):
    layer = compile_network(deep((size, size), (128, 128)), CONFIGS["arty-35"], pruning=Pruning({}, {})).layers[1]
    assert layer.pruning.note == note and layer.pruning.limits is None


def test_more_tensors_than_the_mask_has_words_for_say_so(everywhere):
    network = deep((1, 1), (520, 560, 16), (1, 1))
    model = compile_network(network, CONFIGS["arty-35"], pruning=random_pruning(network, 1))
    notes = [layer.pruning.note for layer in model.layers[1:]]
    assert sorted(notes, key=str) == [None, "not measured: other tensors take the mask's 32 words"]
    expect(network, model, random_images(network, 2)[0])


def test_a_batch_cannot_be_pruned():
    network = deep()
    with pytest.raises(UserError, match="leave out --dfp, or --batch 2"):
        compile_network(network, CONFIGS["arty-35"], batch=2, pruning=random_pruning(network, 1))


def test_a_layer_gains_less_by_what_it_waits_for_its_whole_input(monkeypatch):
    network = deep((28, 28), (32, 64, 20))
    planner, kept = mask_planner(network, CONFIGS["arty-35"]), np.zeros(64)
    gain = planner.gain("t1", kept)
    monkeypatch.setattr(dynamic.MaskPlanner, "_wait", lambda planner, writer: 0)
    # The last round's outputs, 16 of each of its pixels, leave by 4 lanes; then memory answers.
    assert 0 < gain < planner.gain("t1", kept) - LATENCY - WAIT
