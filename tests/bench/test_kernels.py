# SPDX-License-Identifier: BSD-2-Clause
"""bench/kernels.py: the rows that were promised, their formulas, and a run that is exact or an error."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.errors import UserError
from accel.registers import RECORD_FIELDS
from bench import kernels, soc_runs
from bench.kernels import ROWS, bars_of, channels_set, main
from bench.soc_runs import run_networks
from bench.workloads import RUNS, network_of
from firmware.inference import LayerRun
from firmware.report import layer_object
from nets.synthetic import convolution_network

BARS = {
    "conv3x3-64": (0.90, "higher"), "conv3x3-16": (0.85, "higher"), "conv3x3-rgb": (0.68, "higher"), "conv3x3-256": (0.88, "higher"),
    "conv3x3-13": (0.85, "higher"), "conv1x1-128": (0.85, "higher"), "conv11x11-s4": (0.75, "higher"), "conv5x5-g2": (0.90, "higher"),
    "fc-4096": (0.85, "higher"), "mask-50": (1.05, "lower"), "mask-25": (1.05, "lower"), "mask-random-50": (1.05, "lower"),
    "mask-random-25": (1.05, "lower"), "mask-dynamic-50": (1.15, "lower"), "maxpool-fused": (0.03, "lower"), "conv3x3-64@arty-100": (0.80, "higher"),
    "residual-16": (0.85, "higher"), "concat-fire": (0.70, "higher"), "depthwise-64": (26, "higher"), "avgpool-global": (1500, "lower"),
    "resnet8-shapes": (115_000, "lower"), "resnet8-shapes@arty-100": (41_000, "lower"), "layer-boundary@arty-100": (150, "lower"),
    "cost-model-error": (0.05, "lower"), "fc-4096-b8": (1.25, "lower"),
}


def measured(network="mask-dense", cycles=1000, macs=0):
    """What a run through a network would have measured."""
    return SimpleNamespace(network=network_of(network), config=CONFIGS[RUNS[network].config], cycles=cycles, report={"macs_done": macs})


def figure(row, *runs):
    """Return a row's figure of runs, one for each of its networks."""
    return bars_of([row], dict(zip(ROWS[row].runs, runs, strict=True)))[0].measured


def test_the_rows_are_those_that_were_promised_with_their_bars():
    assert {name: (row.asked, row.better) for name, row in ROWS.items()} == BARS


@pytest.mark.parametrize("name, macs", [
    ("conv3x3-64", 32 * 32 * 64 * 64 * 9), ("conv3x3-16", 32 * 32 * 16 * 16 * 9), ("conv3x3-rgb", 32 * 32 * 3 * 64 * 9),
    ("conv3x3-256", 8 * 8 * 256 * 256 * 9), ("conv3x3-13", 13 * 13 * 384 * 384 * 9), ("conv1x1-128", 16 * 16 * 128 * 128),
    ("conv11x11-s4", 55 * 55 * 96 * 3 * 121), ("conv5x5-g2", 27 * 27 * 256 * 48 * 25), ("fc-4096", 4096 * 4096),
    ("fc-4096-b8", 4096 * 4096), ("mask-dense", 16 * 16 * 128 * 128 * 9),
])
def test_a_network_has_the_products_of_its_layer(name, macs):
    network = network_of(name)
    assert network.name == name
    assert [layer.macs(network.tensors[layer.input].shape) for layer in network.layers] == [macs]


def test_masks_keep_as_many_channels_of_each_block_as_they_should_and_each_tile_has_its_own():
    for name, kept in (("mask-50", 16), ("mask-25", 8)):
        weights = network_of(name).layers[0].weights
        assert (channels_set(weights) == kept).all() and channels_set(weights).shape == (8, 4)
        used = weights.any(axis=(1, 2)).reshape(8, 16, 128).any(axis=1)
        assert len({row.tobytes() for row in used}) == 8
    assert channels_set(network_of("mask-random-50").layers[0].weights).mean() == pytest.approx(16, abs=2)
    assert channels_set(network_of("mask-random-25").layers[0].weights).mean() == pytest.approx(8, abs=2)


def test_only_the_fully_connected_layer_runs_in_a_batch_too():
    assert {name: run.batch for name, run in RUNS.items() if run.batch != 1} == {"fc-4096-b8": 8}


