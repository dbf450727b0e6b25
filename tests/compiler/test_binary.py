# SPDX-License-Identifier: BSD-2-Clause
"""The model binary holds what its header says, where it says."""

import struct

import pytest

from accel import isa
from accel.config import CONFIGS
from compiler.binary import HEADER, LAYER, MAGIC, MODEL_ADDRESS, build_binary
from tests.support.networks import convolution
from tests.support.random_networks import random_network

CONFIG = CONFIGS["arty-35"]


def words_of(binary, table, place=0):
    return dict(zip((name for name, _ in table), struct.unpack_from(f"<{len(table)}I", binary.data, place), strict=True))


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
        assert (convolution_row["streams"] != 0) == asked
        if asked:
            assert header["table"] < convolution_row["streams"] < header["program"]
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
    program = header["program"] - MODEL_ADDRESS
    words = isa.from_bytes(binary.data[program:program + isa.INSTRUCTION_BYTES * header["instructions"]])
    assert isa.decode(words[0])[0] == "BEGIN" and isa.decode(words[-1])[0] == "END"
    assert header["input"] >= MODEL_ADDRESS + len(binary.data), "tensors must not lie in the binary"
    network = binary.model.lowered
    for index, layer in enumerate(network.layers):
        place = header["table"] - MODEL_ADDRESS + 4 * len(LAYER) * index
        values = dict(zip((name for name, _ in LAYER), struct.unpack_from(f"<{len(LAYER)}i", binary.data, place), strict=True))
        assert (values["clamp_min"], values["clamp_max"]) == (layer.clamp_min, layer.clamp_max), f"seed {seed}, layer {layer.name}"
        assert values["output_channels"] == network.tensors[layer.output].channels
        assert values["input_zero"] == network.tensors[layer.input].zero_point
