# SPDX-License-Identifier: BSD-2-Clause
"""The one entry point: bad input gets one sentence on standard error and a non-zero exit, before anything is built."""

import re
import subprocess
import tomllib
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]


def build(*words):
    return subprocess.run([ROOT / "build.py", *words], capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("words, sentence", [
    ([], "nothing to do: give --target"),
    (["--model", "digits"], "nothing to do: give --target"),
    (["--target", "zynq"], "unknown target 'zynq': choose sim, arty, cmod_a7, ulx3s"),
    (["--target", "sim"], "nothing to do: give --run"),
    (["--target", "sim", "--run"], "--run needs --model"),
    (["--target", "sim", "--run", "--model", "letnet"], "unknown model 'letnet': choose digits, sparse-vgg-a, vgg-a, ai85, lenet"),
    (["--target", "sim", "--run", "--model", "gone.npz"], "there is no model file gone.npz"),
    (["--target", "sim", "--run", "--model", "digits", "--count", "0"], "--count must be 1 to 360, not 0"),
    (["--target", "sim", "--run", "--model", "digits", "--jobs", "0"], "--jobs must be at least 1"),
    (["--target", "sim", "--run", "--model", "digits", "--config", "arty-36"], "unknown configuration 'arty-36'"),
    (["--target", "sim", "--run", "--model", "digits", "--config", "tiny"], "moves 4 bytes a cycle, but the SoC's memory port 16"),
    (["--target", "sim", "--run", "--model", "digits", "--images", "gone.npz"], "gone.npz is no file of images"),
    (["--target", "sim", "--run", "--model", "digits", "--json", "/no/such/folder/x.json"], "there is no folder /no/such/folder"),
    (["--target", "sim", "--run", "--model", "digits", "--timeline", "/no/such/folder/x.json"],
     "--timeline /no/such/folder/x.json: there is no folder"),
    (["--target", "sim", "--run", "--model", "digits", "--roofline", "/no/such/folder/x.png"],
     "--roofline /no/such/folder/x.png: there is no folder"),
    (["--target", "sim", "--build", "--board", "zybo"], "unknown board 'zybo': choose arty, cmod_a7, ulx3s"),
    (["--target", "sim", "--run", "--model", "digits", "--board", "ulx3s", "--roofline", "x.png"], "--roofline draws the roof of the Arty's memory"),
    (["--check"], "there is no --model: give a model by name"),
    (["--check", "--model", "digits", "--config", "arty-36"], "unknown configuration 'arty-36'"),
    (["--check", "--model", "model.h5"], "or give a network file (.npz), a .tflite or an .onnx"),
    (["--evaluate", "--model", "digits"], "--evaluate needs --images SET"),
    (["--evaluate", "--model", "gone.onnx", "--images", "x.npz"], "there is no model file gone.onnx"),
    (["--target", "sim", "--run", "--model", "digits", "--calibrate", "x.npz"], "model 'digits' is quantised already: leave out --calibrate"),
    (["--target", "sim", "--run", "--model", "squeezenet11"], "model 'squeezenet11' is a description without numbers: give --weights FILE"),
    (["--calibrate-dfp", "x.json"], "--calibrate-dfp needs labelled images, --images SET"),
    (["--calibrate-dfp", "/no/such/folder/x.json"], "/no/such/folder/x.json cannot be written: there is no folder /no/such/folder"),
    (["--calibrate-dfp", "docs"], "docs cannot be written: Is a directory"),
    (["--evaluate", "--model", "digits", "--images", "x.npz", "--dfp", "0"], "--dfp 0 changes no answer"),
    (["--target", "sim", "--run", "--model", "digits", "--dfp", "gone.json"], "cannot read gone.json: No such file"),
    (["--target", "sim", "--run", "--model", "digits", "--dfp", "0", "--batch", "4"], "leave out --dfp, or --batch 4"),
    (["--doctor", "--fast"], "--doctor takes nothing else"),
    (["--configs", "x"], "--configs takes nothing else"),
])
def test_bad_input_gets_a_sentence_and_a_non_zero_exit(words, sentence):
    result = build(*words)
    assert result.returncode == 1
    assert result.stderr.startswith("error: ") and sentence in result.stderr
    assert result.stderr.count("\n") == 1 and "Traceback" not in result.stderr


def test_unknown_options_are_refused():
    result = build("--target", "sim", "--run", "--model", "digits", "--cuont", "4")
    assert result.returncode == 2 and "--cuont" in result.stderr


def test_a_network_that_does_not_fit_is_refused_by_the_layers_name(tmp_path):
    from nets.file import save_network
    from nets.synthetic import convolution_network
    network = convolution_network("wide", 4, 4, 30000, 16)
    save_network(network, tmp_path / "wide.npz")
    np.savez(tmp_path / "images.npz", images=np.zeros((1, 4, 4, 30000), np.int8))
    result = build("--target", "sim", "--run", "--model", tmp_path / "wide.npz", "--images", tmp_path / "images.npz", "--count", "1")
    assert result.returncode == 1
    assert re.search(r"error: layer 'conv': a partial sum could reach \d+", result.stderr)


def test_the_version_is_that_of_the_project():
    assert build("--version").stdout.strip() == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def test_the_doctor_names_every_package_and_finds_all_of_them():
    result = build("--doctor")
    assert result.returncode == 0, result.stdout
    for name in ("verilator", "gcc-riscv64-unknown-elf", "litex", "myhdl"):
        assert name in result.stdout
    assert "are as wanted" in result.stdout


def test_the_configurations_are_listed_with_their_size():
    result = build("--configs")
    assert result.returncode == 0
    assert re.search(r"arty-35 +│ 128 ", result.stdout)


def test_build_py_stays_small():
    assert len((ROOT / "build.py").read_text().splitlines()) < 60
