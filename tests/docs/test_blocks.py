# SPDX-License-Identifier: BSD-2-Clause
"""What README and docs/ tell the reader to type works, and prints what they say; blocks.py says which blocks there are."""

import os
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from nets.digits_data import digits
from tests.docs.blocks import MARKS, PAGES, ROOT, SHELLS, blocks_of, is_printed
from tests.support.onnx_models import OnnxBuilder
from tests.support.tflite_models import TFLiteModel

SECONDS = 1500


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_of_commands_says_how_it_is_run(page):
    for block in blocks_of(page):
        assert block.kind in ("", "python", *SHELLS), f"{block.name}: unknown kind {block.kind!r}"
        if block.kind in SHELLS:
            assert set(block.words) <= set(MARKS), f"{block.name}: unknown mark among {block.words}"
        assert block.kind in SHELLS or not block.looks_like_commands, f"{block.name}: commands that no test would run: say sh or console"


def test_words_are_found_in_their_order_whatever_the_numbers():
    output = "  conv1    188   6,912\nall is well\n3,507 cycles an image, 0.035 ms at 100 MHz\n"
    assert is_printed("│ conv1 │ 190 │", output) and is_printed("1 cycles an image, 2.5 ms at 50 MHz", output)
    assert not is_printed("well is all", output) and not is_printed("dense 188", output)


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """A folder with the project and what a reader brings: my.tflite, my.onnx, train.npz, test.npz, and pictures in folder/."""
    folder = tmp_path_factory.mktemp("reader")
    for path in ROOT.iterdir():
        if path.suffix == ".txt":
            shutil.copy(path, folder)
            os.utime(folder / path.name, (0, 0))  # the packages are installed: make has nothing to do
        elif path.name != ".git":
            (folder / path.name).symlink_to(path)
    images, labels = digits(held_back=True)
    np.savez(folder / "train.npz", x=images[:64])
    np.savez(folder / "test.npz", x=images[64:80], y=labels[64:80])
    (folder / "folder").mkdir()
    for i in range(8):
        Image.fromarray((255 * images[i, ..., 0]).astype(np.uint8)).save(folder / "folder" / f"{labels[i]}_{i}.png")
    model = TFLiteModel((8, 8, 1))
    model.save(folder, model.dense(model.convolution(model.input, 8), 10)).rename(folder / "my.tflite")
    rng = np.random.default_rng(2)
    build = OnnxBuilder((1, 8, 8))
    maps = build.add("Relu", build.add("Conv", "input", build.constant(rng.normal(0, 0.3, (8, 1, 3, 3))), kernel_shape=[3, 3], pads=[1] * 4))
    build.add("Gemm", build.add("Flatten", maps), build.constant(rng.normal(0, 0.1, (10, 512))), build.constant(np.zeros(10)), transB=1)
    build.save(folder / "my.onnx")
    return folder


def run_blocks(page, folder, wanted):
    """Run the blocks of a page that `wanted(block)` says, and save its files."""
    environment = {**os.environ, "YES": "1"}
    for block in blocks_of(page):
        if block.kind == "python" and block.words:
            (folder / block.words[0]).write_text(block.text)
        if not block.runs or not wanted(block):
            continue
        for command, lines in block.commands():
            command = "".join(line for line in command.splitlines(keepends=True) if not line.startswith("make test"))
            result = subprocess.run(["bash", "-e", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS)
            assert (result.returncode != 0) == ("fails" in block.words), f"{block.name}: {command}{result.stdout[-3000:]}{result.stderr[-3000:]}"
            for line in lines:
                assert is_printed(line, result.stdout), f"{block.name}: {command} does not print {line!r}, but\n{result.stdout[-3000:]}"


def pages_with(wanted):
    return [page for page in PAGES if any(block.runs and wanted(block) for block in blocks_of(page))]


def is_quick(block):
    return "slow" not in block.words


@pytest.mark.parametrize("page", pages_with(is_quick), ids=lambda page: page.name)
def test_what_a_page_says_can_be_typed(page, reader):
    run_blocks(page, reader, is_quick)


@pytest.mark.full
@pytest.mark.parametrize("page", pages_with(lambda block: not is_quick(block)), ids=lambda page: page.name)
def test_what_a_page_says_and_takes_long_can_be_typed(page, reader):
    run_blocks(page, reader, lambda block: True)
