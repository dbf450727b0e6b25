# SPDX-License-Identifier: BSD-2-Clause
"""The vectorised reference equals loops over every output, input channel and tap."""

from dataclasses import replace

import numpy as np
import pytest

from accel.errors import UserError
from compiler.ir import Conv2D, FullyConnected, MaxPool2D, Network, Padding, TensorInfo
from compiler.numbers import requantise
from compiler.reference import again, cleared, execute


def draw_convolution(rng, groups=1, kernel=None, kind=Conv2D, zero_points=None):
    """Return (network, input int8 [2, H, W, C]) of one random convolution."""
    height, width = (int(n) for n in rng.integers(3, 9, 2))
    inputs, outputs = (groups * int(n) for n in rng.integers(1, 5, 2))
    kernel = kernel or tuple(int(n) for n in rng.integers(1, 4, 2))
    padding = Padding(*(int(n) for n in rng.integers(0, 3, 4)))
    if kind is FullyConnected:
        kernel, padding = (height, width), Padding()
    zero_in, zero_out = zero_points or (int(n) for n in rng.integers(-128, 128, 2))
    layer = kind(
        "layer", "in", "out", rng.integers(-127, 128, (outputs, *kernel, inputs // groups)), rng.integers(-9999, 9999, outputs),
        rng.integers(1 << 30, 1 << 31, outputs), rng.integers(-12, 1, outputs), tuple(int(n) for n in rng.integers(1, 5, 2)),
        padding, groups, *sorted(int(n) for n in rng.integers(-128, 128, 2)))
    tensors = {"in": TensorInfo("in", height, width, inputs, 1.0, zero_in),
               "out": TensorInfo("out", *layer.output_shape((height, width, inputs)), 1.0, zero_out)}
    images = rng.integers(-128, 128, (2, height, width, inputs)).astype(np.int8)
    return Network("random", "in", "out", tensors, (layer,)), images


def convolve_by_loops(network, image):
    """Channels that a dynamic mask clears count as their zero point."""
    layer, source, target = network.layers[0], network.tensors["in"], network.tensors["out"]
    group_inputs, group_outputs = layer.weights.shape[3], layer.weights.shape[0] // layer.groups
    sums = np.zeros(target.shape, np.int64)
    for oy, ox, k in np.ndindex(*target.shape):
        sums[oy, ox, k] = layer.bias[k]
        for ky, kx, c in np.ndindex(*layer.kernel, group_inputs):
            y, x = oy * layer.stride[0] + ky - layer.padding.top, ox * layer.stride[1] + kx - layer.padding.left
            channel = k // group_outputs * group_inputs + c
            if 0 <= y < source.height and 0 <= x < source.width and (layer.dynamic_mask is None or layer.dynamic_mask[channel]):
                activation = int(image[y, x, channel]) - source.zero_point
                sums[oy, ox, k] += activation * int(layer.weights[k, ky, kx, c])
    return requantise(sums, layer.multipliers, layer.shifts, target.zero_point, layer.clamp_min, layer.clamp_max)


@pytest.mark.parametrize("kind", [Conv2D, FullyConnected])
@pytest.mark.parametrize("groups", [1, 2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_a_convolution_equals_the_loops(seed, groups, kind):
    network, images = draw_convolution(np.random.default_rng(seed), groups, kind=kind)
    outputs = execute(network, images)["out"]
    for image, output in zip(images, outputs, strict=True):
        np.testing.assert_array_equal(output, convolve_by_loops(network, image))


@pytest.mark.parametrize("kind", [Conv2D, FullyConnected])
@pytest.mark.parametrize("groups", [1, 3])
def test_a_dynamic_mask_makes_channels_count_as_their_zero_point(groups, kind):
    rng = np.random.default_rng(groups)
    network, images = draw_convolution(rng, groups, kind=kind, zero_points=(17, -5))
    layer = replace(network.layers[0], dynamic_mask=rng.random(network.tensors["in"].channels) < 0.5)
    network = Network("masked", "in", "out", network.tensors, (layer,))
    np.testing.assert_array_equal(execute(network, images)["out"][1], convolve_by_loops(network, images[1]))


def test_a_filter_that_is_off_gives_its_clamped_zero_point():
    network, images = draw_convolution(np.random.default_rng(5), 2)
    layer, outputs = network.layers[0], network.tensors["out"].channels
    off = np.arange(outputs) % 2 == 0
    some, full = execute(network, images, {"layer": off})["out"], execute(network, images)["out"]
    assert (some[..., off] == np.clip(network.tensors["out"].zero_point, layer.clamp_min, layer.clamp_max)).all()
    np.testing.assert_array_equal(some[..., ~off], full[..., ~off])


def test_a_dynamic_mask_of_the_wrong_size_is_refused():
    network, _ = draw_convolution(np.random.default_rng(0))
    layer = replace(network.layers[0], dynamic_mask=np.ones(99, bool))
    with pytest.raises(UserError, match="layer 'layer': the dynamic mask has the shape .99,., but"):
        Network("masked", "in", "out", network.tensors, (layer,))


@pytest.mark.parametrize("seed", range(6))
def test_max_pooling_ignores_padding(seed):
    rng = np.random.default_rng(seed)
    window, stride = (tuple(int(n) for n in rng.integers(1, 4, 2)) for _ in range(2))
    padding = Padding(*(int(rng.integers(0, size)) for size in window * 2))
    layer = MaxPool2D("pool", "in", "out", window, stride, padding)
    source = TensorInfo("in", 7, 6, 3)
    network = Network("pool", "in", "out", {"in": source, "out": TensorInfo("out", *layer.output_shape(source.shape))}, (layer,))
    images = rng.integers(-128, 0, (1, *source.shape)).astype(np.int8)
    output = execute(network, images)["out"][0]
    for oy, ox in np.ndindex(*output.shape[:2]):
        top, left = oy * stride[0] - padding.top, ox * stride[1] - padding.left
        inside = images[0, max(top, 0):top + window[0], max(left, 0):left + window[1]]
        np.testing.assert_array_equal(output[oy, ox], inside.max(axis=(0, 1)))


def test_an_image_of_the_wrong_shape_is_refused():
    network, images = draw_convolution(np.random.default_rng(0))
    with pytest.raises(UserError, match="takes int8 images of"):
        execute(network, images[:, 1:])


def test_a_layer_whose_output_is_declared_wrongly_is_named():
    network, _ = draw_convolution(np.random.default_rng(0))
    wrong = network.tensors | {"out": TensorInfo("out", 1, 1, 99)}
    with pytest.raises(UserError, match="layer 'layer': an input of .* but its output is declared as"):
        Network("random", "in", "out", wrong, network.layers)


def test_a_layer_that_reads_an_unknown_tensor_is_named():
    network, _ = draw_convolution(np.random.default_rng(0))
    tensors = network.tensors | {"other": network.tensors["in"]}
    with pytest.raises(UserError, match="reads 'in', which no earlier layer writes"):
        Network("random", "other", "out", tensors, network.layers)


def test_a_network_whose_input_is_not_declared_is_refused():
    network, _ = draw_convolution(np.random.default_rng(0))
    with pytest.raises(UserError, match="names the tensor 'other', which it does not declare"):
        Network("random", "other", "out", network.tensors, network.layers)


def pruned_by_loops(network, image, limits):
    """Channels of which no number exceeds its limit count as the zero point: as if a mask had cleared them."""
    kept = [any(int(image[y, x, c]) > limits[c] for y, x in np.ndindex(*image.shape[:2])) for c in range(image.shape[2])]
    layer = replace(network.layers[0], dynamic_mask=kept)
    return convolve_by_loops(replace(network, layers=(layer,)), image), kept.count(False)


@pytest.mark.parametrize("zero_point", [-128, 0, 17])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_pruned_maps_count_as_the_zero_point_padding_included(seed, groups, zero_point):
    rng = np.random.default_rng(seed)
    network, images = draw_convolution(rng, groups, zero_points=(zero_point, 5))
    images = np.maximum(images // 4, zero_point).astype(np.int8)
    channels = images.shape[3]
    images[:, :, :, rng.random(channels) < 0.4] = zero_point
    limits = np.where(rng.random(channels) < 0.2, -129, zero_point + rng.integers(0, 40, channels))
    outputs, skipped = execute(network, images, limits={"layer": limits})["out"], cleared(images, limits)
    for image, output, maps in zip(images, outputs, skipped, strict=True):
        expected, count = pruned_by_loops(network, image, limits)
        np.testing.assert_array_equal(output, expected)
        assert maps.sum() == count


def test_limits_hold_for_their_own_convolution_only_and_what_depends_on_it_is_computed_again():
    network, images = draw_convolution(np.random.default_rng(3), zero_points=(-128, 0))
    first = replace(network.layers[0], clamp_min=-128, clamp_max=127, shifts=0 * network.layers[0].shifts - 9)
    other = replace(first, name="other", output="beside")
    tensors = network.tensors | {"beside": replace(network.tensors["out"], name="beside")}
    network = replace(network, layers=(other, first), tensors=tensors)
    limits = {"layer": np.full(images.shape[3], 127)}
    plain, pruned = execute(network, images), execute(network, images, limits=limits)
    assert (plain["out"] != pruned["out"]).any()
    np.testing.assert_array_equal(plain["beside"], pruned["beside"])
    np.testing.assert_array_equal(again(network, plain, limits), pruned["out"])
    np.testing.assert_array_equal(again(network, plain, {}), plain["out"])
