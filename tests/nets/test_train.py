# SPDX-License-Identifier: BSD-2-Clause
"""`python -m nets.train`: trains, goes on, prunes and writes an ONNX file; what is wrong ends with a sentence."""

import json
import sys

import numpy as np
import pytest

import nets
from accel.errors import UserError
from nets import cifar10, train
from tests.support.cifar10_files import files, pictures, write_folder


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """A function that runs the command line of its arguments and returns (exit status, output, errors)."""
    pytest.importorskip("torch", reason="training needs torch (make train)")
    monkeypatch.setattr(cifar10, "CACHE", tmp_path / "cache")

    def run(*words):
        return train.main(list(map(str, words))), *capsys.readouterr()

    return run


@pytest.fixture
def data(tmp_path):
    for part, count in (("train", 128), ("test", 50)):
        write_folder(tmp_path / "data", files("binary", *pictures(count), part))
    return tmp_path / "data"


def test_the_networks_for_cifar10_are_offered():
    assert train.CIFAR10 == ("vgg-a", "sparse-vgg-a", "vgg-d", "sparse-vgg-d")


@pytest.mark.parametrize("words", [["alexnet"], ["vgg-a"], ["vgg-a", "--data", "x", "--sizes", "16"], ["vgg-a", "--data", "x", "--precision", "fp8"]])
def test_a_command_line_that_makes_no_sense_is_refused(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        train.main(words)
    assert stopped.value.code == 2 and "error:" in capsys.readouterr().err


def test_sizes_are_pairs_of_pixels_and_epochs():
    assert train._sizes("16:8,24:6") == ((16, 8), (24, 6))


def test_without_torch_training_says_how_to_install_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    for module in ("train_cifar10", "digits"):
        monkeypatch.delitem(sys.modules, f"nets.{module}", raising=False)
        monkeypatch.delattr(nets, module, raising=False)
    for words in (["vgg-a", "--data", "x"], ["digits", "--output", "x"]):
        assert train.main(words) == 1
        errors = capsys.readouterr().err
        assert errors.startswith("error: training needs torch") and errors.endswith(": run `make train`\n")


@pytest.mark.full
def test_data_that_is_not_there_ends_with_a_sentence(run, tmp_path):
    status, _, errors = run("vgg-a", "--data", tmp_path / "nowhere")
    assert status == 1 and errors.startswith(f"error: there is no train part of CIFAR-10 in {tmp_path}/nowhere: it must be")


@pytest.mark.full
@pytest.mark.parametrize("words, sentence", [
    (["--momentum", 1], "momentum must be at least 0 and below 1, not 1.0"), (["--rate", -0.1], "rate must be above 0 and finite, not -0.1"),
    (["--threads", -1], "--threads must be 1 to 1024, not -1"), (["--threads", 0], "--threads must be 1 to 1024, not 0"),
    (["--threads", 10**12], "--threads must be 1 to 1024"), (["--minutes", "nan"], "--minutes must be above 0, not nan"),
    (["--output", __file__], "no files can be written to the folder"), (["--output", "/proc/below"], "no files can be written to the folder /proc/below")])
def test_options_of_no_use_end_with_a_sentence_before_the_training(words, sentence, run, data, tmp_path):
    status, _, errors = run("sparse-vgg-a", "--data", data, "--epochs", 1, "--output", tmp_path / "out", *words)
    assert status == 1 and errors.startswith(f"error: {sentence}") and errors.count("\n") == 1
    assert not (tmp_path / "cache").exists() and not (tmp_path / "out").exists()


@pytest.mark.full
@pytest.mark.parametrize("words, sentence", [
    (["--output", "/proc/digits.npz"], "/proc/digits.npz cannot be written"), (["--output", "."], ". cannot be written: Is a directory"),
    (["--output", "nowhere/digits.npz"], "nowhere/digits.npz cannot be written: there is no folder nowhere"),
    (["--kept-filters", 12, 24, 33], "of 32 filters 1 to 32 can be kept, not 33"), (["--kept-inputs", 0, 8, 16], "of each block of 32 input channels 1 to 32"),
    (["--seed", -1], "seed must be 0 to 4294967295, not -1")])
def test_options_of_no_use_end_with_a_sentence_before_digits_is_trained(words, sentence, run, monkeypatch, tmp_path):
    from nets import digits

    monkeypatch.setattr(digits, "train", lambda recipe, progress: pytest.fail("it is trained"))
    status, _, errors = run("digits", "--output", tmp_path / "digits.npz", *words)
    assert status == 1 and errors.startswith(f"error: {sentence}") and errors.count("\n") == 1


@pytest.mark.full
def test_without_onnx_it_is_said_before_the_training_how_to_install_it(run, data, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    status, _, errors = run("sparse-vgg-a", "--data", data, "--epochs", 1, "--output", tmp_path / "out")
    assert status == 1 and errors.startswith("error: writing ONNX needs the package onnx") and errors.endswith(": run `make import`\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.full
def test_a_network_is_trained_in_two_goes_pruned_and_written_as_onnx(run, data, tmp_path):
    import onnxruntime

    common = ["sparse-vgg-a", "--data", data, "--batch", 32, "--threads", 1, "--rate", 0.02]
    first = [*common, "--output", tmp_path / "one", "--epochs", 2, "--sizes", "16:1"]
    status, output, _ = run(*first, "--minutes", 1e-9)
    assert status == 0 and "stopped after epoch 1: the same command goes on" in output
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["checkpoint.pt"]
    assert run(*first)[0] == 0
    result = json.loads((tmp_path / "one" / "sparse-vgg-a.json").read_text())
    assert (result["epochs"], result["train_images"], result["test_images"], result["recipe"]["seed"]) == (2, 128, 50, 1)

    status, _, errors = run(*common, "--output", tmp_path / "two", "--start", tmp_path / "one" / "checkpoint.pt", "--epochs", 2, "--filters", 0.75,
                            "--density", 0.5)
    assert status == 0, errors
    smaller = json.loads((tmp_path / "two" / "sparse-vgg-a.json").read_text())
    assert smaller["count"]["parameters"] < 0.5 * result["count"]["parameters"] and smaller["start"]["recipe"]["epochs"] == 2
    session = onnxruntime.InferenceSession(tmp_path / "two" / "sparse-vgg-a.onnx")
    test = cifar10.load_cifar10(data, "test")
    inputs = cifar10.as_input(test.images).transpose(0, 3, 1, 2)[:, np.newaxis]
    guesses = [session.run(None, {"input": image})[0].argmax() for image in inputs]
    assert np.mean(np.array(guesses) == test.labels) == pytest.approx(smaller["accuracy"], abs=0.021)


@pytest.mark.full
@pytest.mark.parametrize("more", [(), ("--test-data", "set.npz")])
def test_one_set_of_images_does_not_train_and_test_at_once(more, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images, labels = pictures(8)
    np.savez("set.npz", x=images, y=labels)
    status, _, errors = run("sparse-vgg-a", "--data", "set.npz", "--epochs", 1, "--output", tmp_path / "out", *more)
    assert status == 1 and errors == "error: set.npz is one set of images, which cannot both train and test: give others to test by --test-data PATH\n"


def test_a_user_error_is_one_sentence_and_a_status(monkeypatch, capsys):
    def refuse(arguments):
        raise UserError("no such thing")

    monkeypatch.setattr(train, "_train_digits", refuse)
    assert train.main(["digits"]) == 1 and capsys.readouterr().err == "error: no such thing\n"
