# SPDX-License-Identifier: BSD-2-Clause
"""Dynamic feature pruning in the whole simulated SoC: exact, with fewer products and cycles, and each layer says why it gained or not."""

import json

import numpy as np
import pytest

from accel.config import CONFIGS
from compiler.program import compile_network
from compiler.pruning import Pruning, limits_of, prunable
from compiler.reference import cleared, execute
from nets.calibrate_pruning import Calibrated
from nets.file import save_network
from nets.pruning_file import pruning_object
from targets import sim
from tests.support.pruned_networks import deep
from tests.support.random_networks import random_images

CONFIG, COUNT = CONFIGS["arty-35"], 2


@pytest.fixture(scope="module")
def network():
    return deep((16, 16), (64, 64, 40), pool=(1,), seed=3)


@pytest.fixture(scope="module")
def images(network):
    return random_images(network, 4, COUNT)


def run(network, images, folder, *words):
    """Return (exit status, report) of `--run` with more `words`."""
    save_network(network, folder / "model.npz")
    np.savez(folder / "images.npz", images=images)
    status = sim.run(["--model", str(folder / "model.npz"), "--images", str(folder / "images.npz"), "--run", "--json", str(folder / "json"), *words])
    return status, json.loads((folder / "json").read_text())


def check(network, images, report, threshold):
    """The maps skipped are those that the reference clears, and the products those of a network without them."""
    assert report["exact"] and len(report["pruned_images"]) == COUNT
    values = execute(network, images, limits={layer.name: limits_of(network, name, threshold)
                                              for name, layers in prunable(network).items() for layer in layers})
    pruned = {layer["name"]: layer for layer in report["layers"] if layer["maps_skipped"] is not None}
    readers = {"conv1+pool1": "t0", "conv2": "p1"}
    assert set(pruned) == set(readers)
    counts = np.array([cleared(values[readers[name]], limits_of(network, readers[name], threshold)).sum(axis=1) for name in pruned])
    assert [image["maps_skipped"] for image in report["pruned_images"]] == counts.sum(axis=0).tolist()
    for name, layer in pruned.items():
        assert layer["maps"] == 64 and layer["macs_done"] == layer["macs"] * (64 - layer["maps_skipped"]) // 64
        assert layer["macs_skipped"] == layer["macs"] - layer["macs_done"] > 0
        assert layer["pruned"].startswith("gained" if layer["cycles"] < layer["cycles_without"] else "lost")


def test_threshold_0_is_exact_and_gains_where_maps_are_empty(network, images, tmp_path, capsys):
    status, report = run(network, images, tmp_path, "--dfp", "0")
    assert status == 0
    check(network, images, report, 0)
    before = sum(layer.cycles_predicted for layer in compile_network(network, CONFIG).layers)
    assert report["cycles"] < 0.9 * before
    said = capsys.readouterr().out
    assert "feature maps left out, and what that gained" in said and "not measured: it is the image" in said
    assert f"image 0: {report['pruned_images'][0]['cycles']:,} cycles, {report['pruned_images'][0]['maps_skipped']} maps and" in said


def test_thresholds_of_a_file_are_exact_and_skip_more(network, images, tmp_path):
    names = prunable(network)
    pruning = Pruning(dict.fromkeys(names, 25), {name: np.full(network.tensors[name].channels, 0.4) for name in names})
    path = tmp_path / "dfp.json"
    path.write_text(json.dumps(pruning_object(network, CONFIG, Calibrated(pruning, {}, 1, 1, 1, 0, 1), 0)))
    status, report = run(network, images, tmp_path, "--dfp", str(path))
    assert status == 0
    check(network, images, report, 25)
