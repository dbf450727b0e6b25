# SPDX-License-Identifier: BSD-2-Clause
"""Networks of one layer are as they were asked for."""

import numpy as np
import pytest

from compiler.reference import execute
from nets.synthetic import convolution_network, fully_connected_network, random_images


def masks(network, columns=16):
    """Return bool [tiles, input channels]: which channels each tile of filters uses."""
    weights = network.layers[0].weights
    return weights.any(axis=(1, 2)).reshape(-1, columns, weights.shape[3]).any(axis=1)


@pytest.mark.parametrize("kernel, stride, padding, side", [(3, 1, None, 10), (3, 2, None, 5), (2, 1, None, 10), (5, 4, 0, 2), (1, 3, 1, 4)])
def test_padding_is_same_unless_it_is_given(kernel, stride, padding, side):
    network = convolution_network("x", 10, 10, 4, 8, kernel, stride, padding)
    assert network.tensors[network.output].shape == (side, side, 8)


def test_groups_share_the_input_channels():
    network = convolution_network("x", 5, 5, 8, 6, groups=2)
    assert network.layers[0].weights.shape == (6, 3, 3, 4) and network.layers[0].groups == 2


def test_each_tile_keeps_the_given_number_of_channels_of_each_block_and_which_differs():
    used = masks(convolution_network("x", 4, 4, 64, 48, kept=8))
    assert (used.reshape(3, 2, 32).sum(axis=2) == 8).all()
    assert not (used[0] == used[1]).all()


def test_random_masks_are_as_dense_as_asked_and_the_same_in_every_run():
    used = masks(convolution_network("x", 4, 4, 256, 128, probability=0.25))
    assert used.mean() == pytest.approx(0.25, abs=0.04)
    np.testing.assert_array_equal(used, masks(convolution_network("x", 4, 4, 256, 128, probability=0.25)))
    assert len(set(used.reshape(-1, 32).sum(axis=1).tolist())) > 5


@pytest.mark.parametrize("options", [{"kept": 8, "probability": 0.5}, {"kept": 8, "groups": 2}])
def test_masks_that_contradict_are_refused(options):
    with pytest.raises(ValueError, match="masks are given by"):
        convolution_network("x", 4, 4, 64, 32, **options)


@pytest.mark.parametrize("network", [
    convolution_network("pool", 8, 8, 16, 16, pool=True), convolution_network("masked", 8, 8, 64, 16, probability=0.25),
    convolution_network("zero", 8, 8, 64, 16, zero_point=-128), fully_connected_network("dense", 512, 64)])
def test_outputs_use_their_range_and_few_saturate(network):
    outputs = execute(network, random_images(network, 4))[network.output]
    assert np.ptp(outputs.astype(int)) > 100 and np.isin(outputs, (-128, 127)).mean() < 0.3
