# SPDX-License-Identifier: BSD-2-Clause
"""Loads come in pieces, each in time for the round that needs it, and no program gets stuck in queues of the hardware's depth."""

from dataclasses import replace

import pytest

from accel import isa
from accel.config import CONFIGS
from compiler.ir import FullyConnected, Padding
from compiler.loads import row_pieces
from compiler.program import compile_network
from compiler.rounds import Round
from compiler.tiling import Geometry, input_span
from compiler.window import plain_window
from tests.support.bounded_queues import BoundedQueues
from tests.support.networks import convolution
from tests.support.random_networks import random_network

ARTY, TINY = CONFIGS["arty-35"], CONFIGS["tiny"]
SAME = Padding(1, 1, 1, 1)


@pytest.mark.parametrize("pool", [False, True])
@pytest.mark.parametrize("kernel, stride, padding", [((3, 3), (1, 1), SAME), ((1, 1), (2, 2), Padding()), ((5, 3), (3, 1), Padding(2, 0, 4, 0))])
def test_the_pieces_make_up_the_strip_and_each_round_needs_at_most_one_more(kernel, stride, padding, pool):
    network = convolution((40, 20), 64, 16, kernel, stride=stride, padding=padding)
    layer, shape = network.layers[0], (40, 20, 64)
    geometry = Geometry(layer, shape, layer.output_shape(shape), plain_window(ARTY, kernel, 64), 2, 32, pool)
    strip = geometry.with_rounds(geometry.strip(range(geometry.rows), range(geometry.columns)))
    pieces, takes = row_pieces(ARTY, geometry, strip, range(2))
    assert [row for piece in pieces for row in piece] == list(strip.input_rows)
    assert len(pieces) > 2 and len(set(takes)) == len(takes) and list(takes) == sorted(takes) and takes[0] == 0
    for turn, part in enumerate(strip.rounds):
        there = max(piece.stop for piece, take in zip(pieces, takes, strict=True) if take <= turn)
        row = part.last_row
        assert input_span(range(row, row + 1), kernel[0], stride[0], padding.top, 40).stop <= there


def test_the_last_row_of_a_round_is_that_of_its_longest_reach():
    part = Round(0, 10, ((4, 5, 16), (6, 1, 0)), ())
    assert part.last_row == 6


def test_a_conv_waits_for_a_piece_only_where_its_round_needs_one_more():
    model = compile_network(convolution((16, 16), 128, 128, (1, 1), planar=True), ARTY)
    words = [isa.decode(word) for word in model.words]
    gives = [values for name, values in words if name == "LOAD" and values["signal_a"]]
    waits = [values for name, values in words if name in ("CONV", "POOL") and values["wait_a"]]
    assert len(gives) == len(waits) > 3


CASES = {
    "whole map": convolution((16, 16), 128, 64, padding=SAME, planar=True),
    "strips": convolution((40, 40), 64, 48, padding=SAME),
    "passes": convolution((13, 13), 600, 32, (7, 7), padding=Padding(3, 3, 3, 3), planar=True),
    "packed": convolution((60, 60), 3, 40, (7, 7), stride=(2, 2), pool=True),
    "pool": convolution((31, 33), 40, 80, padding=SAME, pool=True),
    "many outputs": convolution((2, 2), 16, 700, (2, 2), kind=FullyConnected),
}


@pytest.mark.parametrize("depth", [2, 4, 16])
@pytest.mark.parametrize("words", [64, 256, 1024])
@pytest.mark.parametrize("case", CASES)
def test_no_program_gets_stuck_in_full_queues(case, words, depth):
    config = replace(ARTY, activation_words=max(words, 512 if case == "passes" else 0), output_fifo_beats=16, weight_fifo_beats=32)
    assert BoundedQueues(config, compile_network(CASES[case], config).words, depth).left_over() == (0, 0)


@pytest.mark.parametrize("seed", range(40))
def test_no_random_program_gets_stuck_in_full_queues(seed):
    model = compile_network(random_network(seed, TINY.columns, layers=3), TINY)
    assert BoundedQueues(TINY, model.words).left_over() == (0, 0)


def test_the_model_of_queues_finds_a_store_that_comes_too_late():
    model = compile_network(CASES["many outputs"], ARTY)
    place = next(i for i, word in enumerate(model.words) if isa.decode(word)[0] == "STORE")
    late = [*model.words[:place], *model.words[place + 1:-2], model.words[place], *model.words[-2:]]
    assert BoundedQueues(replace(ARTY, output_fifo_beats=16), late, 4).left_over()[0] > 0
