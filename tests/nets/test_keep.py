# SPDX-License-Identifier: BSD-2-Clause
"""A trained network is kept quantised and compact, with what is known of its training; a folder without a training is refused."""

import json

import numpy as np
import pytest

from accel.errors import UserError
from compiler.reference import execute
from nets import keep
from nets.cifar10 import LabelledImages
from nets.file import load_network
from nets.onnx_export import write_onnx
from nets.paper import define
from tests.support.definition_runs import random_weights

FACTS = {"network": "sparse-vgg-a", "accuracy": 0.5, "epochs": 1, "train_images": 300, "recipe": {"seed": 1}, "history": [{"epoch": 1}]}


@pytest.fixture
def trained(tmp_path, monkeypatch):
    definition = define("sparse-vgg-a")
    (tmp_path / "trained").mkdir()
    write_onnx(definition, random_weights(definition), tmp_path / "trained" / "sparse-vgg-a.onnx")
    (tmp_path / "trained" / "sparse-vgg-a.json").write_text(json.dumps(FACTS))
    images = np.random.default_rng(5).integers(0, 256, (300, 32, 32, 3), np.uint8)
    monkeypatch.setattr(keep, "load_cifar10", lambda path, part: LabelledImages(images, np.zeros(300, np.uint8), part))
    return tmp_path


@pytest.mark.parametrize("levels", [127, 5])
def test_a_network_is_kept_as_int8_of_so_many_magnitudes_beside_its_facts(trained, levels):
    assert keep.main([str(trained / "trained"), "--data", "anywhere", "--levels", str(levels), "--output", str(trained)]) == 0
    network = load_network(trained / "sparse-vgg-a.npz")
    assert network.name == "sparse-vgg-a" and len(network.labels) == 10
    counts = [len(np.unique(np.abs(filter))) for layer in network.layers if layer.op == "conv2d" for filter in layer.weights]
    assert max(counts) <= levels + 1 and np.mean(counts) > min(levels, 20), "0 and so many others"
    assert execute(network, np.zeros((1, 32, 32, 3), np.int8))[network.output].shape == (1, 1, 1, 10)
    facts = json.loads((trained / "sparse-vgg-a.json").read_text())
    assert facts["levels"] == levels and facts["accuracy"] == 0.5 and "history" not in facts


@pytest.mark.parametrize("name, content", [("package.json", {"name": "mine"}), ("package.json", []), ("x.json", FACTS), ("x.json", {"network": ["x"]})])
def test_json_that_is_no_record_of_a_training_is_refused(name, content, tmp_path, capsys):
    (tmp_path / name).write_text(json.dumps(content))
    assert keep.main([str(tmp_path), "--data", "anywhere", "--output", str(tmp_path)]) == 1
    assert f"error: {tmp_path}/{name} is no record of a training: " in capsys.readouterr().err


@pytest.mark.parametrize("output, sentence", [("gone", "there is no folder"), ("a file", "there is no folder"), ("/proc", "cannot be written: ")])
def test_an_output_that_cannot_be_written_is_refused_before_the_calibration(output, sentence, trained, monkeypatch, capsys):
    monkeypatch.setattr(keep, "load_cifar10", lambda path, part: pytest.fail("it calibrates"))
    (trained / "a file").write_text("")
    assert keep.main([str(trained / "trained"), "--data", "anywhere", "--output", str(trained / output)]) == 1
    assert sentence in capsys.readouterr().err


def test_what_is_no_training_and_no_number_of_levels_is_refused(trained, capsys):
    assert keep.main([str(trained), "--data", "anywhere"]) == 1
    assert "holds no finished training: give the folder" in capsys.readouterr().err
    with pytest.raises(UserError, match="levels must be 1 to 127, not 0"):
        keep.keep(trained / "trained", "anywhere", 0, trained)
