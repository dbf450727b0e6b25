# SPDX-License-Identifier: BSD-2-Clause
"""Networks of which the CPU computes layers, in the whole simulated SoC: exact, with its cycles in the report, and faults found."""

import json

import numpy as np
import pytest

from accel.errors import UserError
from compiler.binary import HEADER, LAYER, MODEL_ADDRESS
from compiler.expectation import expect
from firmware.inference import TIME_FIELDS, run_image
from nets.file import save_network
from targets import sim
from targets.running_soc import running_soc, work_for
from tests.support.random_networks import random_images
from tests.support.stepped_networks import ending_in_sums, stepped
from tests.support.traces import slices


def test_a_run_is_exact_and_every_cycle_between_the_doorbells_belongs_to_a_layer(tmp_path, capsys):
    network, files = stepped(), {name: str(tmp_path / name) for name in ("model.npz", "images.npz", "json", "timeline", "roofline")}
    save_network(network, files["model.npz"])
    np.savez(files["images.npz"], images=random_images(network, 1, 2))
    status = sim.run(["--model", files["model.npz"], "--images", files["images.npz"], "--count", "2", "--run", "--cpu", "--json", files["json"],
                      "--timeline", files["timeline"], "--roofline", files["roofline"]])
    report, said = json.loads((tmp_path / "json").read_text()), capsys.readouterr().out
    assert status == 0 and report["exact"] is True
    first, *between, last = report["layers"]
    assert [layer["where"] for layer in report["layers"]] == ["cpu", "accel", "cpu", "cpu", "accel", "accel", "cpu"]
    assert sum(layer["cycles"] for layer in between) == report["cycles"]
    assert report["cycles"] + first["cycles"] + last["cycles"] <= report["cycles_end_to_end"]
    for layer in report["layers"]:
        if layer["where"] == "cpu":
            assert layer["op"] in ("lookup", "softmax") and layer["cycles"] > 0 and layer["cycles_predicted"] is None
            assert not any(layer[name] for name in (*TIME_FIELDS, "macs_done", "dram_read_bytes", "dram_write_bytes"))
        else:
            assert sum(layer[name] for name in TIME_FIELDS) == layer["cycles"]
    assert "softmax (CPU)" in said
    shown = [event for event in slices(json.loads((tmp_path / "timeline").read_text())) if "layer" not in event["args"]]
    assert [(event["name"], event["args"]["where"]) for event in shown] == [(layer["name"], layer["where"]) for layer in report["layers"]]


def test_sums_come_back_as_whole_words_and_what_is_wrong_with_the_cpus_part_is_said():
    network = ending_in_sums()
    work = work_for(network, random_images(network, 1))
    model = work.binary.model
    expectation, second = expect(network, model, work.samples.images[0]), model.programs[1]
    with running_soc(work) as (link, addresses):
        def run():
            return run_image(link, network, model, expectation, addresses[0])

        def word_at(place):
            return int.from_bytes(link.read_memory(place, 4), "little")

        def header(name):
            return word_at(MODEL_ADDRESS + 4 * [word for word, _ in HEADER].index(name))

        exact = run()
        assert exact.exact, exact.differences
        assert exact.output.dtype == np.int32 and np.abs(exact.output).max() > 127
        # An error of a later program is told with its own instruction.
        link.write_word(second.address, 0)
        with pytest.raises(UserError, match=r"stopped with NO_BEGIN at instruction 0 \(BEGIN"):
            run()
        link.write_word(second.address, second.words[0] & 0xFFFFFFFF)
        assert run().exact
        # The first bias of the sums, whose row is the table's last, is the first word that the kernel reads.
        bias = word_at(header("table") + header("layers") * 4 * len(LAYER) - 4 * len(LAYER) + 4 * [word for word, _ in LAYER].index("streams"))
        link.write_word(bias, word_at(bias) ^ 1)
        wrong = run()
        assert not wrong.exact and "layer 'sums', tensor 'sums', position (0, 0, 0)" in wrong.differences[0]
        # Another kernel in its place is refused before anything is run.
        names = header("kernel_names")
        link.write_word(MODEL_ADDRESS + work.binary.data.index(b"sums\0", names - MODEL_ADDRESS), int.from_bytes(b"gelu", "little"))
        with pytest.raises(UserError, match="this firmware lacks the kernel 'gelu', which the model needs"):
            link.command(f"run {addresses[0]}")
