# SPDX-License-Identifier: BSD-2-Clause
"""Additions happen in the drain of a layer that they alone read, whatever that is and however the other operand lies; the sums are exact."""

from dataclasses import replace

import numpy as np
import pytest

from accel import isa
from accel.config import CONFIGS
from accel.errors import UserError
from accel.registers import TABLE_WORDS
from compiler.addition import sum_tables
from compiler.expectation import expect
from compiler.fuse import fused_units
from compiler.ir import Add, AveragePool2D, Conv2D, MaxPool2D, Network, Padding, Rescale, TensorInfo
from compiler.lower import lower_network
from compiler.program import compile_network
from tests.support.bounded_queues import BoundedQueues
from tests.support.random_networks import random_images

SAME = Padding(1, 1, 1, 1)
NUMBERS = (1 << 30, 0, 1900000000, -1, 1500000000, -18)


def convolution(name, source, output, channels, groups=1, kernel=(3, 3), seed=1):
    rng = np.random.default_rng(seed)
    weights = rng.integers(-128, 128, (channels, *kernel, channels // groups))
    shift = round(np.log2(60 / (75 * 75 * np.sqrt(weights[0].size))))
    return Conv2D(name, source, output, weights, rng.integers(-999, 999, channels), rng.integers(1 << 30, 1 << 31, channels),
                  np.full(channels, shift), padding=Padding(*4 * [kernel[0] // 2]), groups=groups)


def network_of(size, channels, *layers):
    """Return a Network of `layers` over "image", each tensor of which has the shape (*size, channels)."""
    names = ["image", *(layer.output for layer in layers)]
    tensors = {name: TensorInfo(name, *size, channels, zero_point=7 * i - 9) for i, name in enumerate(names)}
    for layer in layers:
        if isinstance(layer, (MaxPool2D, AveragePool2D)):
            tensors[layer.output] = replace(tensors[layer.output], zero_point=tensors[layer.input].zero_point)
    return Network("sum", "image", names[-1], tensors, layers)


def add(one, other, output="sum", **options):
    return Add(f"add to {output}", one, other, output, *NUMBERS, **options)


def names(network, columns=16):
    return [unit.name for unit in fused_units(lower_network(network, columns).network)]


def assert_exact(network, config):
    config = CONFIGS[config] if isinstance(config, str) else config
    model = compile_network(network, config)
    for image in random_images(network, 5, 2):
        expect(network, model, image)
    for depth in (2, config.queue_depth):
        assert BoundedQueues(config, model.words, depth).left_over() == (0, 0)
    return model


WINDOW = ((3, 3), (1, 1), SAME)
CASES = {
    "the input, around a convolution": (convolution("a", "image", "x", 16), add("x", "image")),
    "two convolutions": (convolution("a", "image", "x", 16), convolution("b", "image", "y", 16, kernel=(1, 1)), add("y", "x")),
    "depthwise": (convolution("a", "image", "x", 16), convolution("b", "x", "y", 16, 16), add("x", "y")),
    "an average": (AveragePool2D("a", "image", "x", *WINDOW), MaxPool2D("b", "image", "y", *WINDOW), add("x", "y")),
    "two pools": (MaxPool2D("a", "image", "x", *WINDOW), MaxPool2D("b", "image", "y", *WINDOW), add("x", "y")),
    "a tensor and itself": (convolution("a", "image", "x", 16), add("x", "x")),
    "the input and itself": (add("image", "image"),),
    "a rescaled operand": (Rescale("a", "image", "x", 1 << 30, 0), add("image", "x")),
    "one addition after another": (convolution("a", "image", "x", 16), add("x", "image", "s"), convolution("b", "s", "y", 16), add("y", "s")),
    "an addition of a sum": (convolution("a", "image", "x", 16), add("x", "image", "s"), add("image", "s", clamp_min=-30, clamp_max=40)),
    "a tensor that others read too": (convolution("a", "image", "x", 16), add("x", "image", "s"), convolution("b", "x", "y", 16), add("s", "y")),
}


def widened(layers, channels):
    """Return the same layers for another number of channels."""
    return [convolution(layer.name, layer.input, layer.output, channels, channels if layer.groups > 1 else 1, layer.kernel)
            if isinstance(layer, Conv2D) else layer for layer in layers]


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("case", CASES)
def test_an_addition_is_exact_and_gets_never_stuck(case, config):
    for size, channels in (((9, 10), 16), ((3, 5), 40), ((1, 1), 5), ((13, 13), 2)):
        assert_exact(network_of(size, channels, *widened(CASES[case], channels)), config)


def test_it_goes_to_the_operand_with_more_work_that_nothing_else_reads():
    first, second = convolution("a", "image", "x", 16), convolution("b", "image", "y", 16, kernel=(1, 1))
    assert names(network_of((6, 6), 16, first, second, add("x", "y"))) == ["b", "a+add to sum"]
    assert names(network_of((6, 6), 16, first, second, add("y", "x"))) == ["b", "a+add to sum"]
    other = MaxPool2D("p", "x", "z", (1, 1), (1, 1))
    assert names(network_of((6, 6), 16, first, second, other, add("x", "y"))) == ["a", "p", "b+add to sum"]


def test_a_copy_carries_it_where_no_operand_can_and_is_no_member():
    network = network_of((6, 6), 16, MaxPool2D("a", "image", "x", (1, 1), (1, 1)), add("x", "image"))
    model = assert_exact(network, "arty-35")
    assert [layer.members for layer in model.layers] == [("a",), ("add to sum",)]
    assert model.layers[1].filters is None


def test_the_dense_input_is_copied_only_where_a_pixel_is_more_than_a_beat():
    for channels, layers in ((16, 1), (17, 2), (3, 1)):
        network = network_of((6, 6), channels, convolution("a", "image", "x", channels), add("x", "image"))
        assert len(assert_exact(network, "arty-35").layers) == layers


@pytest.mark.parametrize("words, fifo", [(64, 16), (256, 16), (1024, 32)])
@pytest.mark.parametrize("size, channels", [((20, 20), 48), ((30, 7), 100), ((4, 4), 300)])
def test_strips_and_passes_with_few_operands_at_a_time_get_never_stuck(size, channels, words, fifo):
    config = replace(CONFIGS["arty-35"], activation_words=words, output_fifo_beats=fifo, weight_fifo_beats=32)
    for groups in (1, channels):
        layers = MaxPool2D("p", "image", "t", (1, 1), (1, 1)), convolution("a", "t", "x", channels, groups), add("x", "t")
        assert_exact(network_of(size, channels, *layers), config)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_burst_of_dense_operands_may_be_more_than_their_fifo_holds(channels):
    config = replace(CONFIGS["arty-35"], output_fifo_beats=16)
    assert_exact(network_of((12, 12), channels, convolution("a", "image", "x", channels), add("image", "x")), config)


def test_the_tables_are_those_of_tflites_add():
    layer, zero_points = add("x", "y"), (5, -128)
    for own in (0, 1):
        tables = np.frombuffer(sum_tables(layer, own, zero_points), "<i4")
        assert len(tables) == TABLE_WORDS
        for half, index in enumerate((own, 1 - own)):
            multiplier, shift = layer.scaling(index)
            for byte in (0, 1, 127, 128, 200, 255):
                value = (byte - 256 if byte > 127 else byte) - zero_points[index]
                high = ((value << 20) * multiplier + (1 << 30)) >> 31
                rounded = high if shift == 0 else (abs(high) + (1 << -shift - 1) >> -shift) * (1 if high >= 0 else -1)
                assert tables[256 * half + byte] == rounded


def test_a_layer_with_an_addition_loads_its_tables_first_and_is_never_void():
    network = network_of((6, 6), 16, *CASES["one addition after another"])
    instructions = [isa.decode(word) for word in compile_network(network, CONFIGS["arty-35"]).words]
    loads = [values for name, values in instructions if name == "LOAD"]
    tables = [i for i, values in enumerate(loads) if values["target"] == 2]
    assert tables[0] == 0 and len(tables) == 2
    assert loads[tables[1]]["wait_a"], "the tables wait for the additions before"
    assert all(values["whole"] for name, values in instructions if name in ("CONV", "WEIGHTS"))


def test_filters_that_are_off_count_as_their_zero_point_in_a_sum():
    network, config = network_of((6, 7), 20, *widened(CASES["two convolutions"], 20)), CONFIGS["tiny"]
    model = compile_network(network, config)
    for seed in range(4):
        filters = [int(n) for n in np.random.default_rng(seed).choice([0, 5, 15], 1024)]
        expect(network, model, random_images(network, seed)[0], filters)


@pytest.mark.parametrize("change, sentence", [
    ({"input_shift": 1}, "shift 1 between -31 and 0"), ({"other_multiplier": -1}, "multiplier -1"), ({"output_shift": 31}, "shift 31")])
def test_numbers_out_of_range_are_refused(change, sentence):
    with pytest.raises(UserError, match=f"layer 'add to sum'.*{sentence}"):
        network_of((2, 2), 4, replace(add("image", "image"), **change))


def test_maps_of_different_shape_are_refused():
    layers = MaxPool2D("p", "image", "x", (2, 1), (1, 1)), add("image", "x")
    tensors = {name: TensorInfo(name, 4, 4, 4) for name in ("image", "sum")} | {"x": TensorInfo("x", 3, 4, 4)}
    with pytest.raises(UserError, match="it adds maps of .* but they must have the same shape"):
        Network("sum", "image", "sum", tensors, layers)
