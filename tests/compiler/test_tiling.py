# SPDX-License-Identifier: BSD-2-Clause
"""Every tiling on offer fits the buffer and computes each output once; the coarsest come first, parts of rows last."""

from dataclasses import replace

import pytest

from accel.config import CONFIGS
from compiler.ir import Padding
from compiler.tiling import Geometry, input_span, tilings
from compiler.window import packed_window, plain_window
from tests.support.networks import convolution

ARTY = CONFIGS["arty-35"]


def geometry_of(size, channels, kernel=(3, 3), *, padding=Padding(), stride=(1, 1), pool=False, packed=False):
    layer = convolution(size, channels, 16, kernel, padding=padding, stride=stride).layers[0]
    shape = (*size, channels)
    window = packed_window(ARTY, layer, shape, True) if packed else plain_window(ARTY, kernel, channels)
    return Geometry(layer, shape, layer.output_shape(shape), window, 2, 32, pool)


CASES = [
    ((13, 13), 384, {"padding": Padding(1, 1, 1, 1)}),
    ((27, 27), 96, {"kernel": (5, 5), "padding": Padding(2, 2, 2, 2)}),
    ((31, 45), 64, {"pool": True, "padding": Padding(1, 1, 1, 1)}),
    ((60, 300), 3, {"kernel": (7, 7), "stride": (2, 2), "packed": True}),
    ((9, 400), 40, {"padding": Padding(1, 0, 0, 2)}),
]


@pytest.mark.parametrize("words", [256, 1024])
@pytest.mark.parametrize("size, channels, options", CASES)
def test_every_tiling_fits_and_computes_each_output_once(size, channels, options, words):
    config, geometry = replace(ARTY, activation_words=words), geometry_of(size, channels, **options)
    found = list(tilings(geometry, config.activation_beats))
    assert found
    for tiling in found:
        assert tiling.regions * tiling.region_beats <= config.activation_beats
        assert [block for blocks in tiling.passes for block in blocks] == list(range(geometry.window.blocks))
        pixels = []
        for strip in tiling.strips:
            assert len(strip.input_rows) * geometry.window.row_beats(len(strip.input_columns), tiling.passes[0]) <= tiling.region_beats
            pixels += [(row, column) for row in strip.output_rows for column in strip.output_columns]
            needed = input_span(strip.output_rows, geometry.layer.kernel[0], geometry.layer.stride[0], geometry.layer.padding.top, size[0])
            assert strip.input_rows == needed
        assert sorted(pixels) == [(row, column) for row in range(geometry.rows) for column in range(geometry.columns)]
        if geometry.pool:
            assert all(len(strip.output_rows) % 2 == len(strip.output_columns) % 2 == strip.output_rows.start % 2 == 0 for strip in tiling.strips)


def test_a_map_that_fits_is_not_cut():
    tiling, = tilings(geometry_of((16, 16), 128), ARTY.activation_beats)
    assert len(tiling.strips) == len(tiling.passes) == tiling.regions == 1


def test_parts_of_rows_are_taken_only_where_no_whole_rows_fit():
    parts = [tiling for tiling in tilings(geometry_of((9, 400), 40), ARTY.activation_beats) if len(tiling.strips[0].output_columns) < 398]
    whole = [tiling for tiling in tilings(geometry_of((9, 400), 40), ARTY.activation_beats) if len(tiling.strips[0].output_columns) == 398]
    assert parts and {len(tiling.passes) for tiling in parts}.isdisjoint({len(tiling.passes) for tiling in whole})
    assert not list(tilings(geometry_of((60, 800), 3, (7, 7), packed=True), 2 * 64))


def test_a_layer_of_five_by_five_can_go_in_strips_of_eight_rows():
    found = list(tilings(geometry_of((27, 27), 96, (5, 5), padding=Padding(2, 2, 2, 2)), ARTY.activation_beats))
    assert any([len(strip.output_rows) for strip in tiling.strips] == [8, 8, 8, 3] and tiling.regions == 1 for tiling in found)
