# SPDX-License-Identifier: BSD-2-Clause
"""--calibrate-dfp writes thresholds that --evaluate and --run take, and says what they cost on images that they were not found on."""

import argparse
import json
import re

import numpy as np
import pytest

from accel.errors import UserError
from compiler.pruning import reader_limits
from compiler.reference import execute
from nets.evaluation import best
from nets.file import save_network
from nets.pruning_file import read_pruning
from targets import calibrate_dfp, evaluate
from targets.inference_options import add_options, work_of
from tests.support.pruned_networks import deep
from tests.support.random_networks import random_images

NETWORK = deep((16, 16), (64, 64, 4))


@pytest.fixture
def files(tmp_path):
    """Return {name: path} of a model and images labelled with what it says of them, all but two."""
    images = random_images(NETWORK, 8, 12)
    labels = best(execute(NETWORK, images)[NETWORK.output])[:, 0]
    labels[[0, 5]] += 1
    found = {name: tmp_path / name for name in ("model.npz", "images.npz", "plain.npz", "dfp.json", "out.json")}
    save_network(NETWORK, found["model.npz"])
    np.savez(found["images.npz"], images=images, labels=labels)
    np.savez(found["plain.npz"], images=images)
    return {name: str(path) for name, path in found.items()}


def calibrate(files, *words, images="images.npz"):
    return calibrate_dfp.run(["--model", files["model.npz"], "--images", files[images], "--output", files["dfp.json"], "--jobs", "1", *words])


def test_the_file_says_what_is_lost_and_the_evaluation_says_the_same(files, tmp_path, capsys):
    assert calibrate(files, "--dfp-loss", "20", "--count", "5") == 0
    stored, said = json.loads((tmp_path / "dfp.json").read_text()), capsys.readouterr().out
    assert stored["found_on"]["images"] == 5 and stored["held_out"]["images"] == 7 and stored["found_on"]["loss_points"] <= 20
    assert stored["tensors"] and stored["cycles_saved_predicted"] > 0
    assert re.search(r"held out: [\d.]+% of 7 images right without, [\d.]+% with pruning", said)
    pruning = read_pruning(tmp_path / "dfp.json", NETWORK)
    assert evaluate.run(["--model", files["model.npz"], "--images", files["images.npz"], "--dfp", files["dfp.json"], "--json", files["out.json"],
                         "--jobs", "1"]) == 0
    with np.load(files["images.npz"]) as stored:
        images, labels = stored["images"], stored["labels"]
    outputs = execute(NETWORK, images, limits=reader_limits(NETWORK, pruning.thresholds))[NETWORK.output]
    assert json.loads((tmp_path / "out.json").read_text())["int8"]["top1"] == (best(outputs)[:, 0] == labels).mean()


@pytest.mark.parametrize("words, images, sentence", [
    ((), "plain.npz", "the images have no labels: give --labels FILE"),
    (("--count", "13"), "images.npz", "there are 12 images, so --count must be 1 to 12, not 13"),
    (("--dfp-loss", "-1"), "images.npz", "must be 0 to 100 points of top-1, not -1"),
    (("--jobs", "0"), "images.npz", "--jobs must be at least 1, not 0"),
], ids=["labels", "count", "loss", "jobs"])
def test_options_that_do_not_fit_are_refused(files, words, images, sentence):
    with pytest.raises(UserError, match=re.escape(sentence)):
        calibrate(files, *words, images=images)


def test_thresholds_above_0_are_not_for_the_cpus_kernels_but_0_is(files, tmp_path):
    calibrate(files, "--dfp-loss", "90", "--count", "10")
    assert not read_pruning(tmp_path / "dfp.json", NETWORK).exact
    parser = argparse.ArgumentParser()
    add_options(parser)

    def work(dfp):
        return work_of(parser.parse_args(["--model", files["model.npz"], "--images", files["images.npz"], "--count", "1", "--cpu", "--dfp", dfp]))

    with pytest.raises(UserError, match="the CPU's kernels take all feature maps.*leave out --cpu or --dfp"):
        work(files["dfp.json"])
    assert work("0").binary.model.limits
