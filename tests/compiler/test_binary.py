# SPDX-License-Identifier: BSD-2-Clause
"""The model binary holds what its header says, where it says."""

import struct

import numpy as np
import pytest

from accel import isa
from accel.config import CONFIGS
from accel.errors import UserError
from compiler.binary import HEADER, LAYER, MAGIC, MODEL_ADDRESS, MOST_STEPS, NAME_BYTES, STEP, build_binary
from compiler.ir import Lookup, Network, Rescale, TensorInfo
from tests.support.networks import convolution
from tests.support.random_networks import random_network
from tests.support.stepped_networks import STEPS, stepped

CONFIG = CONFIGS["arty-35"]


def words_of(binary, table, place=0):
    return dict(zip((name for name, _ in table), struct.unpack_from(f"<{len(table)}I", binary.data, place), strict=True))


def program_of(binary, step):
    program = step["program"] - MODEL_ADDRESS
    return isa.from_bytes(binary.data[program:program + isa.INSTRUCTION_BYTES * step["instructions"]])


def test_the_steps_are_programs_and_layers_of_the_table_that_name_their_kernels():
    network = stepped()
    binary = build_binary(network, CONFIG)
    header, model = words_of(binary, HEADER), binary.model
    rows = [words_of(binary, LAYER, header["table"] - MODEL_ADDRESS + 4 * len(LAYER) * i) for i in range(header["layers"])]
    names = header["kernel_names"] - MODEL_ADDRESS
    said = []
    for i in range(header["steps"]):
        step = words_of(binary, STEP, header["step_table"] - MODEL_ADDRESS + 4 * len(STEP) * i)
        if step["program"]:
            assert program_of(binary, step) == list(model.steps[i].words)
            said.append("program")
            continue
        row = rows[step["layer"]]
        place = names + NAME_BYTES * row["kernel"]
        said.append(binary.data[place:place + NAME_BYTES].rstrip(b"\0").decode())
        assert row["output"] == model.placements[model.layers[model.steps[i].layers.start].output].address
        assert MODEL_ADDRESS < row["streams"] < model.base
    assert said == [step if isinstance(step, str) else "program" for step in STEPS]
    assert header["records"] == 3


def test_the_header_says_how_many_images_a_run_takes():
    network = convolution((9, 9), 8, 20)
    one, five = (words_of(build_binary(network, CONFIG, batch=batch), HEADER) for batch in (1, 5))
    assert (one["batch"], five["batch"]) == (1, 5)
    assert five["input_bytes"] == 5 * one["input_bytes"] and five["output_bytes"] == 5 * one["output_bytes"]


def test_the_cpus_streams_are_there_only_when_asked_for():
    network = convolution((9, 9), 8, 20, pool=True)
    plain, full = build_binary(network, CONFIG), build_binary(network, CONFIG, cpu=True)
    for binary, asked in ((plain, False), (full, True)):
        header = words_of(binary, HEADER)
        assert (header["layers"], header["records"]) == (2, 1)
        convolution_row = words_of(binary, LAYER, header["table"] - MODEL_ADDRESS)
        assert (convolution_row["streams"] != 0) == header["complete"] == asked
        if asked:
            assert header["kernel_names"] < convolution_row["streams"] < binary.model.program_address
        pool_row = words_of(binary, LAYER, header["table"] - MODEL_ADDRESS + 4 * len(LAYER))
        assert pool_row["input"] == convolution_row["output"] and pool_row["streams"] == 0
    assert len(full.data) > len(plain.data)


@pytest.mark.parametrize("seed", range(6))
def test_header_table_and_program_are_where_the_header_says(seed):
    network = random_network(seed, CONFIG.columns, layers=3)
    binary = build_binary(network, CONFIG)
    header = words_of(binary, HEADER)
    assert (header["magic"], header["address"], header["bytes"]) == (MAGIC, MODEL_ADDRESS, len(binary.data))
    assert (header["config"], header["instruction_set"]) == (CONFIG.hash, isa.ISA_VERSION)
    assert header["layers"] == len(network.layers)
    assert header["steps"] == 1
    words = program_of(binary, words_of(binary, STEP, header["step_table"] - MODEL_ADDRESS))
    assert isa.decode(words[0])[0] == "BEGIN" and isa.decode(words[-1])[0] == "END"
    assert header["input"] >= MODEL_ADDRESS + len(binary.data), "tensors must not lie in the binary"
    network = binary.model.lowered
    for index, layer in enumerate(network.layers):
        place = header["table"] - MODEL_ADDRESS + 4 * len(LAYER) * index
        values = dict(zip((name for name, _ in LAYER), struct.unpack_from(f"<{len(LAYER)}i", binary.data, place), strict=True))
        assert (values["clamp_min"], values["clamp_max"]) == (layer.clamp_min, layer.clamp_max), f"seed {seed}, layer {layer.name}"
        assert values["output_channels"] == network.tensors[layer.output].channels
        assert values["input_zero"] == network.tensors[layer.input].zero_point


def test_a_network_of_more_steps_than_firmware_keeps_cycles_of_is_refused():
    tensors = {name: TensorInfo(name, 2, 2, 4) for name in ("x", *(f"t{i}" for i in range(MOST_STEPS + 1)))}
    layers = [Rescale("first", "x", "t0"), *(Lookup(f"look{i}", f"t{i}", f"t{i + 1}", np.arange(-128, 128)) for i in range(MOST_STEPS))]
    with pytest.raises(UserError, match=f"comes to {MOST_STEPS + 1} steps"):
        build_binary(Network("long", "x", f"t{MOST_STEPS}", tensors, tuple(layers)), CONFIG)
