# SPDX-License-Identifier: BSD-2-Clause
"""bench/paper.py: the rows that were promised, what they are made of, and published figures beside ours."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console
from rich.table import Table

from accel.config import CONFIGS
from bench import dfp, paper, paper_runs, paper_tables, published, trained
from bench.energy import Power
from bench.paper import ROWS, bar, main
from bench.paper_runs import RUNS, network_of
from bench.trained import TRAINED, Accuracy, accuracy_of, facts_of, trained_network
from compiler.reference import execute
from nets.count import count
from nets.definition import Draft
from nets.random_network import random_network
from tests.support.real_data import real_data

BARS = {
    "sparse-vgg-a-macs": (0.50, "higher"), "sparse-vgg-a-parameters": (0.90, "higher"), "sparse-vgg-d-macs": (0.60, "higher"),
    "sparse-vgg-d-parameters": (0.93, "higher"), "sparse-alexnet-macs": (0.21, "higher"), "vgg-a-top1": (0.82, "higher"),
    "vgg-a-loss": (1.0, "lower"), "vgg-d": (3_000_000, "lower"),
    "sparse-vgg-d": (1_100_000, "lower"), "alexnet-convs": (22.4, "higher"), "alexnet-fc": (0.85, "higher"),
}


def measured(name, cycles, macs=0, config="arty-35"):
    """What a run would have measured."""
    layer = {"busy": cycles // 2, "stall_weights": cycles // 3, **dict.fromkeys(paper_tables.CAUSES, 0)} | {"stall_weights": cycles // 3}
    report = {"macs_done": macs, "dram_read_bytes": 2 * cycles, "dram_write_bytes": cycles, "layers": [layer, layer]}
    return SimpleNamespace(network=SimpleNamespace(name=name), config=CONFIGS[config], cycles=cycles, report=report)


def accuracy(name, top1):
    facts = {"accuracy": top1 + 0.001, "epochs": 12, "train_images": 50_000, "data": "set.tar", "levels": 10,
             "recipe": {"seed": 7, "precision": "bf16", "filters": 1.0, "density": 1.0}}
    return {name: Accuracy(top1, 5000, facts)}


def text(table):
    console = Console(width=250, record=True, file=open("/dev/null", "w"))
    console.print(table)
    return console.export_text()


def test_the_rows_are_those_that_were_promised_with_their_bars():
    assert {name: (row.asked, row.better) for name, row in ROWS.items()} == BARS


@pytest.mark.parametrize("name, macs", [("vgg-d", 313_201_664), ("sparse-vgg-d", 99_144_704), ("alexnet-convs", 1_076_634_144),
                                        ("alexnet-fc", 9216 * 4096 + 4096 * 4096 + 4096 * 1000)])
def test_a_run_has_the_products_of_its_network(name, macs):
    assert count(RUNS[name]()).macs == macs


def test_alexnets_convolutions_keep_the_pools_between_them():
    assert [layer.name for layer in RUNS["alexnet-convs"]().layers] == ["conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5"]


def test_bytes_of_weights_are_those_that_pruning_leaves_and_a_mask_a_tile_and_block():
    draft = Draft("small", 1, 1, 512)
    draft.dense("last", draft.dense("hidden", "input", 64, relu=True), 16)
    network = random_network(draft.definition(), density=0.25)
    assert paper.weight_bytes(network) == (512 * 64 // 4 + 4 * 16 * 4) + (64 * 16 + 16)


@pytest.mark.full
def test_the_fully_connected_layers_are_pruned_but_the_last():
    kept = [np.count_nonzero(layer.weights) / layer.weights.size for layer in network_of("alexnet-fc")[0].layers]
    assert kept[:2] == pytest.approx([0.25, 0.25], abs=0.01) and kept[2] > 0.95


def test_operations_are_two_a_product_at_100_megahertz():
    assert bar("alexnet-convs", {"alexnet-convs": measured("alexnet-convs", 1000, 128_000)}, {}).measured == pytest.approx(25.6)


def test_savings_are_counted():
    row = bar("sparse-vgg-d-parameters", {}, {})
    assert row.holds and row.measured == pytest.approx(1 - 1_019_530 / 14_719_818)


def test_the_tables_say_what_was_published_and_what_is_not_found():
    networks = text(paper_tables.networks_table())
    assert "68.3%" in networks and "93.0%" in networks and published.NOT_FOUND in networks
    speed = text(paper_tables.speed_table([measured("sparse-vgg-d", 800_000)], {}))
    assert "125.0" in speed and "72" in speed and "56.8" in speed and "arty-35: 2.2 W is board power measured for other" in speed
    assert "11.8 and 7.5 times" in speed and "90 % (CIFAR-10) and 35 % (ImageNet)" in speed
    assert "> 36.0" in speed and "25.7" in speed, "published, and computed from what was published"
    prior = text(paper_tables.prior_table([measured("alexnet-convs", 8_600_000, 1_076_634_144)], {}))
    words = " ".join(prior.split())
    assert "8.07" in prior and "25.04" in prior and "11.38" in prior and "random weights" in words and "pool5 and both response" in words
    assert "ours" not in text(paper_tables.prior_table([], {})).splitlines()[2]


def test_energy_is_computed_with_the_power_that_is_given():
    speed = text(paper_tables.speed_table([measured("sparse-vgg-d", 800_000)], {"arty-35": Power(1.25, "a guess")}))
    assert "100.0" in speed and "arty-35: 1.25 W is a guess" in speed
    assert "1.25" not in text(paper_tables.speed_table([measured("sparse-vgg-d", 800_000)], {"arty-100": Power(1.25, "a guess")}))


def test_the_loss_is_in_points_between_the_two_int8_networks():
    accuracies = accuracy("vgg-a", 0.853) | accuracy("sparse-vgg-a", 0.8472)
    loss, top1 = bar("vgg-a-loss", {}, accuracies), bar("vgg-a-top1", {}, accuracies)
    assert "12 and 24 epochs, the latter 63% of the former's multiply-accumulates" in loss.unit
    assert loss.measured == pytest.approx(0.58) and loss.holds and top1.measured == 0.853 and top1.holds
    assert not bar("vgg-a-loss", {}, accuracies | accuracy("sparse-vgg-a", 0.84)).holds
    table = text(paper_tables.accuracy_table(accuracies))
    assert "85.30%" in table and "12 epochs on 50,000 images (set.tar), seed 7, bf16; no filter or connection pruned; kept with 10 magnitudes a filter" in table and "93.47 %, under 0.03 %" in table


def test_reduced_networks_stand_beside_their_baselines_of_the_same_configuration():
    runs = {("vgg-d", "arty-35"): measured("vgg-d", 2_700_000, 324_000_000), ("sparse-vgg-d", "arty-35"): measured("sparse-vgg-d", 900_000, 108_000_000),
            ("sparse-vgg-a", "arty-100"): measured("sparse-vgg-a", 900_000, 100)}
    table = text(paper_tables.reduced_table(runs))
    rows = [line for line in table.splitlines() if "sparse-" in line]
    assert len(rows) == 1 and rows[0].count("3.00") == 3 and "the weight stream" in rows[0] and rows[0].count("120 of 128") == 2
    words = " ".join(table.split())
    assert "3.0 to 3.0 times fewer" in words and "published of Sparse VGG-D: 2.5)" in words, "why not the poster's 4 to 6 times"
    assert "not measured" not in text(paper_tables.reduced_table({}))


@pytest.mark.parametrize("name", TRAINED)
def test_trained_networks_are_in_the_project_with_what_is_known_of_their_training(name):
    facts = facts_of(name)
    assert facts["network"] == name and facts["train_images"] == 50_000 and facts["recipe"]["seed"] == 1
    real_data(trained.TEST)
    network, images = trained_network(name)
    assert network.name == name and images.shape == (1, 32, 32, 3) and images.dtype == np.int8
    assert sum(layer.weights.size for layer in network.layers if hasattr(layer, "weights")) > 0.9 * count(RUNS[name]()).parameters


def test_without_a_row_everything_is_measured_on_both_configurations_and_each_figure_is_what_was_measured(tmp_path, monkeypatch, capsys):
    ran, evaluated = [], []

    def measure(names, config, jobs):
        ran.extend((name, config) for name in names)
        return {name: measured(name, 700_000 + 1000 * len(ran), 324_000_000, config) for name in names}

    def accuracy_of(name, jobs, advance):
        evaluated.append(name)
        return accuracy(name, 0.871 if name == "vgg-a" else 0.866)[name]

    monkeypatch.setattr(paper, "measure", measure)
    monkeypatch.setattr(paper, "accuracy_of", accuracy_of)
    monkeypatch.setattr(paper, "weight_bytes", lambda network: 16 * 600_000)
    monkeypatch.setattr(paper, "cycles_table", lambda runs: Table("", title=f"cycles of {len(list(runs))} runs", min_width=40))
    monkeypatch.setattr(paper, "cpu_table", lambda: Table("", title="the CPU's table", min_width=40))
    monkeypatch.setattr(dfp, "inputs", lambda: ("network", "images", "labels"))
    monkeypatch.setattr(dfp, "bars", lambda names, *_: [paper.Bar(name, "arty-35", *dfp.ROWS[name][:1], 0.4, *dfp.ROWS[name][1:]) for name in names])
    assert main(["--json", str(tmp_path / "rows.json")]) == 0
    assert sorted(ran) == sorted([*((name, config) for name in (*paper_runs.WHOLE, "alexnet-convs") for config in ("arty-35", "arty-100")),
                                  ("alexnet-fc", "arty-35")])
    assert sorted(evaluated) == sorted(TRAINED)
    printed = " ".join(capsys.readouterr().out.split())
    for title in ("networks: computed", "accuracy on CIFAR-10", "cycles of 10 runs", "images a second", "prior work", "sparse trainings of AlexNet",
                  "baseline against reduced", "the CPU's table"):
        assert title in printed
    rows = {row["name"]: row["measured"] for row in json.loads((tmp_path / "rows.json").read_text())}
    assert set(rows) == {*ROWS, *dfp.ROWS} and rows["vgg-a-top1"] == 0.871 and rows["vgg-a-loss"] == pytest.approx(0.5)
    assert {rows["vgg-d"], rows["sparse-vgg-d"]} <= set(range(701_000, 720_001, 1000))
    assert rows["alexnet-fc"] == pytest.approx(600_000 / 704_000, rel=0.02)


def test_top_1_is_that_of_the_reference_on_the_test_images(monkeypatch):
    real_data(trained.TEST)
    network, _ = trained_network("sparse-vgg-a")
    evaluate, seen = trained.evaluate, []
    monkeypatch.setattr(trained, "evaluate", lambda model, images, count, *more: (seen.append(count), evaluate(model, images, 40, *more))[1])
    found = accuracy_of("sparse-vgg-a", 1)
    images = trained._test_images(network, "sparse-vgg-a")
    outputs = execute(network, images.int8(0, 40, network.tensors[network.input]))[network.output].reshape(40, -1)
    assert found.top1 == np.mean(outputs.argmax(axis=1) == images.labels_for(network, 40)) and 0.5 < found.top1 < 1
    assert seen == [5000] and found.count == 5000 and found.facts == facts_of("sparse-vgg-a")


def test_counted_rows_need_no_simulation_and_are_written_as_json(tmp_path, monkeypatch):
    monkeypatch.setattr(paper_runs, "run_networks", None)
    assert main(["sparse-vgg-a-macs", "--json", str(tmp_path / "rows.json")]) == 0
    row, = json.loads((tmp_path / "rows.json").read_text())
    assert row["name"] == "sparse-vgg-a-macs" and row["holds"] and row["measured"] == pytest.approx(0.6836, abs=1e-4)


@pytest.mark.parametrize("words", [["vgg-z"], ["vgg-d", "--jobs", "0"]])
def test_what_cannot_be_run_ends_with_a_sentence(words, capsys):
    assert main(words) == 2 and capsys.readouterr().err.startswith("error: ")
