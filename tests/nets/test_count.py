# SPDX-License-Identifier: BSD-2-Clause
"""Counts follow from shapes and masks, and the table and the JSON say the same."""

import json
import subprocess
import sys

import numpy as np
import pytest

from nets.count import Count, count, count_layers, main, reduction
from nets.definition import Draft


@pytest.fixture
def definition():
    draft = Draft("small", 8, 8, 3)
    draft.dense("classifier", draft.max_pool("pool", draft.compressed("conv", "input", 32, 8, 2)), 10)
    return draft.definition()


def test_each_layer_counts_its_weights_for_each_pixel_and_its_biases(definition):
    assert count_layers(definition) == {
        "conv_compress": Count(64 * 24, 24 + 8, 24 + 4 * 8),
        "conv": Count(64 * 32 * 9 * 4, 32 * 9 * 4 + 32, 32 * 9 * 4 + 4 * 32),
        "classifier": Count(10 * 512, 10 * 512 + 10, 10 * 512 + 40)}
    assert count(definition).macs == sum(one.macs for one in count_layers(definition).values())


def test_pruned_connections_do_not_count(definition):
    mask = np.zeros((32, 4), bool)
    mask[:16, :2] = True
    pruned = count_layers(definition, {"conv": mask})
    assert pruned["conv"] == Count(64 * 16 * 2 * 9, 16 * 2 * 9 + 32, 16 * 2 * 9 + 4 * 32)
    assert pruned["classifier"] == count_layers(definition)["classifier"]


def test_a_mask_of_a_dense_layer_is_over_all_places(definition):
    mask = np.arange(10 * 512).reshape(10, 512) % 4 == 0
    assert count_layers(definition, {"classifier": mask})["classifier"].macs == 10 * 512 // 4


def test_a_reduction_is_a_share_of_the_larger_one():
    assert reduction(Count(40, 7, 1), Count(100, 100, 4)) == pytest.approx({"macs": 0.6, "parameters": 0.93, "bytes": 0.75})


def test_json_says_what_the_networks_cost(capsys):
    assert main(["vgg-d", "sparse-vgg-d", "--json", "--layers"]) == 0
    dense, sparse = json.loads(capsys.readouterr().out)
    assert dense["macs"] == sum(layer["macs"] for layer in dense["layers"]) == 313_201_664
    assert sparse["baseline"] == "vgg-d" and sparse["fewer"]["parameters"] == 1 - sparse["parameters"] / dense["parameters"]


def test_the_table_names_all_networks(capsys):
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert "sparse-alexnet" in printed and "62,378,344" in printed


def test_an_unknown_network_ends_with_a_sentence():
    done = subprocess.run([sys.executable, "-m", "nets.count", "vgg"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and done.stderr.startswith("error: unknown network 'vgg': choose vgg-a")
