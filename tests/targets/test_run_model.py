# SPDX-License-Identifier: BSD-2-Clause
"""A run's files are those of the median image, and a file that cannot be written is an error with a sentence."""

import json
from argparse import Namespace
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.errors import UserError
from compiler.ir import TensorInfo
from nets.images import Samples
from soc.boards import BOARDS
from targets.run_model import conclude
from tests.support.image_runs import random_run
from tests.support.traces import check_trace

WORK = SimpleNamespace(config=CONFIGS["arty-35"], board=BOARDS["arty"], batch=1, tflite=None, samples=Samples(np.zeros((3, 1, 1, 1), np.int8)),
                       network=SimpleNamespace(name="net", labels=(), output="out", tensors={"out": TensorInfo("out", 1, 1, 4, 0.5, -2)}))
RUNS = [replace(random_run(seed, layers=3), output=np.zeros((1, 1, 4), np.int8)) for seed in range(3)]


def conclude_with(**files):
    arguments = Namespace(**{"json": None, "timeline": None, "roofline": None, **files}, pictures=False)
    return conclude(arguments, WORK, "sim", 100_000_000, RUNS, None)


def test_all_files_are_of_the_median_image(tmp_path):
    files = {name: str(tmp_path / name) for name in ("json", "timeline", "roofline")}
    assert conclude_with(**files) == 0
    median = sorted(run.cycles for run in RUNS)[1]
    assert json.loads((tmp_path / "json").read_text())["cycles"] == median
    check_trace(json.loads((tmp_path / "timeline").read_text()), median)
    assert (tmp_path / "roofline").read_bytes().startswith(b"\x89PNG\r\n")


@pytest.mark.parametrize("option", ["json", "timeline", "roofline"])
def test_a_file_that_cannot_be_written_is_named(option, tmp_path):
    with pytest.raises(UserError, match=f"cannot write {tmp_path}"):
        conclude_with(**{option: str(tmp_path)})


def test_a_batch_is_reported_as_a_run_and_an_image_and_only_real_images_count(tmp_path, capsys):
    batch = [replace(run, output=np.arange(8, dtype=np.int8).reshape(2, 1, 4)) for run in RUNS[:2]]
    samples = Samples(np.zeros((3, 1, 1, 1), np.int8), np.array([3, 3, 0]), names=("a.png", "b.png", "c.png"))
    work = SimpleNamespace(**{**vars(WORK), "batch": 2, "samples": samples})
    arguments = Namespace(json=str(tmp_path / "json"), timeline=None, roofline=None, pictures=False)
    assert conclude(arguments, work, "sim", 100_000_000, batch, None, classes=True) == 0
    report = json.loads((tmp_path / "json").read_text())
    assert (report["count"], report["batch"], report["accuracy"]) == (3, 2, 2 / 3)
    assert report["cycles_per_image"] == round(report["cycles"] / 2)
    assert [image["name"] for image in report["images"]] == ["a.png", "b.png", "c.png"]
    assert report["images"][1]["top"] == [{"class": c, "label": None, "score": 0.5 * (c + 6)} for c in (3, 2, 1, 0)]
    said = capsys.readouterr().out
    assert "cycles a batch of 2" in said
    assert [line.split() for line in said.splitlines() if "c.png" in line] == [
        "c.png 3, but is 0 3 (2.5), 2 (2), 1 (1.5), 0 (1)".split()]
