# SPDX-License-Identifier: BSD-2-Clause
"""--evaluate prints and writes accuracy, float beside int8, and the layers' noise."""

import json
import re

import numpy as np
import pytest

from accel.errors import UserError
from nets.digits_data import digits
from nets.zoo import accuracy, load_model
from targets import evaluate
from tests.support.float_networks import small_classifier
from tests.support.float_to_onnx import float_to_onnx


@pytest.fixture
def digits_file(tmp_path):
    images, labels = digits(held_back=True)
    np.savez(tmp_path / "digits.npz", x=images, y=labels)
    return str(tmp_path / "digits.npz")


def test_the_digits_are_counted_in_every_way_that_the_reference_counts_them(digits_file, tmp_path, capsys):
    assert evaluate.run(["--model", "digits", "--images", digits_file, "--json", str(tmp_path / "out.json"), "--jobs", "1"]) == 0
    written, expected = json.loads((tmp_path / "out.json").read_text()), accuracy(load_model("digits").network)
    assert written["count"] == 360 and written["int8"]["top1"] == expected and written["int8"]["top5"] >= expected
    assert written["float"] is None and written["changed"] is None and written["sqnr"] is None
    assert f"{expected:.2%}" in capsys.readouterr().out


def test_a_float_model_is_compared_with_what_becomes_of_it(tmp_path, capsys):
    path = str(float_to_onnx(small_classifier(), 17).save(tmp_path / "net.onnx"))
    images = np.random.default_rng(2).normal(size=(40, 8, 8, 3)).astype(np.float32)
    np.savez(tmp_path / "set.npz", x=images, y=np.zeros(40, int))
    words = ["--model", path, "--calibrate", str(tmp_path / "set.npz"), "--images", str(tmp_path / "set.npz"), "--count", "30", "--jobs", "1"]
    assert evaluate.run([*words, "--sqnr", "--json", str(tmp_path / "out.json")]) == 0
    written, said = json.loads((tmp_path / "out.json").read_text()), capsys.readouterr().out
    assert written["count"] == 30 and set(written["float"]) == {"top1", "top5"}
    changed = written["changed"]
    assert all(entry["float"] != entry["int8"] and entry["label"] == 0 for entry in changed)
    assert f"int8 says what float says for {1 - len(changed) / 30:.2%}" in said
    ratios = {name: ratio for name, ratio in written["sqnr"].items() if ratio is not None}
    assert len(ratios) >= 5 and all(10 < ratio for ratio in ratios.values())
    assert all(re.search(rf"{ratio:.1f}", said) for ratio in ratios.values())


@pytest.mark.parametrize("words, sentence", [
    (["--model", "digits"], "--evaluate needs --images SET"),
    (["--model", "digits", "--images", "DIGITS", "--sqnr"], "--sqnr compares with the float network"),
    (["--model", "digits", "--images", "DIGITS", "--count", "0"], "--count must be 1 to 360, not 0"),
    (["--model", "digits", "--images", "DIGITS", "--jobs", "0"], "--jobs must be at least 1"),
    (["--model", "digits", "--images", "DIGITS", "--mean", "1,2"], "--mean has 2 numbers, but the network's images have 1 channels"),
    (["--model", "digits", "--images", "DIGITS", "--std", "0"], "--std must not be 0"),
    (["--model", "digits", "--images", "DIGITS", "--resize", "0"], "--resize must be at least 1"),
    (["--model", "digits", "--images", "DIGITS", "--json", "/no/such/folder/x.json"], "there is no folder /no/such/folder"),
])
def test_options_that_do_not_fit_are_refused(words, sentence, digits_file):
    with pytest.raises(UserError, match=re.escape(sentence)):
        evaluate.run([digits_file if word == "DIGITS" else word for word in words])
