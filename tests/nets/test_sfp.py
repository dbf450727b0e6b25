# SPDX-License-Identifier: BSD-2-Clause
"""Pruning a defined network leaves a network of the same function where what goes is 0, in widths that the hardware fills."""

import numpy as np
import pytest

from accel.errors import UserError
from nets.count import count, count_layers
from nets.definition import Draft
from nets.paper import define
from nets.sfp import connection_masks, cut_filters, prunable, scheduled_density


def random_weights(definition, seed=4):
    rng = np.random.default_rng(seed)
    return {layer.name: rng.normal(size=definition.weights_shape(layer)) for layer in definition.weighted}


def small():
    draft = Draft("small", 8, 8, 3)
    tensor = draft.max_pool("pool", draft.convolution("conv1", "input", 64))
    tensor = draft.compressed("conv2", tensor, 128, 32, 2)
    draft.dense("classifier", tensor, 10)
    return draft.definition()


@pytest.mark.parametrize("density", [0.25, 0.5, 0.9])
def test_each_layer_keeps_the_density_but_the_first_and_the_last(density):
    definition = define("sparse-vgg-d")
    masks = connection_masks(definition, random_weights(definition), density)
    assert set(masks) == {layer.name for layer in definition.weighted} - {"conv1_1", "classifier"}
    for name, mask in masks.items():
        shape = next(definition.weights_shape(layer) for layer in definition.weighted if layer.name == name)
        assert mask.shape == (shape[0], shape[3])
        assert density <= mask.mean() <= max(density + 0.05, 4 / shape[3]), name
    dense, pruned = (sum(counted[name].macs for name in masks) for counted in (count_layers(definition), count_layers(definition, masks)))
    assert pruned / dense == pytest.approx(density, abs=0.01)


def test_a_fully_connected_layer_over_a_map_is_pruned_place_by_place():
    draft = Draft("dense", 4, 4, 32)
    tensor = draft.convolution("conv", "input", 32)
    draft.dense("last", draft.dense("hidden", tensor, 32, relu=True), 10)
    definition = draft.definition()
    mask = connection_masks(definition, random_weights(definition), 0.5)["hidden"]
    assert mask.shape == (32, 16 * 32)
    assert (mask.reshape(32, -1, 16).sum(axis=2) % 4 == 0).all()
    assert count_layers(definition, {"hidden": mask})["hidden"].macs == 32 * 512 // 2


def test_density_falls_to_the_target_over_the_first_half():
    steps = [scheduled_density(0.3, epoch, 10) for epoch in range(10)]
    assert steps == sorted(steps, reverse=True) and steps[0] < 1
    assert steps[4:] == pytest.approx([0.3] * 6) and steps[3] > 0.3
    assert scheduled_density(0.3, 0, 1) == 0.3


@pytest.mark.parametrize("name", ["vgg-a", "sparse-vgg-a", "sparse-vgg-d", "sparse-alexnet", "squeezenet11"])
def test_filters_go_in_steps_that_tiles_and_groups_are_filled_by(name):
    definition = define(name)
    cut = cut_filters(definition, random_weights(definition), 0.6)
    assert count(cut.definition).macs < 0.75 * count(definition).macs
    for layer in cut.definition.weighted[:-1]:
        assert layer.outputs % 16 == 0
        assert cut.definition.weights_shape(layer)[3] % 4 == 0 or layer.input == "input"
    assert cut.definition.shapes[cut.definition.output] == definition.shapes[definition.output]


def test_the_most_salient_filters_of_each_branch_stay():
    definition, weights = small(), random_weights(small())
    weights["conv2"][[5, 70]] *= 100
    kept = cut_filters(definition, weights, 0.5).outputs["conv2"]
    assert {5, 70} <= set(kept.tolist()) and np.count_nonzero(kept < 64) == np.count_nonzero(kept >= 64) == 32


def test_weights_of_what_stays_are_those_of_the_larger_network():
    definition, weights = small(), random_weights(small())
    cut = cut_filters(definition, weights, 0.5)
    for layer in cut.definition.weighted:
        assert cut.weights(layer.name, weights[layer.name]).shape == cut.definition.weights_shape(layer)
    output, channel = 40, 3  # of the second branch
    kept = cut.weights("conv2", weights["conv2"])[output, :, :, channel]
    source = cut.outputs["conv2_compress"][cut.outputs["conv2_compress"] >= 16][channel] - 16
    np.testing.assert_array_equal(kept, weights["conv2"][cut.outputs["conv2"][output], :, :, source])


def test_a_share_of_one_cuts_nothing():
    definition = small()
    assert cut_filters(definition, random_weights(definition), 1).definition == definition


@pytest.mark.parametrize("share", [0, -0.5, 1.01, float("nan")])
def test_a_share_that_is_none_is_refused(share):
    definition = small()
    with pytest.raises(UserError, match="the density must be above 0 and at most 1"):
        connection_masks(definition, random_weights(definition), share)
    with pytest.raises(UserError, match="the share of filters must be above 0 and at most 1"):
        cut_filters(definition, random_weights(definition), share)


def test_a_concatenation_that_leads_to_groups_is_refused():
    draft = Draft("wrong", 8, 8, 3)
    one, other = (draft.convolution(name, "input", 32) for name in ("one", "other"))
    draft.convolution("grouped", draft.max_pool("pool", draft.concatenation("both", one, other)), 32, groups=2)
    draft.dense("classifier", "grouped", 10)
    definition = draft.definition()
    with pytest.raises(UserError, match="layer 'both' leads to a convolution with groups"):
        cut_filters(definition, random_weights(definition), 0.5)


def test_what_reads_few_channels_and_what_gives_the_classes_is_not_prunable():
    assert [layer.name for layer in prunable(small())] == ["conv2_compress", "conv2"]
