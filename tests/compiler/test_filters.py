# SPDX-License-Identifier: BSD-2-Clause
"""Clearing bits of the run-time filter mask turns off those filters, removes wholly masked tiles' work, and leaves the rest exact."""

import numpy as np
import pytest

from accel import isa
from accel.config import CONFIGS
from accel.registers import FILTER_WORDS
from compiler.expectation import expect
from compiler.ir import Padding
from compiler.program import compile_network
from nets.images import digits_samples
from nets.zoo import load_model
from tests.support.networks import convolution
from tests.support.random_networks import random_images

CONFIG = CONFIGS["arty-35"]
ALL = (1 << CONFIG.columns) - 1


def tiles_of(model):
    """Return {first filter word: planes} of the program's CONVs."""
    fields = [values for name, values in map(isa.decode, model.words) if name == "CONV"]
    return {values["filters"]: values["planes"] for values in fields}


def test_planes_are_numbered_through_the_network():
    network = load_model("digits").network
    model = compile_network(network, CONFIG)
    planes = [-(-len(layer.bias) // CONFIG.columns) for layer in network.layers if hasattr(layer, "bias")]
    assert [layer.filters for layer in model.layers] == [sum(planes[:i]) for i in range(len(planes))]
    numbers = [word + i for word, count in sorted(tiles_of(model).items()) for i in range(count)]
    assert numbers == list(range(sum(planes)))


def test_layers_beyond_the_masks_words_are_always_on():
    network = convolution((1, 1), 4, 16 * FILTER_WORDS + 1, (1, 1))
    model = compile_network(network, CONFIG)
    assert model.layers[0].filters is None
    assert set(tiles_of(model).values()) == {0}
    network = convolution((1, 1), 4, 16 * FILTER_WORDS, (1, 1))
    assert compile_network(network, CONFIG).layers[0].filters == 0


def test_digits_with_random_filters_off_is_exact():
    network = load_model("digits").network
    model = compile_network(network, CONFIG)
    images = digits_samples(network).images
    rng = np.random.default_rng(3)
    for image in images[:3]:
        filters = [int(word) for word in rng.integers(0, ALL + 1, FILTER_WORDS)]
        filters[2] = 0
        expect(network, model, image, filters)


@pytest.mark.parametrize("pool", [False, True])
@pytest.mark.parametrize("size, channels, outputs, planar", [
    ((9, 11), 3, 70, False), ((16, 16), 128, 64, True), ((14, 14), 300, 96, True), ((8, 8), 64, 48, False)])
def test_masked_filters_give_the_zero_point_and_whole_tiles_cost_nothing(size, channels, outputs, planar, pool):
    network = convolution(size, channels, outputs, padding=Padding(1, 1, 1, 1), planar=planar, pool=pool)
    model = compile_network(network, CONFIG)
    image = random_images(network, 1)[0]
    everything = expect(network, model, image)
    filters = [ALL] * FILTER_WORDS
    filters[1], filters[2], filters[3] = 0x5A5A, 0, 0
    some = expect(network, model, image, filters)
    layer, full, masked = model.layers[-1], everything.counters[-1], some.counters[-1]
    off = np.array([not filters[k // 16] >> k % 16 & 1 for k in range(outputs)])
    np.testing.assert_array_equal(some.tensors[layer.output][..., ~off], everything.tensors[layer.output][..., ~off])
    assert (some.tensors[layer.output][..., off] == -3).all()
    # Planes 2 and 3 make whole tiles whatever the split; their products and weights are gone.
    gone = min(outputs, 64) - 32
    assert masked["macs"] == full["macs"] * (outputs - gone) // outputs
    assert masked["weight_bytes"] < full["weight_bytes"]
    none = expect(network, model, image, [0] * FILTER_WORDS)
    assert none.counters[-1]["macs"] == none.counters[-1]["weight_bytes"] == 0
