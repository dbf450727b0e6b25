# SPDX-License-Identifier: BSD-2-Clause
"""A network of which the CPU computes layers becomes programs with those layers between them, and gives what the reference gives."""

from dataclasses import replace

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.errors import UserError
from compiler.expectation import expect
from compiler.ir import Lookup, Network, TensorInfo
from compiler.program import compile_network
from compiler.reference import execute
from compiler.steps import CpuStep
from tests.support.bounded_queues import BoundedQueues
from tests.support.networks import convolution
from tests.support.random_graphs import random_graph
from tests.support.random_networks import random_images
from tests.support.slices import slice_of
from tests.support.stepped_networks import STEPS, behind_a_join, ending_in_sums, only_on_the_cpu, stepped, with_lookups

NETWORKS = {"steps": stepped(), "one pixel": stepped(1, (1, 1), 40), "sums": ending_in_sums(),
            **{f"{kind} behind a join": behind_a_join(kind) for kind in ("lookup", "softmax", "sums")}}


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("name", NETWORKS)
def test_programs_and_the_cpus_layers_give_the_references_tensors(name, config):
    network = NETWORKS[name]
    model, image = compile_network(network, CONFIGS[config]), random_images(network, 1)[0]
    expectation, reference = expect(network, model, image), execute(network, image[np.newaxis])
    for program in model.programs:
        assert BoundedQueues(model.config, program.words).left_over() == (0, 0)
    output = expectation.tensors[network.output]
    np.testing.assert_array_equal(output, reference[network.output][0])
    assert output.dtype == reference[network.output].dtype and len(np.unique(output)) > 1
    assert len(expectation.counters) == len(model.layers)


@pytest.mark.parametrize("seed", slice_of(range(120), 16))
def test_random_graphs_with_tables_everywhere_are_exact(seed):
    config = CONFIGS[("tiny", "arty-35", "small-16", "arty-100")[seed % 4]]
    network = with_lookups(random_graph(seed, config.columns), seed)
    model = compile_network(network, config)
    for program in model.programs:
        assert BoundedQueues(config, program.words).left_over() == (0, 0)
    expect(network, model, random_images(network, seed)[0])


def test_channels_that_never_change_stay_where_the_cpu_reads_them_and_are_folded_behind_it():
    first, second = convolution((4, 4), 6, 20), convolution((2, 2), 20, 5, (1, 1))
    weights = first.layers[0].weights.copy()
    weights[[3, 7]] = 0
    layers = (replace(first.layers[0], weights=weights), Lookup("lookup", "out", "table", np.maximum(np.arange(-128, 128), 127)),
              replace(second.layers[0], name="last", input="table", output="last", weights=np.ones((5, 1, 1, 20))))
    tensors = first.tensors | {"table": replace(first.tensors["out"], name="table"), "last": TensorInfo("last", 2, 2, 5)}
    network = Network("constant", "in", "last", tensors, layers)
    model = compile_network(network, CONFIGS["arty-35"])
    assert model.placements["out"].places is None
    assert not model.lowered.layers[-1].weights.any()
    expect(network, model, random_images(network, 1)[0])


def test_steps_records_and_filters_are_numbered_through_the_network():
    network = stepped()
    model = compile_network(network, CONFIGS["arty-35"])
    said = [step.layer.op if isinstance(step, CpuStep) else sum(len(model.layers[number].members) for number in step.layers) for step in model.steps]
    assert said == list(STEPS)
    assert [number for step in model.steps for number in step.layers] == list(range(len(model.layers)))
    accelerated = [layer for layer in model.layers if not layer.on_cpu]
    assert [layer.record for layer in accelerated] == list(range(len(accelerated)))
    filters = [layer.filters for layer in accelerated if layer.filters is not None]
    assert filters == sorted(set(filters))
    assert all(layer.cycles_predicted > 0 for layer in accelerated)
    assert all(layer.cycles_predicted is None and layer.members == (layer.name,) for layer in model.layers if layer.on_cpu)


def test_programs_and_tensors_lie_apart():
    model = compile_network(stepped(), CONFIGS["arty-35"])
    spans = [(program.address, program.address + 16 * len(program.words)) for program in model.programs]
    spans.append((min(place.address for place in model.placements.values()), model.end))
    assert model.base + len(model.constants) <= spans[0][0]
    assert all(end <= first for (_, end), (first, _) in zip(spans, spans[1:]))
    for program in model.programs:
        low = program.address - model.base
        assert model.image[low:low + 16] == program.words[0].to_bytes(16, "little")


def test_a_filter_that_is_off_in_a_later_program_gives_its_zero_point():
    network = stepped()
    model, image = compile_network(network, CONFIGS["arty-35"]), random_images(network, 1)[0]
    wide = next(layer for layer in model.layers if "last" in layer.members)
    words = [0xFFFF] * 1024
    words[wide.filters] = 0xFFFE
    assert (expect(network, model, image, words).tensors["last"][..., 0] == network.tensors["last"].zero_point).all()


def test_a_network_without_layers_for_the_cpu_is_one_program():
    model = compile_network(convolution((9, 9), 8, 20, pool=True), CONFIGS["arty-35"])
    assert len(model.steps) == 1 and model.words == model.programs[0].words


def test_a_batch_is_refused_where_the_cpu_computes_a_layer():
    with pytest.raises(UserError, match="network 'stepped': the CPU computes 'first', one image at a time: leave out --batch 2"):
        compile_network(stepped(), CONFIGS["arty-35"], batch=2)


def test_a_network_without_layers_for_the_accelerator_is_refused():
    with pytest.raises(UserError, match="network 'table' has no layer for the accelerator"):
        compile_network(only_on_the_cpu(), CONFIGS["arty-35"])
