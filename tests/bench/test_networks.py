# SPDX-License-Identifier: BSD-2-Clause
"""bench/networks.py: the rows that were promised, on real inputs, exact as TFLite has them or an error."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.errors import UserError
from bench import networks, soc_runs
from bench.networks import ROWS, main, peers_table
from bench.real_networks import IMAGES, NETWORKS
from nets.importers import interpreter
from nets.synthetic import convolution_network
from tests.support.real_data import real_data

BARS = {"resnet8": 115_000, "resnet8@arty-100": 41_000, "dscnn": 40_000, "dscnn@arty-100": 22_000, "vww": 115_000, "vww@arty-100": 55_000,
        "squeezenet11": 3_500_000}
PEERS = {"resnet8": 2_431, "dscnn": 3_088, "vww": 105, "squeezenet11": None}


def test_the_rows_are_those_that_were_promised_with_their_bars_and_the_peers_numbers():
    assert {name: row.asked for name, row in ROWS.items()} == BARS
    for name, row in ROWS.items():
        assert name == row.network + ("" if row.config == "arty-35" else f"@{row.config}") and row.peer == PEERS[row.network]
    assert IMAGES >= 3


@pytest.mark.parametrize("name", NETWORKS)
def test_the_images_are_real_and_no_two_are_the_same(name):
    real_data("mlperf_tiny")
    network, images = NETWORKS[name]()
    assert network.name == name and images.shape == (IMAGES, *network.tensors[network.input].shape) and images.dtype == np.int8
    assert len({image.tobytes() for image in images}) == IMAGES


def test_without_the_data_one_sentence_says_so_and_nothing_is_built(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SPARCNET_DATA", str(tmp_path))
    monkeypatch.setattr(networks, "run_networks", lambda *_, **__: pytest.fail("something was built"))
    assert main(["dscnn"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: there is no mlperf_tiny/kws/kws_ref_model.tflite in ") and error.count("\n") == 1


def test_an_unknown_row_is_refused_with_the_names(capsys):
    assert main(["resnet9"]) == 2 and "there is no row 'resnet9': choose resnet8, " in capsys.readouterr().err
    assert main(["dscnn", "--jobs", "0"]) == 2


def test_a_network_that_is_not_tflites_is_an_error(monkeypatch):
    real_data("mlperf_tiny")
    monkeypatch.setattr(interpreter, "differences", lambda *_: ["image 0, tensor 'conv2d' ..."])
    with pytest.raises(UserError, match="dscnn is not TFLite's: image 0, tensor 'conv2d'"):
        NETWORKS["dscnn"]()


def test_images_a_second_stand_beside_the_peers():
    run = SimpleNamespace(cycles=50_000, config=CONFIGS["arty-35"], report={"count": 3, "utilisation": 0.5})
    cells = [cell for column in peers_table({"resnet8": run}).columns for cell in column.cells]
    assert cells == ["resnet8", "arty-35", "3", "50,000", "2,000", "50.0%", "2,431", "0.82"]


@pytest.mark.full
def test_given_images_are_all_run_and_random_ones_once_where_that_is_long(monkeypatch):
    network = convolution_network("small", 4, 4, 8, 16)
    images = np.random.default_rng(0).integers(-128, 128, (3, 4, 4, 8)).astype(np.int8)
    monkeypatch.setattr(soc_runs, "SHORT", 1)
    assert soc_runs.run_networks([network], "arty-35", images=[images])["small"].report["count"] == len(images)
    assert soc_runs.run_networks([network], "arty-35")["small"].report["count"] == 1


def test_a_real_network_is_exact_on_the_soc_and_its_row_holds(tmp_path, capsys):
    real_data("mlperf_tiny")
    path = tmp_path / "rows.json"
    assert main(["dscnn", "--jobs", "1", "--json", str(path)]) == 0
    row, = json.loads(path.read_text())
    assert 0 < row.pop("measured") <= 40_000
    assert row == {"name": "dscnn", "config": "arty-35", "asked": 40_000, "unit": "cycles", "better": "lower", "holds": True}
    printed = capsys.readouterr().out
    assert "fpgaConvNet" in printed and "3,088" in printed and "MISSED" not in printed


@pytest.mark.full
def test_every_bar_holds(tmp_path):
    real_data("mlperf_tiny")
    path = tmp_path / "rows.json"
    assert main(["--json", str(path)]) == 0
    rows = json.loads(path.read_text())
    assert {row["name"] for row in rows} == set(BARS) and all(row["holds"] for row in rows)