@pytest.mark.parametrize("name, kept", [("mask-dynamic-50", 16), ("mask-dynamic-dense", 32)])
def test_a_run_time_mask_leaves_as_many_channels_of_each_block_as_it_should(name, kept):
    network = network_of(name)
    assert (network.layers[0].dynamic_mask.reshape(4, 32).sum(axis=1) == kept).all()
    assert network.tensors["input"].zero_point == -128


def test_figures_follow_their_formulas():
    assert figure("conv3x3-64", measured(cycles=1000, macs=64_000)) == 64_000 / 1000 / 128
    assert figure("fc-4096", measured(cycles=1 << 20)) == 1.0
    assert figure("fc-4096-b8", measured("fc-4096-b8", 1200), measured("fc-4096", 1000)) == 1.2
    assert figure("mask-50", measured(cycles=550), measured(cycles=1000)) == 1.1
    assert figure("mask-25", measured(cycles=550), measured(cycles=1000)) == 2.2
    assert figure("maxpool-fused", measured(cycles=1020), measured(cycles=1000)) == pytest.approx(0.02)
    runs = [measured() for _ in RUNS]

    def layers(*predicted):
        return [{"where": "cpu" if cycles is None else "accel", "cycles_predicted": cycles} for cycles in predicted]

    for run in runs:
        run.layer_cycles, run.report["layers"] = (200, 100), layers(203, 101)
    runs[-2].report["layers"][1]["cycles_predicted"] = 96
    runs[0].layer_cycles, runs[0].report["layers"] = (200, 5000), layers(203, None)
    assert figure("cost-model-error", *runs) == pytest.approx(0.04)
    masked = measured("mask-random-25", 400)
    steps = np.ceil(channels_set(masked.network.layers[0].weights) / 4).sum() / (8 * 4 * 8)
    assert figure("mask-random-25", masked, measured(cycles=1000)) == pytest.approx(0.4 / steps)


def test_the_table_of_cycles_has_no_prediction_of_what_the_cpu_computes():
    record = dict.fromkeys((name for name, _ in RECORD_FIELDS), 0)
    runs = LayerRun("conv", "conv2d", 9, 200, record, 150), LayerRun("table", "lookup", 0, 7777, record, on_cpu=True)
    layers = [layer_object(run, CONFIGS["arty-35"]) for run in runs]
    table = soc_runs.cycles_table([SimpleNamespace(network=SimpleNamespace(name="net"), report={"layers": layers}, layer_cycles=(200, 7777))])
    assert [list(column.cells) for column in table.columns[1:5]] == [["conv", "table"], ["200", "7,777"], ["150", ""], ["-25.0%", ""]]


def test_an_unknown_row_is_refused_with_the_names_before_anything_is_built(capsys, monkeypatch):
    monkeypatch.setattr(kernels, "run_networks", lambda *_: pytest.fail("something was built"))
    assert main(["conv3x3-65"]) == 2
    assert "there is no row 'conv3x3-65': choose conv3x3-64, " in capsys.readouterr().err
    assert main(["conv3x3-64", "--jobs", "0"]) == 2


def test_a_row_is_measured_and_its_status_says_whether_the_bar_holds(tmp_path, capsys):
    path = tmp_path / "rows.json"
    status = main(["conv3x3-16", "--json", str(path)])
    row, = json.loads(path.read_text())
    assert (row["name"], row["config"], row["asked"], row["unit"], row["better"]) == ("conv3x3-16", "arty-35", 0.85, "utilisation", "higher")
    assert 0.3 < row["measured"] <= 1 and row["holds"] == (row["measured"] >= 0.85) and status == (0 if row["holds"] else 1)
    assert "where the cycles went" in capsys.readouterr().out


def test_a_row_that_is_not_exact_is_an_error_with_layer_and_position(monkeypatch):
    honest = soc_runs.boot_files
    monkeypatch.setattr(soc_runs, "boot_files", lambda work, firmware: honest(work, firmware, "weight"))
    with pytest.raises(UserError, match=r"small is not exact: layer 'conv', tensor 'conv', position \(0, 0, \d+\)"):
        run_networks([convolution_network("small", 4, 4, 8, 16)], "arty-35")


@pytest.mark.full
def test_every_bar_holds(tmp_path):
    path = tmp_path / "rows.json"
    assert main(["--json", str(path)]) == 0
    rows = json.loads(path.read_text())
    assert {row["name"] for row in rows} == set(BARS) and all(row["holds"] for row in rows)
