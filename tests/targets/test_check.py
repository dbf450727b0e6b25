# SPDX-License-Identifier: BSD-2-Clause
"""--check says of every layer where it runs and why, with the cycles and bytes of the compiled program, and builds nothing."""

import re

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.errors import UserError
from compiler.binary import build_binary
from compiler.expectation import expect
from compiler.placement import ACCELERATOR, place_layers
from compiler.program import compile_network
from nets.builder import Builder
from nets.file import save_network
from nets.shapes import depthwise_network, fire_network, resnet8_network
from nets.synthetic import convolution_network
from targets import check
from tests.support.float_networks import small_classifier
from tests.support.float_to_onnx import float_to_onnx
from tests.support.networks import convolution
from tests.support.random_networks import random_images
from tests.support.sparse_networks import SparseNet
from tests.support.tflite_models import TFLiteModel

CONFIG = CONFIGS["arty-35"]


@pytest.mark.parametrize("network", [resnet8_network(), fire_network()], ids=lambda network: network.name)
def test_every_layer_has_a_row_and_every_unit_its_cycles_and_bytes(network):
    model = compile_network(network, CONFIG)
    rows = place_layers(network, model)
    assert [row.name for row in rows if row.op != "copy"] == [layer.name for layer in network.layers]
    assert sum(row.cycles or 0 for row in rows) == sum(layer.cycles_predicted for layer in model.layers)
    assert sum(row.traffic is not None for row in rows) == len(model.layers)
    assert all(row.where == ACCELERATOR and row.why for row in rows)


def test_what_is_fused_and_what_costs_nothing_says_so():
    why = {row.name: row.why for row in place_layers(resnet8_network(), compile_network(resnet8_network(), CONFIG))}
    assert why["add1"] == "in the drain of conv1b" and why["dense"] == "a convolution of one pixel"
    assert place_layers(fire_network(), compile_network(fire_network(), CONFIG))[-1].why.startswith("by addressing")


def test_a_copy_stands_before_the_layer_that_reads_it_and_may_carry_an_addition():
    builder = Builder("copied", 4, 4, 32)
    conv = builder.convolution("conv", "input", 32)
    builder.add("second", builder.add("sum", conv, "input"), conv)
    builder.concatenation("both", "input", "input")
    network = builder.network()
    rows = place_layers(network, compile_network(network, CONFIG))
    assert [row.name for row in rows] == ["conv", "sum", "second", "input for both:0", "input for both:1", "both"]
    assert rows[1].why == "in the drain of a copy of one of its inputs" and rows[3].op == "copy"


def checked(capsys, *words):
    assert check.run([str(word) for word in words]) == 0
    return capsys.readouterr().out


def test_totals_are_printed_and_cycles_are_those_of_the_configuration(capsys, tmp_path):
    save_network(resnet8_network(), tmp_path / "net.npz")
    cycles = {}
    for config in ("arty-35", "arty-100"):
        said = checked(capsys, "--model", tmp_path / "net.npz", "--config", config)
        cycles[config] = int(re.search(r"([\d,]+) cycles an image on the accelerator: [\d,]+ images/s at 100 MHz", said)[1].replace(",", ""))
        assert "in the drain of conv1b" in said and re.search(r"[\d,]+ bytes of DRAM", said)
    assert cycles["arty-100"] < cycles["arty-35"] == sum(layer.cycles_predicted for layer in build_binary(resnet8_network(), CONFIG).model.layers)


def test_what_masks_leave_is_printed_with_and_without_ordered_channels(capsys, tmp_path):
    net = SparseNet(64)
    net.conv(net.conv("image", 64, classes=4), 16)
    save_network(net.network(), tmp_path / "net.npz")
    said = checked(capsys, "--model", tmp_path / "net.npz")
    dense = 36 * 9 * (64 * 64 + 64 * 16)
    left = f"{dense - 36 * 9 * 64 * 48:,} (40.0%)"
    assert (f"of {dense:,} dense multiply-accumulates of layers with channel masks, {left} are of weights that are not 0; "
            f"the masks leave {dense:,} (100.0%) with the channels in the network's order and {left} in the compiler's") in said


@pytest.mark.parametrize("network", [depthwise_network(), fire_network()], ids=lambda network: network.name)
def test_a_network_without_masks_or_without_zeros_has_no_line_on_them(network, capsys, tmp_path):
    save_network(network, tmp_path / "net.npz")
    assert "masks" not in checked(capsys, "--model", tmp_path / "net.npz")


