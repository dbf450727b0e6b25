# SPDX-License-Identifier: BSD-2-Clause
"""What masks leave is counted as the programs do it, and steps as the gather takes them."""

from dataclasses import replace

import numpy as np
import pytest

from accel.config import CONFIGS
from compiler.ir import FullyConnected
from compiler.mask_use import Reads, mask_use, total
from compiler.products import products
from compiler.program import compile_network
from tests.support.networks import convolution
from tests.support.sparse_networks import SparseNet


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("outputs", [64, 70])
def test_what_the_masks_leave_is_what_the_program_multiplies(groups, outputs):
    net = SparseNet(64)
    net.conv(net.conv(net.pool("image"), outputs, classes=4, groups=groups), 20, classes=2)
    network, config = net.network(), CONFIGS["small-16"]
    model = compile_network(network, config)
    done = products(config, model.words, model.image, model.base)
    records = {layer.members[0]: layer.record for layer in model.layers}
    uses = mask_use(network, model.lowered, config.columns)
    assert [use.ordered for use in uses] == [done[records[use.name]] for use in uses]
    assert total(uses).ordered == sum(use.ordered for use in uses) < total(uses).given


def test_a_depthwise_convolution_has_no_masks():
    net = SparseNet(32)
    net.conv("image", 32, groups=32)
    network = net.network()
    assert mask_use(network, network, 16) == [] and total([]).dense == 0


def test_nonzero_weights_are_counted_one_by_one():
    network = convolution((6, 5), 8, 4, (1, 3), planar=True)
    weights = np.array(network.layers[1].weights)
    weights[:] = 1
    weights[0, 0, 1, 3] = weights[2, 0, 0, 0] = 0
    network = replace(network, layers=(network.layers[0], replace(network.layers[1], weights=weights)))
    use, = mask_use(network, network, 16)
    assert (use.dense, use.nonzero, use.given, use.ordered) == (6 * 3 * 96, 6 * 3 * 94, 6 * 3 * 96, 6 * 3 * 96)


def test_a_block_of_channels_takes_its_set_ones_four_at_a_time():
    network, config = convolution((3, 3), 70, 20, (1, 1)), CONFIGS["arty-35"]
    keeps = np.zeros((20, 70), bool)
    keeps[:16, :5] = keeps[:16, 40:44] = keeps[16:, 69] = True
    network = replace(network, layers=(replace(network.layers[0], weights=keeps.reshape(20, 1, 1, 70)),))
    reads = Reads(network, network.layers[0])
    assert reads.steps(config, reads.masks(16), None) == 9 * (2 + 1 + 1)
    assert reads.steps(config, reads.masks(16, np.arange(20)[::-1]), None) == 9 * (2 + 1 + 1 + 2 + 1)
    moved = np.r_[32:64, 0:32, 64:70]
    assert reads.steps(config, reads.masks(16), tuple(np.argsort(moved))) == 9 * (2 + 1 + 1)
    assert reads.steps(config, reads.masks(16), tuple(range(2, 72))) == 9 * (2 + 1 + 1)


def test_a_fully_connected_layer_has_a_mask_bit_for_each_place_of_its_map():
    network, config = convolution((2, 1), 20, 16, (2, 1), kind=FullyConnected), CONFIGS["arty-35"]
    weights = np.zeros((16, 2, 1, 20), int)
    weights[0, 0, 0, :5] = weights[1, 1, 0, 3] = weights[2, 1, 0, 17] = 1
    reads = Reads(network, replace(network.layers[0], weights=weights))
    # Planes of 16 channels, each with both pixels: 32 places of channels 0 to 15, then those of 16 to 19.
    assert reads.masks(16).sum() == 7 and reads.steps(config, reads.masks(16), None) == 2 + 1


def test_groups_read_their_own_channels():
    grouped = convolution((4, 4), 6, 4, groups=2)
    reads = Reads(grouped, grouped.layers[0])
    assert reads.inputs[:2, 0, :3].all() and reads.inputs[2:, 0, 3:].all() and reads.inputs.sum() == 12
