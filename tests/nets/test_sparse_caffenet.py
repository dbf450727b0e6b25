# SPDX-License-Identifier: BSD-2-Clause
"""Two unstructured trainings of AlexNet's convolutions: exact, and with channels ordered the masks leave less of them."""

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.errors import UserError
from bench.soc_runs import run_networks
from compiler.expectation import expect
from compiler.mask_use import mask_use
from compiler.program import compile_network
from nets.sparse_caffenet import TRAININGS, sparse_caffenet
from tests.support.real_data import real_data

ARTY = CONFIGS["arty-35"]
# Training, layer: percent of the dense multiply-accumulates that are of weights other than 0, and at most how many the masks leave then.
LEFT = {("b", "conv2"): (11, 90), ("b", "conv3"): (5, 73), ("b", "conv4"): (6, 78), ("b", "conv5"): (9, 85),
        ("d", "conv2"): (38, 91), ("d", "conv3"): (10, 63), ("d", "conv4"): (13, 69), ("d", "conv5"): (18, 81)}


@pytest.fixture(scope="module", params=TRAININGS)
def training(request):
    """Return (name, network, image, CompiledModel on arty-35)."""
    real_data("alexnet")
    network, images = sparse_caffenet(request.param)
    return request.param, network, images[0], compile_network(network, ARTY)


def test_a_training_that_there_is_not_is_refused():
    with pytest.raises(UserError, match="there is no sparse training 'c' of CaffeNet: choose b or d"):
        sparse_caffenet("c")


def test_without_the_data_the_file_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("SPARCNET_DATA", str(tmp_path))
    with pytest.raises(UserError, match="there is no alexnet/sparse_caffenet_skim_b.npz"):
        sparse_caffenet("b")


@pytest.mark.parametrize("content, why", [(b"PK", "cannot be read: it is no file of NumPy's"), (None, "cannot be read: 'conv1 is not a file in the archive'")])
def test_of_damaged_data_the_file_is_named(content, why, monkeypatch, tmp_path):
    monkeypatch.setenv("SPARCNET_DATA", str(tmp_path))
    path = tmp_path / "alexnet" / "sparse_caffenet_skim_b.npz"
    path.parent.mkdir()
    np.savez(path, other=np.zeros(1))
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=f"sparse_caffenet_skim_b.npz {why}"):
        sparse_caffenet("b")


@pytest.mark.full
def test_ordered_channels_share_more_of_their_holes(training):
    name, network, _, model = training
    for use in mask_use(network, model.lowered, ARTY.columns):
        if (name, use.name) in LEFT:
            nonzero, most = LEFT[name, use.name]
            assert round(100 * use.nonzero / use.dense) == nonzero
            assert use.ordered <= most / 100 * use.dense and use.ordered < 0.93 * use.given
        else:
            assert use.ordered == use.given == use.dense


@pytest.mark.full
def test_every_tensor_is_exact_in_the_golden_model(training):
    _, network, image, model = training
    tensors = expect(network, model, image).tensors
    assert all(len(np.unique(tensors[f"conv{number}"])) > 50 for number in range(1, 6))


@pytest.mark.full
@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_is_exact_in_the_simulated_soc(name):
    real_data("alexnet")
    network, images = sparse_caffenet(name)
    measured = run_networks([network], "arty-35", jobs=1, images=[images])[network.name]
    assert measured.report["exact"] is True
    assert measured.cycles < 4_850_000
