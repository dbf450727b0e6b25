# SPDX-License-Identifier: BSD-2-Clause
"""A calibrated pruning is read as it was written, and only for the network that it was found for."""

import json
from dataclasses import replace

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.errors import UserError
from compiler.pruning import Pruning
from nets.calibrate_pruning import Calibrated
from nets.pruning_file import content_hash, pruning_object, read_pruning
from tests.support.pruned_networks import deep

NETWORK = deep(widths=(20, 30, 8))
PRUNING = Pruning({"t0": 12, "t1": 0}, {"t0": np.linspace(0, 1, 20), "t1": np.full(30, 0.5)})


@pytest.fixture
def path(tmp_path):
    calibrated = Calibrated(PRUNING, {}, 0.9, 0.895, 200, 1234.5, 9999)
    (tmp_path / "dfp.json").write_text(json.dumps(pruning_object(NETWORK, CONFIGS["arty-35"], calibrated, 0.5, (100, 0.8, 0.79))))
    return tmp_path / "dfp.json"


def test_what_was_written_is_read(path):
    found, stored = read_pruning(path, NETWORK), json.loads(path.read_text())
    assert found.thresholds == PRUNING.thresholds and not found.exact
    for name, kept in PRUNING.kept.items():
        np.testing.assert_allclose(found.kept[name], kept, atol=1e-4)
    assert stored["loss_points_asked"] == 0.5 and stored["config"] == "arty-35" and stored["cycles_saved_predicted"] == 1234
    assert round(stored["found_on"]["loss_points"], 6) == 0.5 and round(stored["held_out"]["loss_points"], 6) == 1


@pytest.mark.parametrize("change", [
    lambda layer: {"bias": layer.bias + 1}, lambda layer: {"weights": -layer.weights}, lambda layer: {"clamp_max": 100}],
    ids=["bias", "weights", "clamp"])
def test_a_file_of_another_network_is_refused(path, change):
    first = NETWORK.layers[0]
    other = replace(NETWORK, layers=(replace(first, **change(first)), *NETWORK.layers[1:]))
    assert content_hash(other) != content_hash(NETWORK) == content_hash(replace(NETWORK, name="renamed"))
    with pytest.raises(UserError, match="was calibrated for another network than this 'deep'.*calibrate anew"):
        read_pruning(path, other)


@pytest.mark.parametrize("entry", [{"threshold": 300}, {"threshold": 1.5}, {"kept": [0.5]}, {"kept": [2] * 20}], ids=str)
def test_impossible_numbers_are_refused(path, entry):
    stored = json.loads(path.read_text())
    stored["tensors"]["t0"] |= entry
    path.write_text(json.dumps(stored))
    with pytest.raises(UserError, match="what it says of the tensor 't0' is impossible"):
        read_pruning(path, NETWORK)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"tensors": {"t0": {}}}', "\0"])
def test_what_is_no_such_file_is_refused(path, text):
    path.write_text(text)
    with pytest.raises(UserError, match="is no file that --calibrate-dfp wrote"):
        read_pruning(path, NETWORK)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UserError, match="cannot read .*missing.json: No such file"):
        read_pruning(tmp_path / "missing.json", NETWORK)
