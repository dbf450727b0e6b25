# SPDX-License-Identifier: BSD-2-Clause
"""The roofline's points are the counters' figures, its labels can be read, and the picture is a PNG of the size that is promised."""

import random
import struct
from dataclasses import replace
from itertools import combinations

import pytest
from matplotlib.text import Text

from accel.config import CONFIGS
from firmware.roofline import DOTS_PER_INCH, INCHES, NAMED, draw_roofline, place_labels, points_of, ridge, roof, roofline_png
from tests.support.image_runs import random_run

CONFIG = CONFIGS["arty-35"]


def png_size(png):
    """The width and height that a PNG's header gives."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n" and png[12:16] == b"IHDR"
    return struct.unpack(">II", png[16:24])


def test_a_point_is_macs_done_by_bytes_and_by_cycles_and_the_first_is_the_whole_network():
    run = random_run(1, layers=5)
    (whole, *layers), without = points_of("net", run)
    assert not without
    for layer, point in zip(run.layers, layers, strict=True):
        record = layer.record
        moved = record["load_bytes"] + record["weight_bytes"] + record["store_bytes"] + record["fetch_bytes"]
        assert (point.name, point.intensity, point.rate) == (layer.name, record["macs"] / moved, record["macs"] / layer.cycles)
    assert (whole.name, whole.cycles) == ("net", run.cycles)
    assert (whole.macs, whole.bytes) == (sum(p.macs for p in layers), sum(p.bytes for p in layers))


def test_layers_without_macs_have_no_point_but_their_bytes_and_cycles_count_for_the_network():
    run = random_run(2, layers=4, idle=(1, 3))
    (whole, *layers), without = points_of("net", run)
    assert [p.name for p in layers] == ["layer0", "layer2"] and [p.name for p in without] == ["layer1", "layer3"]
    assert whole.cycles == run.cycles and whole.bytes == sum(p.bytes for p in layers + without)


def test_the_roofs_are_the_grid_and_the_memory_port():
    assert CONFIG.macs_per_cycle == 128 and roof(CONFIG, 1000) == 128
    assert roof(CONFIG, 1) == 16 and roof(CONFIG, 1, 0.5) == 8
    assert ridge(CONFIG) == 8 and roof(CONFIG, ridge(CONFIG, 0.89), 0.89) == pytest.approx(128)


@pytest.mark.parametrize("layers, idle", [(1, ()), (4, (1,)), (64, (5, 6)), (2, (0, 1))])
def test_the_picture_has_its_size_and_a_mark_for_each_point(layers, idle):
    run = random_run(layers, layers, idle)
    assert png_size(roofline_png("net", CONFIG, run)) == tuple(round(side * DOTS_PER_INCH) for side in INCHES)
    points, _ = points_of("net", run)
    axes = draw_roofline("net", CONFIG, run).axes[0]
    assert [tuple(mark.get_offsets()[0]) for mark in axes.collections] == [(p.intensity, p.rate) for p in points]


def test_layers_that_do_the_same_have_labels_that_can_be_told_apart():
    run = random_run(5, layers=1)
    for count in (3, NAMED + 16):
        layers = tuple(replace(run.layers[0], name=f"layer{i}") for i in range(count))
        figure = draw_roofline("net", CONFIG, replace(run, cycles=count * run.cycles, layers=layers))
        figure.draw_without_rendering()  # which puts the labels where they belong
        texts = [text for text in figure.axes[0].texts if text.arrow_patch is not None]
        assert len(texts) == count + 1 and len({text.get_text() for text in texts}) == count + 1
        boxes = [Text.get_window_extent(text) for text in texts]
        assert not any(one.overlaps(other) for one, other in combinations(boxes, 2)), count


def test_many_layers_are_numbered_and_a_key_has_their_names():
    run = random_run(6, layers=NAMED + 6)
    axes = draw_roofline("net", CONFIG, run).axes[0]
    key = next(text.get_text() for text in axes.texts if text.arrow_patch is None).splitlines()
    assert [line.split()[:2] for line in key] == [[str(i + 1), layer.name] for i, layer in enumerate(run.layers)]


@pytest.mark.parametrize("seed", range(5))
def test_labels_lie_inside_and_cover_neither_each_other_nor_points_nor_obstacles(seed):
    random_ = random.Random(seed)
    anchors = [(random_.uniform(300, 360), random_.uniform(300, 360)) for _ in range(20)]
    sizes, obstacle = [(random_.uniform(10, 90), 12) for _ in anchors], (365, 0, 375, 340)
    places = place_labels(anchors, [4] * 20, sizes, [obstacle], (0, 0, 800, 800))
    labels = [(x, y, x + width, y + height) for (x, y), (width, height) in zip(places, sizes, strict=True)]
    points = [(x - 4, y - 4, x + 4, y + 4) for x, y in anchors]
    assert all(box[0] >= 0 and box[1] >= 0 and box[2] <= 800 and box[3] <= 800 for box in labels)
    overlap = [pair for pair in [*combinations(labels, 2), *((label, other) for label in labels for other in [*points, obstacle])]
               if pair[0][0] < pair[1][2] and pair[1][0] < pair[0][2] and pair[0][1] < pair[1][3] and pair[1][1] < pair[0][3]]
    assert not overlap


def test_a_label_without_any_free_place_lies_beside_its_point():
    assert place_labels([(50, 50)], [4], [(40, 10)], [(0, 0, 100, 100)], (0, 0, 100, 100)) == [(57, 45)]
