# SPDX-License-Identifier: BSD-2-Clause
"""Each bad program stops the golden model with the error and at the place that it is meant to."""

import pytest

from accel.config import CONFIGS
from accel.golden import Golden
from accel.registers import ERRORS
from compiler.expectation import memory_image
from compiler.program import compile_network
from nets.images import digits_samples
from nets.zoo import load_model
from tests.support.bad_programs import bad_programs


@pytest.mark.parametrize("config", ["tiny", "arty-35"])
def test_every_fault_is_found_where_it_is(config):
    config, network = CONFIGS[config], load_model("digits").network
    model = compile_network(network, config)
    for what, (change, error) in bad_programs(config).items():
        words, position = change(list(model.words), model)
        memory = memory_image(model, digits_samples(network).images[0])
        result = Golden(config, memory, model.base).run(words, model.read_window, model.write_window)
        assert (ERRORS[result.error][0], result.position) == (error, position), what
