# SPDX-License-Identifier: BSD-2-Clause
"""The golden model's depthwise layers and averages are those of plain integer arithmetic."""

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.golden import Golden
from tests.support.depthwise_programs import BASE, average_layer, averages, program_of, random_layer

TINY = CONFIGS["tiny"]
# (rows, columns): 1 to 1,024 bytes.
WINDOWS = [(1, 1), (1, 2), (2, 3), (7, 7), (8, 8), (5, 26), (16, 16), (31, 33), (32, 32)]


def run(program, config):
    """Return the memory after the program."""
    memory = bytearray(program.memory)
    result = Golden(config, memory, BASE).run(program.words, program.window, program.window)
    assert result.error == 0, f"error {result.error} at {result.position}"
    return memory


def outputs_of(memory, address, like):
    return np.frombuffer(memory, np.int8)[address - BASE:address - BASE + like.size].reshape(like.shape)


@pytest.mark.parametrize("name", ["tiny", "small-16", "arty-35"])
@pytest.mark.parametrize("seed", range(20))
def test_random_depthwise_layers_equal_integer_arithmetic(name, seed):
    rng = np.random.default_rng(seed)
    program = program_of([random_layer(rng, CONFIGS[name]) for _ in range(3)], CONFIGS[name])
    memory = run(program, CONFIGS[name])
    for number, (address, expected) in enumerate(program.outputs):
        if expected is not None:
            np.testing.assert_array_equal(outputs_of(memory, address, expected), expected, f"seed {seed}, layer {number}")


@pytest.mark.parametrize("window", WINDOWS)
def test_averages_are_rounded_half_away_from_zero(window):
    config = CONFIGS["arty-35"]
    layer = average_layer(np.random.default_rng(window), config, window)
    program = program_of([layer], config)
    address, expected = program.outputs[0]
    np.testing.assert_array_equal(expected, averages(layer.inputs))
    np.testing.assert_array_equal(outputs_of(run(program, config), address, expected), expected)


def test_a_depthwise_step_counts_a_product_a_column():
    layer = average_layer(np.random.default_rng(1), TINY, (3, 5))
    program = program_of([layer], TINY)
    result = Golden(TINY, bytearray(program.memory), BASE).run(program.words, program.window, program.window)
    assert result.records[0]["macs"] == layer.weights.size
