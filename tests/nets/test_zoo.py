# SPDX-License-Identifier: BSD-2-Clause
"""The zoo's digits network is pruned as it says, classifies digits it never saw, and bad names are refused."""

import numpy as np
import pytest

from accel.errors import UserError
from nets.digits_data import HELD_BACK, digits
from nets.images import digits_samples
from nets.zoo import accuracy, load_model
from tests.support.networks import convolution


def test_digits_held_back_are_never_trained_on():
    train, _ = digits(held_back=False)
    test, labels = digits(held_back=True)
    assert len(test) == len(labels) == HELD_BACK
    seen = {image.tobytes() for image in train}
    assert not any(image.tobytes() in seen for image in test)


def test_digits_are_classified():
    assert accuracy(load_model("digits").network) >= 0.97


def test_the_digits_network_is_pruned_in_filters_and_in_channels_of_tiles():
    network = load_model("digits").network
    convolutions = [layer for layer in network.layers if layer.op == "conv2d"]
    assert [len(layer.weights) for layer in convolutions] == [12, 24, 28]
    for layer in convolutions[1:]:
        for first in range(0, len(layer.weights), 16):
            active = np.any(layer.weights[first:first + 16] != 0, axis=(0, 1, 2))
            assert active.sum() % 4 == 0 and 0 < active.sum() < len(active)
            assert np.any(np.diff(np.flatnonzero(active)) > 1), "the mask has no hole"


@pytest.mark.parametrize("name, sentence", [("digitz", "unknown model 'digitz'"), ("none.npz", "there is no model file")])
def test_a_model_that_is_not_there_is_refused(name, sentence):
    with pytest.raises(UserError, match=sentence):
        load_model(name)


def test_the_digits_are_only_for_a_model_that_takes_such_images():
    with pytest.raises(UserError, match=r"takes images of 3 x 3 x 2, for which the project has none: give --images SET"):
        digits_samples(convolution((3, 3), 2, 4))


@pytest.mark.parametrize("count", [0, -1, 361])
def test_a_count_beyond_the_images_is_refused(count):
    with pytest.raises(UserError, match="--count must be 1 to 360"):
        digits_samples(load_model("digits").network, count)
