# SPDX-License-Identifier: BSD-2-Clause
"""The golden model's additions in the drain, loads to operand FIFO and tables, and copies of stores, on small handwritten programs."""

import numpy as np
import pytest

from accel import isa
from accel.golden import Golden
from accel.registers import ERRORS
from compiler.numbers import multiply_by_quantized_multiplier, quantize_multiplier, requantise
from tests.support.one_addition import BYTES, COLUMNS, FAULTS, OUTPUTS, TINY, WINDOW, WORD, addition, record, simple


def run(memory, words, pixels):
    result = Golden(TINY, memory).run(words, WINDOW, WINDOW)
    return result, np.frombuffer(memory, np.int8)[OUTPUTS:OUTPUTS + COLUMNS * pixels].reshape(pixels, COLUMNS)


def test_each_output_meets_the_byte_of_its_column_in_the_next_operand():
    inputs, operands, tables = simple()
    result, outputs = run(*addition(inputs, operands, tables, (1 << 30, -9), sum_zero_point=3, sum_clamp_max=40), 5)
    assert result.error == 0
    np.testing.assert_array_equal(outputs, np.minimum(inputs[:, None] + 2 * operands + 3, 40))


def test_the_first_clamp_comes_before_the_addition():
    inputs, operands, tables = simple()
    result, outputs = run(*addition(inputs, operands, tables, (1 << 30, -9), clamp_min=0, zero_point=1), 5)
    assert result.error == 0
    np.testing.assert_array_equal(outputs, np.maximum(inputs[:, None] + 1, 0) + 2 * operands)


@pytest.mark.parametrize("seed", range(8))
def test_tables_of_scaled_bytes_give_the_addition_of_tflite(seed):
    rng = np.random.default_rng(seed)
    scales = rng.uniform(0.002, 0.2, 3)
    zeros = [int(n) for n in rng.integers(-128, 128, 3)]
    largest = 2 * max(scales[:2])
    factors = [quantize_multiplier(scales[0] / largest), quantize_multiplier(scales[1] / largest),
               quantize_multiplier(largest / ((1 << 20) * scales[2]))]
    inputs, operands = rng.integers(-128, 128, 8), rng.integers(-128, 128, (8, COLUMNS))
    low, high = sorted(int(n) for n in rng.integers(-128, 128, 2))
    tables = np.concatenate([multiply_by_quantized_multiplier((BYTES - zeros[i]) << 20, *factors[i]) for i in range(2)])
    result, outputs = run(*addition(inputs, operands, tables, factors[2], sum_zero_point=zeros[2], sum_clamp_min=low, sum_clamp_max=high), 8)
    assert result.error == 0
    summands = [multiply_by_quantized_multiplier((numbers - zeros[i]) << 20, *factors[i]) for i, numbers in enumerate((inputs[:, None], operands))]
    np.testing.assert_array_equal(outputs, requantise(sum(summands), *factors[2], zeros[2], low, high), err_msg=f"seed {seed}")


def test_a_copy_is_read_by_the_next_convolution():
    inputs, operands, tables = simple()
    memory, words = addition(inputs, operands, tables, (1 << 30, -9))
    words[13] = isa.encode("STORE", address=OUTPUTS, beats=5, copy_clusters=2, copy_destination=201, copy_pitch=4, copy_signal=isa.semaphore(2))
    again = 0x300
    stream = (1 << COLUMNS).to_bytes(4, "little") + bytes([1] * COLUMNS) + record(1 << 30, 1) * COLUMNS
    memory[again:again + len(stream)] = stream
    words[14:] = [
        isa.encode("WEIGHTS", address=again, beats=len(stream) // COLUMNS), isa.encode("DRAIN", clamp_min=-128, clamp_max=127),
        isa.encode("WALK", pixel_step=2 * WORD), isa.encode("TILE", cluster=0), isa.encode("TILE", cluster=1, address=100 * WORD, pixels=5),
        isa.encode("CONV", pixels=5, columns=COLUMNS, wait_a=isa.semaphore(2)),
        isa.encode("STORE", address=OUTPUTS + 5 * COLUMNS, beats=5), isa.encode("END")]
    result, outputs = run(memory, words, 10)
    assert result.error == 0
    np.testing.assert_array_equal(outputs[5:], np.repeat(outputs[:5, :1], COLUMNS, axis=1))


def test_operands_may_wait_for_a_store():
    inputs, operands, tables = simple()
    memory, words = addition(inputs, operands, tables, (1 << 30, -9))
    wait = isa.encode("LOAD", **{**isa.decode(words[3])[1], "wait_a": isa.semaphore(3)})
    stream = (1).to_bytes(4, "little") + bytes([2] * COLUMNS) + record(1 << 30, 1) * COLUMNS
    memory[0x300:0x300 + len(stream)] = stream
    first = [isa.encode("WEIGHTS", address=0x300, beats=len(stream) // COLUMNS), words[7], words[8],
             isa.encode("DRAIN", clamp_min=-128, clamp_max=127), *words[10:12],
             isa.encode("CONV", pixels=5, columns=COLUMNS, wait_a=isa.semaphore(0), wait_b=isa.semaphore(1)),
             isa.encode("STORE", address=OUTPUTS, beats=5, signal_a=isa.semaphore(3))]
    store = isa.encode("STORE", address=OUTPUTS + 5 * COLUMNS, beats=5)
    words = [*words[:3], *words[4:6], *first, words[1], wait, words[6], words[9], isa.encode("CONV", pixels=5, columns=COLUMNS), store, words[14]]
    result, outputs = run(memory, words, 10)
    assert result.error == 0
    np.testing.assert_array_equal(outputs[:5], np.repeat(2 * inputs[:, None], COLUMNS, axis=1))
    np.testing.assert_array_equal(outputs[5:], inputs[:, None] + 2 * operands)


@pytest.mark.parametrize(("place", "name", "fields", "error", "position"), FAULTS)
def test_what_may_not_be_stops_with_its_error_and_position(place, name, fields, error, position):
    memory, words = addition(*simple(), (1 << 30, -9))
    words[place] = isa.encode(name, **fields)
    result, _ = run(memory, words, 5)
    assert (ERRORS[result.error][0], result.position) == (error, position)


def test_a_tile_whose_filters_are_off_is_computed_where_it_is_whole():
    memory, words = addition(*simple(), (1 << 30, -9), zero_point=4)
    for place, name in ((6, "WEIGHTS"), (12, "CONV")):
        words[place] = isa.encode(name, **{**isa.decode(words[place])[1], "planes": 1, "whole": 1})
    result = Golden(TINY, memory, filters=[0] * 1024).run(words, WINDOW, WINDOW)
    outputs = np.frombuffer(memory, np.int8)[OUTPUTS:OUTPUTS + 20].reshape(5, COLUMNS)
    assert result.error == 0
    np.testing.assert_array_equal(outputs, 4 + 2 * simple()[1])
