# SPDX-License-Identifier: BSD-2-Clause
"""Options about images do what they say, or are refused: none is ignored."""

import argparse
import re

import numpy as np
import pytest

from accel.errors import UserError
from nets.zoo import load_model
from targets import evaluate
from targets.model_options import add_image_options, add_model_options, image_set, number, numbers, samples_of

SHAPE = (4, 4, 3)
SETS = {"int8": np.zeros((2, *SHAPE), np.int8), "float": np.zeros((2, *SHAPE), np.float32), "uint8": np.full((2, *SHAPE), 100, np.uint8)}


def parsed(*words):
    parser = argparse.ArgumentParser()
    add_model_options(parser)
    add_image_options(parser)
    return parser.parse_args(["--model", "digits", *map(str, words)])


@pytest.mark.parametrize("text, value", [("1/255", 1 / 255), (".5", 0.5), ("-3", -3), ("2/1e3", 0.002), ("1e30", 1e30)])
def test_numbers_are_decimal_or_fractions(text, value):
    assert number(text) == value and numbers(f"{text},1") == (value, 1)


@pytest.mark.parametrize("text", ["1/0", "1e400", "1e999999999", "nan", "inf", "x", "", "1/2/3", "1e300/1e-300"])
def test_what_is_no_finite_number_is_refused_by_the_parser(text, capsys):
    with pytest.raises(ValueError):
        number(text)
    with pytest.raises(SystemExit):
        parsed(f"--pixel-scale={text}")
    assert "--pixel-scale" in capsys.readouterr().err


@pytest.mark.parametrize("kind, words", [
    *(("int8", words) for words in (("--mean", 1), ("--std", 2), ("--pixel-scale", "1/255"), ("--bgr",), ("--resize", 4), ("--crop",))),
    ("float", ("--resize", 4)), ("float", ("--crop",)),
])
def test_an_option_without_effect_on_the_images_is_refused(kind, words, tmp_path):
    np.savez(tmp_path / "set.npz", x=SETS[kind])
    with pytest.raises(UserError, match=re.escape(f"{words[0]} has no effect on the images in {tmp_path / 'set.npz'}, which are {kind}")):
        image_set(parsed(*words), tmp_path / "set.npz", SHAPE)


def test_options_with_an_effect_have_it(tmp_path):
    for kind, values in SETS.items():
        np.savez(tmp_path / f"{kind}.npz", x=values)
    assert image_set(parsed("--mean", 50, "--std", 2, "--resize", 4), tmp_path / "uint8.npz", SHAPE).real(0, 1).mean() == 25
    assert image_set(parsed("--mean", "1,2,3"), tmp_path / "float.npz", SHAPE).real(0, 1)[0, 0, 0].tolist() == [-1, -2, -3]
    assert image_set(parsed(), tmp_path / "int8.npz", SHAPE).source.dtype == np.int8


def test_grey_images_have_no_order_of_colours(tmp_path):
    with pytest.raises(UserError, match="--bgr is for images of 3 channels, but the network's have 1"):
        image_set(parsed("--bgr"), tmp_path / "set.npz", (4, 4, 1))


@pytest.mark.parametrize("words", [("--labels", "x.txt"), ("--mean", 1), ("--crop",), ("--bgr",)])
def test_options_of_images_without_images_are_refused(words):
    with pytest.raises(UserError, match=f"{words[0]} is for the images of --images SET"):
        samples_of(parsed(*words), load_model("digits").network, 2)


def test_images_beyond_what_the_network_can_hold_are_noted(tmp_path, capsys):
    network = load_model("digits").network
    pixels = np.random.default_rng(1).integers(0, 256, (4, 8, 8, 1), dtype=np.uint8)
    np.savez(tmp_path / "set.npz", x=pixels, y=np.zeros(4, int))
    words = ("--images", tmp_path / "set.npz")
    samples_of(parsed(*words), network, 4)
    assert re.search(r"note: \d+% of the images' numbers are beyond 0 to 1.*: --pixel-scale, --mean and --std must be", capsys.readouterr().out)
    samples_of(parsed(*words, "--pixel-scale", "1/255"), network, 4)
    assert capsys.readouterr().out == ""
    evaluate.run(["--model", "digits", *map(str, words), "--jobs", "1"])
    assert "of the images' numbers are beyond" in capsys.readouterr().out
