# SPDX-License-Identifier: BSD-2-Clause
"""A run says for each convolution what leaving out feature maps gained, or why it left out none."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from accel.config import CONFIGS
from compiler.steps import FeaturePruning
from firmware.pruning_report import pruning_table
from firmware.report import report_object
from tests.support.image_runs import random_run

CONFIG = CONFIGS["arty-35"]


def run_of(seed, *prunings):
    """Return an ImageRun whose layers have (FeaturePruning, maps skipped) each."""
    run = random_run(seed, len(prunings))
    layers = [replace(layer, pruning=pruning, maps_skipped=skipped) for layer, (pruning, skipped) in zip(run.layers, prunings, strict=True)]
    return replace(run, layers=tuple(layers))


def report(*runs):
    return report_object("sim", SimpleNamespace(name="net"), CONFIG, 100_000_000, list(runs), None)


@pytest.mark.parametrize("skipped, without, said", [
    (5, 2.0, "gained 50.0%"), (5, 0.8, "lost 25.0%: too few maps skipped"), (0, 0.8, "no map skipped: lost 25.0%")])
def test_a_pruned_layer_says_what_it_gained_or_lost(skipped, without, said):
    cycles = random_run(1, 1).layers[0].cycles
    run = run_of(1, (FeaturePruning(np.array([3, 3, -129, 7] * 2), None, 10**6, without * cycles), skipped))
    layer, = report(run)["layers"]
    assert layer["pruned"] == said and layer["maps"] == 6 and layer["maps_skipped"] == skipped
    assert layer["macs_skipped"] == 10**6 - layer["macs_done"]


def test_every_image_counts_its_own_maps_and_a_layer_that_is_not_pruned_says_why():
    limits = FeaturePruning(np.zeros(8, int), None, 10**6, 5000)
    note = FeaturePruning(None, "weights still stream past (40% of the maps could be skipped)", 7, 5000)
    runs = [run_of(seed, (note, None), (limits, seed), (limits, 2)) for seed in range(3)]
    found = report(*runs)
    assert [image["maps_skipped"] for image in found["pruned_images"]] == [2, 3, 4]
    assert [image["cycles"] for image in found["pruned_images"]] == [run.cycles for run in runs]
    done = [sum(layer.record["macs"] for layer in run.layers[1:]) for run in runs]
    assert [image["macs_skipped"] for image in found["pruned_images"]] == [2 * 10**6 - macs for macs in done]
    console = Console(width=200, record=True, file=open("/dev/null", "w"))
    console.print(pruning_table(found))
    assert "weights still stream past (40% of the maps could be skipped)" in console.export_text()


def test_without_pruning_the_fields_are_null():
    found = report(random_run(1, 2))
    assert found["pruned_images"] is None
    assert all(layer[name] is None for layer in found["layers"] for name in ("maps", "maps_skipped", "macs_skipped", "cycles_without", "pruned"))
