# SPDX-License-Identifier: BSD-2-Clause
"""The bars of dynamic feature pruning: those that were promised, measured against the same network without it."""

from types import SimpleNamespace

import numpy as np
import pytest

from accel.errors import UserError
from bench import dfp, paper, paper_runs
from compiler.pruning import Pruning
from nets.calibrate_pruning import Calibrated, spread_apart
from nets.synthetic import random_images
from tests.support.networks import convolution
from tests.support.pruned_networks import deep


def test_the_rows_are_those_that_were_promised_with_their_bars():
    bars = {name: (asked, better) for name, (asked, _, better) in dfp.ROWS.items()}
    assert bars == {"dfp-cycles-saved": (0.10, "higher"), "dfp-loss": (0.5, "lower"), "dfp-zero-cycles-saved": (0.005, "higher")}
    assert not set(dfp.ROWS) & set(paper.ROWS)


def test_no_image_that_thresholds_are_found_on_is_held_out():
    chosen, rest = spread_apart(500, 250)
    assert len(chosen) == 250 and sorted([*chosen, *rest]) == list(range(500)) and np.diff(chosen).max() <= 3


def test_what_is_saved_is_the_mean_of_images_that_thresholds_were_not_found_on(monkeypatch):
    network, images, ran = convolution((3, 3), 2, 4), np.arange(80, dtype=np.int8), []
    found, rest = Calibrated(Pruning({"t": 3}, {}), {}, 0.6, 0.596, 64, 0, 1), spread_apart(80)[1]
    monkeypatch.setattr(dfp, "calibrate", lambda *_: (found, dfp.Accuracy(64, 40, 40), dfp.Accuracy(16, 9, 8)))

    def run_networks(networks, config, jobs, images, prunings):
        ran.extend(images[1].tolist())
        assert prunings == [None, found.pruning]
        report = {"layers": [], "pruned_images": [{"cycles": 800 + 10 * k, "maps_skipped": 1, "macs_skipped": 1} for k in range(len(images[1]))]}
        return {networks[0].name: SimpleNamespace(cycles=1000), networks[1].name: SimpleNamespace(report=report)}

    monkeypatch.setattr(dfp, "run_networks", run_networks)
    bars = {bar.name: bar for bar in dfp.bars(["dfp-cycles-saved", "dfp-loss"], network, images, None, 1)}
    assert bars["dfp-cycles-saved"].measured == pytest.approx(1 - (800 + 55) / 1000) and bars["dfp-cycles-saved"].holds
    assert bars["dfp-loss"].measured == 1.25 and not bars["dfp-loss"].holds, "of all images, not of those that it was calibrated to"
    assert len(ran) == dfp.RUN and set(ran) <= set(rest)


def test_threshold_0_is_judged_by_other_images_than_are_run_and_may_change_no_tensor(monkeypatch):
    network, ran, looked_at = deep((8, 8), (20, 40, 20)), [], []
    images, exact_pruning = random_images(network, 60, seed=3), dfp.exact_pruning
    monkeypatch.setattr(dfp, "exact_pruning", lambda network, images: looked_at.append(images) or exact_pruning(network, images))

    def run_networks(networks, config, jobs, images, prunings):
        ran.append((images[1], prunings[1]))
        report = {"layers": [], "pruned_images": [{"cycles": 990, "maps_skipped": 1, "macs_skipped": 1}] * len(images[1])}
        return {networks[0].name: SimpleNamespace(cycles=1000), networks[1].name: SimpleNamespace(report=report)}

    monkeypatch.setattr(dfp, "run_networks", run_networks)
    (bar,) = dfp.bars(["dfp-zero-cycles-saved"], network, images, None, 1)
    assert bar.measured == pytest.approx(0.01) and bar.holds
    (seen, pruning), = ran
    chosen, rest = spread_apart(60)
    np.testing.assert_array_equal(looked_at, [images[chosen]])
    assert {one.tobytes() for one in seen} <= {images[number].tobytes() for number in rest}
    assert len(seen) == dfp.RUN and pruning.exact and pruning.thresholds
    monkeypatch.setattr(dfp, "execute", lambda network, images, limits=None: {"t0": np.full(3, 0 if limits is None else 1)})
    with pytest.raises(UserError, match="threshold 0 changes tensor 't0' at .*: expected 0, got 1"):
        dfp.bars(["dfp-zero-cycles-saved"], network, images, None, 1)


def test_without_the_data_one_sentence_says_so_and_nothing_is_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SPARCNET_DATA", str(tmp_path))
    monkeypatch.setattr(paper_runs, "run_networks", lambda *_, **__: pytest.fail("something was run"))
    assert paper.main(["vgg-d", "dfp-loss"]) == 2
    assert capsys.readouterr().err.startswith("error: there is no squeezenet/")
