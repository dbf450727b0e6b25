# SPDX-License-Identifier: BSD-2-Clause
"""Thresholds are found that lose no more than is allowed, and save more cycles where more may be lost."""

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.errors import UserError
from compiler.reference import execute
from compiler.pruning import reader_limits
from nets import calibrate_pruning as calibrating
from nets.calibrate_pruning import Images, _Option, _steps, _survivors, calibrate_pruning
from nets.evaluation import best
from tests.support.pruned_networks import deep
from tests.support.random_networks import random_images

CONFIG = CONFIGS["arty-35"]


@pytest.fixture(scope="module")
def network():
    """Three convolutions of 16 x 16 pixels, of which the later ones are not bound by their weights."""
    return deep((16, 16), (64, 64, 4))


@pytest.fixture(scope="module")
def images(network):
    """Images labelled with what the network says of them, all but one."""
    numbers = random_images(network, 8, 10)
    labels = best(execute(network, numbers)[network.output])[:, 0]
    labels[0] += 1
    return Images(network, numbers, labels)


def test_no_image_is_lost_where_none_may_be(network, images):
    found = calibrate_pruning(network, CONFIG, images, 0)
    assert found.accuracy == 0.9 and found.pruned >= found.accuracy and found.loss <= 0
    assert set(found.pruning.thresholds) <= {"t0", "t1"} and found.saved > 0


def test_more_is_saved_where_more_may_be_lost_and_the_loss_is_kept_to(network, images):
    saved = []
    for loss in (0, 20, 90):
        found = calibrate_pruning(network, CONFIG, images, loss)
        assert round(10 * found.accuracy) - images.right(found.limits) <= loss / 10
        assert round(10 * found.pruned) == images.right(found.limits)
        saved.append(found.saved)
    assert saved[0] <= saved[1] <= saved[2] and saved[0] < saved[2]


def test_what_saves_most_for_an_image_lost_is_taken_first_and_replaces_lower_thresholds():
    options = [_Option("a", 0, 100, 0), _Option("a", 5, 300, 2), _Option("b", 0, 50, 0), _Option("b", 9, 400, 1), _Option("b", 12, 390, 0)]
    assert [(one.tensor, one.threshold) for one in _steps(options, 0)] == [("b", 12), ("a", 0)]
    assert [(one.tensor, one.threshold) for one in _steps(options, 1)][-1] in (("b", 9), ("a", 0))
    assert {one.tensor: one.threshold for one in _steps(options, 9)} == {"a": 5, "b": 12}


@pytest.mark.parametrize("loss", [0, 20])
def test_steps_that_lose_more_together_than_alone_are_taken_back(loss, network, images, monkeypatch):
    asked = []
    monkeypatch.setattr(calibrating, "_survivors", lambda images, options, allowed: asked.extend(options) or options)
    found = calibrate_pruning(network, CONFIG, images, loss)
    highest = {one.tensor: one.threshold for one in sorted(asked, key=lambda one: one.threshold)}
    assert 9 - images.right(reader_limits(network, highest)) > loss / 10, "no step would have to be taken back"
    assert 9 - images.right(found.limits) <= loss / 10 and round(10 * found.pruned) == images.right(found.limits)


def test_thresholds_that_lose_too_many_images_are_left_out_with_those_above_them(network, images):
    options = [_Option("t1", threshold, 100.0) for threshold in range(0, 255, 15)]
    lost = [9 - images.right(reader_limits(network, {"t1": one.threshold})) for one in options]
    first = next(number for number, one in enumerate(lost) if one > 1)
    assert 0 < first < len(options)
    assert [(one.threshold, one.lost) for one in _survivors(images, options, 1)] == [(15 * number, lost[number]) for number in range(first)]


def test_images_need_labels(network):
    with pytest.raises(UserError, match="have no labels: give --labels FILE"):
        Images(network, random_images(network, 1, 2), None)


def test_a_network_without_a_relu_has_nothing_to_prune(images):
    plain = deep((4, 4), (8,))
    with pytest.raises(UserError, match="has no tensor whose feature maps can be pruned"):
        calibrate_pruning(plain, CONFIG, Images(plain, random_images(plain, 1, 2), np.zeros(2, int)), 1)
