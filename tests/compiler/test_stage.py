# SPDX-License-Identifier: BSD-2-Clause
"""How closely an output can follow its input in the buffers, and where its copy goes."""

import pytest

from accel.config import CONFIGS
from compiler.emit import Home
from compiler.fuse import fused_units
from compiler.ir import FullyConnected, MaxPool2D, Network, Padding, TensorInfo
from compiler.layout import place_tensors
from compiler.stage import Stage
from tests.support.networks import convolution

ARTY = CONFIGS["arty-35"]
SAME = Padding(1, 1, 1, 1)


def stages_of(network, batch=1, config=ARTY):
    placements = place_tensors(network, config.columns, 0, batch)
    return [Stage(network, config, unit, placements, batch) for unit in fused_units(network)]


def test_a_convolution_of_equal_maps_follows_a_round_and_a_row_behind():
    _, stage = stages_of(convolution((32, 32), 16, 16, padding=SAME, planar=True))
    # The first round writes two rows, and the next one still reads row 1.
    assert stage.lag(False) == (2 - 1) * 32 - 2 * 32 == -32


def test_a_round_of_several_tiles_may_overwrite_only_what_the_round_has_no_use_for():
    _, stage = stages_of(convolution((32, 32), 48, 48, padding=SAME, planar=True))
    # Round r writes up to row 2 r + 2; while its second of three tiles is stored, the third reads from row 2 r - 1 on.
    assert stage.lag(False) == 3 * 32 * (-1 - 2) + 1


def test_a_smaller_map_may_begin_where_its_input_does_not_end():
    _, stage = stages_of(convolution((16, 16), 64, 16, (1, 1), planar=True))
    assert stage.lag(False) >= 0


def test_a_pool_reads_on_while_its_first_outputs_are_copied():
    tensors = {"image": TensorInfo("image", 8, 8, 16), "in": TensorInfo("in", 8, 8, 16), "out": TensorInfo("out", 8, 8, 16)}
    layers = MaxPool2D("copy", "image", "in", (1, 1), (1, 1)), MaxPool2D("pool", "in", "out", (3, 3), (1, 1), SAME)
    _, stage = stages_of(Network("pools", "image", "out", tensors, layers))
    assert stage.lag(False) == -stage.beats == -64


@pytest.mark.parametrize("size, channels, flat, home", [
    ((4, 5), 40, False, Home(7, 3, 1)), ((4, 5), 40, True, Home(7, 1, 20)), ((1, 1), 4096, False, Home(7, 1, 1)), ((2, 1), 4096, False, None),
    ((2, 1), 4080, False, Home(7, 255, 1))])
def test_a_copy_lies_pixel_by_pixel_or_plane_by_plane(size, channels, flat, home):
    stage, _ = stages_of(convolution(size, channels, 4, (1, 1), planar=True))
    assert stage.home(7, flat) == home


def test_a_fully_connected_layer_reads_its_planes_as_one_pixel_but_in_a_batch_as_a_map():
    network = convolution((3, 4), 20, 16, (3, 4), planar=True, kind=FullyConnected)
    _, alone = stages_of(network)
    _, of_four = stages_of(network, 4)
    assert alone.flat and alone.source.shape == (1, 1, 2 * 12 * 16)
    assert not of_four.flat and of_four.source.shape == (12, 4, 20) and of_four.layer.stride == (3, 1)