@pytest.mark.parametrize("config", ["arty-35", "arty-100"])
def test_what_pruning_leaves_out_is_not_counted_as_done(config, capsys, tmp_path):
    network = convolution((12, 12), 128, 64, density=0.25)
    save_network(network, tmp_path / "net.npz")
    said = checked(capsys, "--model", tmp_path / "net.npz", "--config", config)
    done, dense, share = re.search(r"([\d,]+) multiply-accumulates done \(([\d,]+) dense\), ([\d.]+)% of what the grid could do", said).groups()
    done, dense = (int(number.replace(",", "")) for number in (done, dense))
    model = build_binary(network, CONFIGS[config]).model
    record, = expect(network, model, random_images(network, 1, 1)[0]).counters
    assert done == record["macs"] and dense == model.layers[0].macs and done < 0.5 * dense
    expected = 100 * done / model.layers[0].cycles_predicted / CONFIGS[config].macs_per_cycle
    assert float(share) == pytest.approx(expected, abs=0.051) and float(share) <= 100


def test_a_float_model_is_placed_without_images_and_the_note_says_what_that_is_worth(capsys, tmp_path):
    path = float_to_onnx(small_classifier(), 17).save(tmp_path / "net.onnx")
    said = checked(capsys, "--model", path)
    assert "no --calibrate was given" in said and "Conv0" in said
    np.savez(tmp_path / "set.npz", x=np.random.default_rng(1).normal(size=(3, 8, 8, 3)))
    words = ("--calibrate", tmp_path / "set.npz", "--method", "minmax", "--calibrate-count", 2, "--mean", "0,0.5,1")
    assert "no --calibrate" not in checked(capsys, "--model", path, *words)


def test_what_the_cpu_computes_says_why_and_comes_on_top(capsys, tmp_path):
    model = TFLiteModel((6, 6, 3))
    said = checked(capsys, "--model", model.save(tmp_path, model.softmax(model.dense(model.convolution(model.input, 4), 10))))
    assert re.search(r"softmax.* CPU .*the accelerator has no exponential", said)
    assert "images/s at 100 MHz without the CPU; " in said
    assert re.search("the CPU's part comes on top: [^,]+; --run measures it", said)


def test_notes_of_the_importer_are_printed(capsys, tmp_path):
    model = TFLiteModel((6, 6, 3))
    path = model.save(tmp_path, model.dequantize(model.convolution(model.input, 4)))
    assert "note: " in checked(capsys, "--model", path)


def test_what_does_not_fit_is_refused_by_the_layers_name(tmp_path):
    save_network(convolution_network("wide", 4, 4, 30000, 16), tmp_path / "net.npz")
    with pytest.raises(UserError, match="layer 'conv': a partial sum could reach"):
        check.run(["--model", str(tmp_path / "net.npz")])


@pytest.mark.parametrize("words, sentence", [
    ([], "there is no --model"),
    (["--model", "digits", "--calibrate", "x.npz"], "is quantised already: leave out --calibrate"),
    (["--model", "digits", "--weights", "x.npz"], "--weights is for the described networks"),
    (["--model", "digits", "--method", "mse"], "is quantised already: leave out --method"),
    (["--model", "digits", "--calibrate-count", "4"], "is quantised already: leave out --calibrate-count"),
    (["--model", "digits", "--mean", "1,2"], "--mean is for the images of --calibrate SET: give one, or leave it out"),
    (["--model", "digits", "--std", "0"], "--std is for the images of --calibrate SET"),
    (["--model", "digits", "--resize", "-4"], "--resize is for the images of --calibrate SET"),
    (["--model", "digits", "--crop"], "--crop is for the images of --calibrate SET"),
    (["--model", "vgg7"], "is a description without numbers: give --weights FILE"),
    (["--model", "digits", "--calibrate-count", "0"], "--calibrate-count must be at least 1"),
    (["--model", "model.pt"], "unknown model 'model.pt': choose digits, "),
])
def test_options_that_do_not_fit_are_refused(words, sentence):
    with pytest.raises(UserError, match=re.escape(sentence)):
        check.run(words)


@pytest.mark.parametrize("option", ["--images", "--labels"])
def test_no_images_to_classify_are_taken(option, capsys):
    with pytest.raises(SystemExit):
        check.run(["--model", "digits", option, "/nonexistent"])
    assert f"unrecognized arguments: {option}" in capsys.readouterr().err


def test_a_count_without_a_set_to_calibrate_with_is_refused(tmp_path):
    path = float_to_onnx(small_classifier(), 17).save(tmp_path / "net.onnx")
    with pytest.raises(UserError, match="--calibrate-count is for the images of --calibrate SET"):
        check.run(["--model", str(path), "--calibrate-count", "4"])


def test_an_empty_set_to_calibrate_with_is_refused(tmp_path):
    path = float_to_onnx(small_classifier(), 17).save(tmp_path / "net.onnx")
    np.savez(tmp_path / "none.npz", x=np.zeros((0, 8, 8, 3), np.uint8))
    with pytest.raises(UserError, match="there is no image in .*none.npz"):
        check.run(["--model", str(path), "--calibrate", str(tmp_path / "none.npz")])
