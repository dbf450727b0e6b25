# SPDX-License-Identifier: BSD-2-Clause
"""Networks of which the CPU computes layers, in the whole simulated SoC: exact, with its cycles in the report, and faults found."""

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.errors import UserError
from compiler.binary import HEADER, LAYER, MODEL_ADDRESS
from compiler.expectation import expect
from firmware.inference import TIME_FIELDS, run_image, run_on_cpu
from firmware.report import report_object
from targets.running_soc import running_soc, work_for
from tests.support.random_networks import random_images
from tests.support.stepped_networks import ending_in_sums, stepped

CONFIG = CONFIGS["arty-35"]
LAYER_BYTES, STREAMS = 4 * len(LAYER), 4 * [word for word, _ in LAYER].index("streams")


def word_of(link, name):
    """Read a word of the model binary's header."""
    place = 4 * [word for word, _ in HEADER].index(name)
    return int.from_bytes(link.read_memory(MODEL_ADDRESS + place, 4), "little")


def test_steps_are_exact_and_every_cycle_between_the_doorbells_belongs_to_a_layer():
    network = stepped()
    work = work_for(network, random_images(network, 1, 2), cpu=True)
    model = work.binary.model
    with running_soc(work) as (link, addresses):
        runs = [run_image(link, network, model, expect(network, model, images), address)
                for images, address in zip(work.batches, addresses, strict=True)]
        on_cpu = run_on_cpu(link, network, model, addresses[1])
    for run in runs:
        assert run.exact, run.differences
        assert [layer.name for layer in run.layers] == [layer.name for layer in model.layers]
        between = run.layers[1:-1]
        assert sum(layer.cycles for layer in between) == run.cycles
        assert run.cycles + run.layers[0].cycles + run.layers[-1].cycles <= run.end_to_end
    np.testing.assert_array_equal(on_cpu.output, runs[1].output)
    report = report_object("sim", network, CONFIG, 100_000_000, runs, None)
    for layer in report["layers"]:
        if layer["where"] == "cpu":
            assert layer["op"] in ("lookup", "softmax") and layer["cycles"] > 0 and layer["cycles_predicted"] is None
            assert not any(layer[name] for name in (*TIME_FIELDS, "macs_done", "dram_read_bytes", "dram_write_bytes"))
        else:
            assert sum(layer[name] for name in TIME_FIELDS) == layer["cycles"]


def test_sums_come_back_as_whole_words_and_a_wrong_weight_of_the_cpus_is_found():
    network = ending_in_sums()
    work = work_for(network, random_images(network, 1))
    model = work.binary.model
    expectation = expect(network, model, work.samples.images[0])
    with running_soc(work) as (link, addresses):
        run = run_image(link, network, model, expectation, addresses[0])
        assert run.exact, run.differences
        assert run.output.dtype == np.int32 and np.abs(run.output).max() > 127
        # The last row of the table is that of the sums; its bias is the first word of what the kernel reads.
        layer = word_of(link, "table") + (word_of(link, "layers") - 1) * LAYER_BYTES
        bias = int.from_bytes(link.read_memory(layer + STREAMS, 4), "little")
        link.write_word(bias, int.from_bytes(link.read_memory(bias, 4), "little") ^ 1)
        run = run_image(link, network, model, expectation, addresses[0])
        assert not run.exact and "layer 'sums', tensor 'sums', position (0, 0, 0)" in run.differences[0]


def test_a_kernel_that_the_firmware_lacks_is_refused_by_its_name_before_anything_is_run():
    network = ending_in_sums()
    work = work_for(network, random_images(network, 1))
    with running_soc(work) as (link, addresses):
        names = word_of(link, "kernel_names")
        place = work.binary.data.index(b"sums\0", names - MODEL_ADDRESS) + MODEL_ADDRESS
        link.write_word(place, int.from_bytes(b"gelu", "little"))
        with pytest.raises(UserError, match="this firmware lacks the kernel 'gelu', which the model needs"):
            link.command(f"run {addresses[0]}")


def test_an_error_in_a_later_program_is_told_with_its_own_instruction():
    network = stepped()
    work = work_for(network, random_images(network, 1))
    model = work.binary.model
    expectation = expect(network, model, work.samples.images[0])
    second = model.programs[1]
    with running_soc(work) as (link, addresses):
        link.write_word(second.address, 0)  # BEGIN
        with pytest.raises(UserError, match=r"stopped with NO_BEGIN at instruction 0 \(BEGIN"):
            run_image(link, network, model, expectation, addresses[0])
        link.write_word(second.address, second.words[0] & 0xFFFFFFFF)
        assert run_image(link, network, model, expectation, addresses[0]).exact
