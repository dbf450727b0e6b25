# SPDX-License-Identifier: BSD-2-Clause
"""Models run exact on the simulated SoCs of the boards with other memories than the Arty's."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.errors import UserError
from compiler.binary import build_binary
from compiler.memory_map import FIRMWARE_ADDRESS, MODEL_ADDRESS
from nets.zoo import load_model
from soc.boards import BOARDS
from targets.running_soc import place_images, work_for

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.full
@pytest.mark.parametrize("board", ["cmod_a7", "ulx3s"])
def test_the_digits_run_exact_on_the_boards_soc(board, tmp_path):
    out = tmp_path / "out.json"
    subprocess.run([ROOT / "build.py", "--target", "sim", "--board", board, "--model", "digits", "--count", "4", "--run", "--cpu", "--json", out],
                   check=True, capture_output=True)
    report = json.loads(out.read_text())
    assert report["exact"] and report["count"] == 4
    assert (report["config"], report["clock_hz"]) == (BOARDS[board].config, BOARDS[board].clock_hz)
    assert all(layer["cycles_predicted"] is None for layer in report["layers"])


@pytest.mark.parametrize("board, fits", [("arty", True), ("ulx3s", True), ("cmod_a7", False)])
def test_images_must_fit_the_boards_memory(board, fits):
    network = load_model("digits").network
    images = np.zeros((6000, *network.tensors[network.input].shape), np.int8)
    work = replace(work_for(network, images), board=BOARDS[board])
    if fits:
        assert len(place_images(work)[0]) == 6000
    else:
        with pytest.raises(UserError, match="do not fit the memory of 524,288 bytes: lower --count"):
            place_images(work)


def test_the_digits_leave_most_of_the_smallest_memory():
    network = load_model("digits").network
    assert build_binary(network, CONFIGS["cmod-35"], cpu=True).end < MODEL_ADDRESS + 64 * 1024
    assert MODEL_ADDRESS + 64 * 1024 < FIRMWARE_ADDRESS + BOARDS["cmod_a7"].memory_bytes
