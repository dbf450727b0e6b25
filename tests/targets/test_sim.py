# SPDX-License-Identifier: BSD-2-Clause
"""The whole SoC in litex_sim: real firmware, LiteDRAM, the accelerator; driven as a user drives it."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import serial

from accel.config import CONFIGS
from accel.errors import UserError
from accel.golden import Golden
from accel.registers import ERROR_CODES, FILTER_WORDS
from compiler.expectation import expect, memory_image
from compiler.ir import Conv2D, Network
from firmware.inference import TIME_FIELDS, run_image, run_on_cpu, set_filters
from firmware.serial_boot import REQUEST
from firmware.timeline import BYTES_TRACK
from nets.file import save_network
from nets.synthetic import convolution_network, random_images
from nets.images import digits_samples
from nets.zoo import load_model
from targets import sim, simulator
from compiler.memory_map import MODEL_ADDRESS
from targets.running_soc import BIOS_AGAIN, FIRMWARE_ADDRESS, running_soc, work_for
from tests.support.bad_programs import bad_programs
from tests.support.random_networks import random_images as images_of_random_network
from tests.support.random_networks import random_network
from tests.support.slices import slice_of
from tests.support.traces import check_trace, slices

CONFIG = CONFIGS["arty-35"]


def run_digits(tmp_path, *options, model="digits", count=4):
    """Return (exit status, JSON object) of a run."""
    path = tmp_path / "out.json"
    status = sim.run(["--model", str(model), "--count", str(count), "--run", "--json", str(path), *options])
    return status, json.loads(path.read_text())


def test_a_run_writes_the_object_that_the_command_line_promises(tmp_path):
    timeline, roofline = tmp_path / "timeline.json", tmp_path / "roofline.png"
    status, report = run_digits(tmp_path, "--timeline", str(timeline), "--roofline", str(roofline), count=8)
    assert status == 0
    assert report["exact"] is True
    assert report["accuracy"] >= 0.95
    assert {name: report[name] for name in ("target", "config", "model", "clock_hz", "count")} == {
        "target": "sim", "config": "arty-35", "model": "digits", "clock_hz": 100_000_000, "count": 8}
    layers = report["layers"]
    assert [layer["name"] for layer in layers] == ["conv1", "conv2+pool", "conv3", "dense"]
    for layer in layers:
        assert sum(layer[name] for name in TIME_FIELDS) == layer["cycles"], layer["name"]
        assert layer["macs_done"] <= layer["macs"]
    for name in ("cycles", "macs", "macs_done", "dram_read_bytes", "dram_write_bytes"):
        assert sum(layer[name] for layer in layers) == report[name]
    assert report["cycles"] < report["cycles_end_to_end"]
    check_digits_timeline(json.loads(timeline.read_text()), report)
    assert roofline.read_bytes().startswith(b"\x89PNG\r\n")


def check_digits_timeline(trace, report):
    check_trace(trace, report["cycles"])
    layers = [event for event in slices(trace) if "layer" not in event["args"]]
    assert [event["name"] for event in layers] == [layer["name"] for layer in report["layers"]]
    for event, layer in zip(layers, report["layers"], strict=True):
        assert {name: event["args"][name] for name in ("cycles", "macs_done", *TIME_FIELDS)} == {
            name: layer[name] for name in ("cycles", "macs_done", *TIME_FIELDS)}
    bytes_moved = [sum(event["args"].values()) for event in trace["traceEvents"] if event["ph"] == "C" and event["name"] == BYTES_TRACK]
    for layer, rate in zip(report["layers"], bytes_moved):
        assert rate * layer["cycles"] == pytest.approx(layer["dram_read_bytes"] + layer["dram_write_bytes"], abs=0.001 * layer["cycles"])


def test_cycles_are_the_same_in_every_run(tmp_path):
    assert run_digits(tmp_path) == run_digits(tmp_path)


def test_a_boot_through_the_uart_gives_the_predictions_of_a_boot_from_ram(tmp_path, capsys):
    said, reports = {}, {}
    for boot in ("ram", "uart"):
        status, reports[boot] = run_digits(tmp_path, "--boot", boot, "--pictures", count=2)
        assert status == 0, boot
        said[boot] = re.findall(r"is \d, said \d", capsys.readouterr().out)
    assert len(said["ram"]) == 2 and said["uart"] == said["ram"]
    for name in ("exact", "accuracy", "macs_done", "dram_read_bytes", "dram_write_bytes"):
        assert reports["uart"][name] == reports["ram"][name], name


def test_a_bios_that_no_one_answered_asks_again():
    directory = simulator.build_simulator(CONFIG)
    with simulator.Simulation(directory, [(FIRMWARE_ADDRESS, BIOS_AGAIN)]) as simulation, serial.Serial(simulation.port, timeout=1) as port:
        for _ in range(3):
            said = b""
            while not said.endswith(REQUEST):
                simulation.check_alive()
                said += port.read(1)


def test_a_differently_pruned_network_builds_no_gateware(tmp_path, monkeypatch):
    network = load_model("digits").network
    _, dense = run_digits(tmp_path, count=1)
    monkeypatch.setattr(simulator, "_build", lambda *_: pytest.fail("a simulator was built"))
    layers = []
    for layer in network.layers:
        if isinstance(layer, Conv2D) and layer.weights.shape[3] > 4:
            weights = layer.weights.copy()
            weights[..., ::3] = 0
            layer = replace(layer, weights=weights)
        layers.append(layer)
    path = tmp_path / "pruned.npz"
    save_network(Network("pruned", network.input, network.output, network.tensors, tuple(layers), network.labels), path)
    status, report = run_digits(tmp_path, model=path, count=2)
    assert status == 0 and report["exact"] is True
    assert report["macs_done"] < 0.8 * dense["macs_done"]


def test_one_flipped_weight_bit_in_dram_is_found_and_located(tmp_path, capsys):
    status, report = run_digits(tmp_path, "--fault", "weight", count=2)
    assert status == 1 and report["exact"] is False
    assert "layer 'dense', tensor 'logits', position (0, 0, 0)" in capsys.readouterr().out.replace("\n", " ")


@pytest.mark.full
def test_a_requantiser_that_rounds_wrongly_is_found_and_located(tmp_path, capsys):
    status, report = run_digits(tmp_path, "--fault", "rounding", count=2)
    said = capsys.readouterr().out.replace("\n", " ")
    assert status == 1 and report["exact"] is False
    assert "layer 'conv1', tensor 'conv1', position (" in said and "expected" in said and "got" in said


def test_an_error_stops_with_code_and_position_and_the_next_inference_on_the_same_soc_is_exact():
    network = load_model("digits").network
    work = work_for(network, digits_samples(network).images[:1])
    model = work.binary.model
    expectation = expect(network, model, work.samples.images[0])
    with running_soc(work) as (link, addresses):
        for what, (change, error) in bad_programs(CONFIG).items():
            words, position = change(list(model.words), model)
            if what == "no END":
                error = "BAD_OPCODE"  # the model's header still gives the old length, and a word of zeros is where END was
            words = words + [0] * (len(model.words) - len(words))
            golden = Golden(CONFIG, memory_image(model, work.samples.images[0]), model.base).run(words, model.read_window, model.write_window)
            assert (golden.error, golden.position) == (getattr(ERROR_CODES, error), position), what
            _write_program(link, model, words, list(model.words))
            with pytest.raises(UserError, match=rf"stopped with {error} at instruction {golden.position} "):
                run_image(link, network, model, expectation, addresses[0])
            _write_program(link, model, list(model.words), words)
            assert run_image(link, network, model, expectation, addresses[0]).exact, f"after {what}"


def _write_program(link, model, words, present):
    """Poke the words that differ from those in memory; all lists have the same length."""
    for i, (new, old) in enumerate(zip(words, present, strict=True)):
        for part in range(4):
            if (new ^ old) >> 32 * part & 0xFFFFFFFF:
                link.write_word(model.program_address + 16 * i + 4 * part, new >> 32 * part & 0xFFFFFFFF)


def test_a_dense_convolution_of_64_channels_is_exact_and_fills_the_grid():
    network = convolution_network("conv3x3", 32, 32, 64, 64)
    work = work_for(network, random_images(network, 1))
    with running_soc(work) as (link, addresses):
        run = run_image(link, network, work.binary.model, expect(network, work.binary.model, work.samples.images[0]), addresses[0])
    assert run.exact, run.differences
    assert run.layers[0].record["macs"] == 32 * 32 * 64 * 64 * 9
    assert run.layers[0].record["macs"] / run.cycles > 0.9 * CONFIG.macs_per_cycle


def test_filters_turned_off_at_run_time_take_their_tiles_cycles_along_and_leave_the_other_outputs():
    network = convolution_network("conv3x3", 16, 16, 64, 64)
    work = work_for(network, random_images(network, 1))
    model, image = work.binary.model, work.samples.images[0]
    off = {plane: 0 for plane in (2, 3)}
    words = [off.get(plane, (1 << CONFIG.columns) - 1) for plane in range(FILTER_WORDS)]
    with running_soc(work) as (link, addresses):
        before = run_image(link, network, model, expect(network, model, image), addresses[0])
        set_filters(link, off)
        half = run_image(link, network, model, expect(network, model, image, words), addresses[0])
        set_filters(link, {plane: 0xFFFF for plane in off})
        after = run_image(link, network, model, expect(network, model, image), addresses[0])
        with pytest.raises(UserError, match="no such plane"):
            set_filters(link, {FILTER_WORDS: 0})
    assert before.exact and half.exact and after.exact, (before.differences, half.differences, after.differences)
    assert half.layers[0].record["busy"] < 0.51 * before.layers[0].record["busy"]
    assert half.cycles < 0.6 * before.cycles


@pytest.mark.parametrize("seed", slice_of(range(12), 4))
def test_random_layers_are_exact_on_the_accelerator_and_by_the_cpu_alone(seed):
    network = random_network(1000 + seed, CONFIG.columns, layers=3, words=600)
    work = work_for(network, images_of_random_network(network, seed), cpu=True)
    expectation = expect(network, work.binary.model, work.samples.images[0])
    with running_soc(work) as (link, addresses):
        run = run_image(link, network, work.binary.model, expectation, addresses[0])
        assert run.exact, f"seed {seed}: {run.differences}"
        cpu = run_on_cpu(link, network, work.binary.model, addresses[0])
    np.testing.assert_array_equal(cpu.output, expectation.tensors[network.output], err_msg=f"seed {seed}")


def test_the_firmware_refuses_what_it_does_not_understand_with_a_sentence():
    network = load_model("digits").network
    work = work_for(network, digits_samples(network).images[:1])
    with running_soc(work) as (link, addresses):
        with pytest.raises(UserError, match="unknown command"):
            link.command("frobnicate")
        with pytest.raises(UserError, match="run ADDRESS"):
            link.command("run here")
        with pytest.raises(UserError, match="too long"):
            link.command("run " + "1" * 100)
        link.write_word(MODEL_ADDRESS, 0)
        with pytest.raises(UserError, match="there is no model in memory"):
            link.command(f"run {addresses[0]}")


def test_the_firmware_says_that_a_model_was_built_without_the_cpus_weights():
    network = load_model("digits").network
    work = work_for(network, digits_samples(network).images[:1])
    with running_soc(work) as (link, addresses):
        with pytest.raises(UserError, match="built without the CPU's weights"):
            link.command(f"cpu {addresses[0]}")
        assert run_image(link, network, work.binary.model, expect(network, work.binary.model, work.samples.images[0]), addresses[0]).exact
