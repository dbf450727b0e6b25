# SPDX-License-Identifier: BSD-2-Clause
"""Random quantised networks for tests: every layer kind, awkward shapes, strides, paddings, groups, masks of every density."""

from dataclasses import dataclass

import numpy as np

from compiler.ir import AveragePool2D, Conv2D, FullyConnected, MaxPool2D, Network, Padding, Rescale, TensorInfo
from compiler.numbers import Rounding
from tests.support.random_numbers import clear_channels, output_numbers, random_weights, scaling, zero_point


# Words of the smallest activation buffer.
SMALLEST_BUFFER = 64


@dataclass(frozen=True)
class Limits:
    """What layers are drawn for.

    Channels are pruned per tile of `columns` output channels. A layer with more than `spans` = (pixels, output channels, input channels)
    has several tiles in each; None: none is made to. `words`: a convolution reads at most about so many activation words, and so many beats
    of weights.
    """

    columns: int
    largest_map: int = 14
    largest_kernel: int = 5
    largest_channels: int = 24
    least_weight: int = -128
    spans: tuple = None
    words: int = 40_000

    def allow(self, kernel, output_shape, channels, groups=1):
        """Whether a convolution is small enough for a test."""
        planes, blocks, taps = -(-output_shape[2] // self.columns), -(-channels // (2 * self.columns)), kernel[0] * kernel[1]
        weights = taps * channels * planes if groups == 1 else taps * channels * planes // groups
        return output_shape[0] * output_shape[1] * taps * blocks * planes <= self.words and weights <= self.words


def spans_of(config):
    """Return the most (pixels, output channels, input channels) that one tile of a configuration's whole grid holds."""
    return config.clusters * config.tile_pixels, config.clusters * config.columns, config.block_channels


def spans_several_tiles(layer, source_shape, spans):
    """Whether a layer has several tiles in pixels, output channels and input blocks."""
    if not isinstance(layer, Conv2D):
        return False
    height, width, outputs = layer.output_shape(source_shape)
    return height * width > spans[0] and outputs > spans[1] and source_shape[2] > spans[2]


def _integer(rng, low, high):
    return int(rng.integers(low, high + 1))


def _stride(rng, most=4):
    return (_integer(rng, 1, most), _integer(rng, 1, most)) if rng.random() < 0.4 else (1, 1)


def _groups(rng, channels, outputs):
    """Return a number of groups that divides both, often 1, sometimes one a channel."""
    common = [n for n in range(2, channels + 1) if channels % n == 0 and outputs % n == 0]
    return int(rng.choice(common)) if common and rng.random() < 0.4 else 1


def _fit(kernel, shape, padding):
    """Return the window, no larger than the padded map."""
    spans = shape[0] + padding.top + padding.bottom, shape[1] + padding.left + padding.right
    return tuple(min(size, span) for size, span in zip(kernel, spans, strict=True))


def _padding(rng, kernel):
    return Padding(*(_integer(rng, 0, size - 1) for size in kernel * 2))


def _convolution(rng, limits, kind, names, source, target_zero_point, kernel, outputs, stride=(1, 1), padding=Padding(), groups=1):
    weights = random_weights(rng, (outputs, *kernel, source.channels // groups), limits.least_weight)
    weights = clear_channels(rng, weights, limits.columns)
    bias, multipliers, shifts = output_numbers(rng, weights, source.zero_point)
    low, high = sorted(int(n) for n in rng.integers(-128, 128, 2)) if rng.random() < 0.4 else (-128, 127)
    rounding = Rounding(rng.integers(len(Rounding))) if rng.random() < 0.3 else Rounding.TWICE
    layer = kind(names[0], source.name, names[1], weights, bias, multipliers, shifts, stride=stride, padding=padding, groups=groups,
                 clamp_min=low, clamp_max=high, rounding=rounding)
    return layer, TensorInfo(names[1], *layer.output_shape(source.shape), zero_point=target_zero_point)


def _any_convolution(rng, limits, names, source, largest_kernel=None):
    """A convolution of any shape over `source`, drawn again until it is small enough."""
    while True:
        largest = largest_kernel or limits.largest_kernel
        height = _integer(rng, 1, largest)
        kernel = (height, height if rng.random() < 0.7 else _integer(rng, 1, largest))
        padding, stride = _padding(rng, kernel), _stride(rng)
        kernel = _fit(kernel, source.shape, padding)
        outputs = _integer(rng, 1, limits.largest_channels)
        if rng.random() < 0.25:
            outputs = source.channels * _integer(rng, 1, max(1, limits.largest_channels // source.channels))
        groups = _groups(rng, source.channels, outputs)
        size = tuple((s + a + b - k) // step + 1 for s, a, b, k, step in zip(
            source.shape, (padding.top, padding.left), (padding.bottom, padding.right), kernel, stride))
        if limits.allow(kernel, (*size, outputs), source.channels, groups):
            return _convolution(rng, limits, Conv2D, names, source, zero_point(rng), kernel, outputs, stride, padding, groups)
        largest_kernel = max(1, largest - 1)


def square_convolution(rng, limits, names, source):
    """Return (layer, its output TensorInfo) of a convolution whose output has the shape of `source`, sometimes a depthwise one."""
    size = int(rng.choice([1, 3]))
    if not limits.allow((size, size), source.shape, source.channels):
        size = 1
    groups = source.channels if rng.random() < 0.25 else 1
    padding = Padding(*4 * [size // 2])
    return _convolution(rng, limits, Conv2D, names, source, zero_point(rng), (size, size), source.channels, padding=padding, groups=groups)


def _spanning(rng, limits, names):
    """A convolution with several tiles in pixels, output channels and input blocks, and its source."""
    pixels, planes, block = limits.spans
    while True:
        size = int(rng.choice([1, 2, 3, 3, 3, 4, 5]))
        kernel = (size, size if rng.random() < 0.8 else _integer(rng, 1, 3))
        padding, stride = _padding(rng, kernel), (_integer(rng, 1, 2), _integer(rng, 1, 2)) if rng.random() < 0.2 else (1, 1)
        height = _integer(rng, 1, 2 * int(pixels ** 0.5))
        width = pixels // height + _integer(rng, 1, 4)
        shape = [(n - 1) * step + k - low - high for n, step, k, low, high in zip(
            (height, width), stride, kernel, (padding.top, padding.left), (padding.bottom, padding.right), strict=True)]
        channels, outputs = block + _integer(rng, 1, block), planes + _integer(rng, 1, max(2, planes // 2))
        groups = int(rng.choice([1, 1, 2, 3]))
        if groups > 1:
            channels, outputs = -(-channels // groups) * groups, -(-outputs // groups) * groups
        if min(shape) >= 1 and limits.allow(kernel, (height, width, outputs), channels):
            source = TensorInfo("image", *shape, channels, zero_point=zero_point(rng))
            return source, _convolution(rng, limits, Conv2D, names, source, zero_point(rng), kernel, outputs, stride, padding, groups)


def _fully_connected(rng, limits, names, source):
    kernel = (source.height, source.width)
    outputs = _integer(rng, 1, limits.largest_channels)
    while outputs > 1 and not limits.allow(kernel, (1, 1, outputs), source.channels):
        outputs //= 2
    return _convolution(rng, limits, FullyConnected, names, source, zero_point(rng), kernel, outputs)


def _depthwise(rng, limits, names, source):
    """A depthwise convolution, its window drawn again until it is small enough."""
    largest = limits.largest_kernel
    while True:
        kernel, stride = (_integer(rng, 1, largest), _integer(rng, 1, largest)), _stride(rng)
        padding = _padding(rng, kernel)
        kernel = _fit(kernel, source.shape, padding)
        if largest == 1 or limits.allow(kernel, source.shape, source.channels, source.channels):
            return _convolution(rng, limits, Conv2D, names, source, zero_point(rng), kernel, source.channels, stride, padding, source.channels)
        largest -= 1


def _pool_window(rng, limits, source):
    """Return (window, stride, padding) of a pool, sometimes over the whole of a small map; some windows hang over as ceil mode has them."""
    if rng.random() < 0.25 and source.height * source.width <= SMALLEST_BUFFER:
        return source.shape[:2], (1, 1), Padding()
    kernel = (_integer(rng, 1, limits.largest_kernel), _integer(rng, 1, limits.largest_kernel))
    padding = _padding(rng, kernel)
    kernel = _fit(kernel, source.shape, padding)
    padding = Padding(*(min(edge, size - 1) for edge, size in zip(
        (padding.top, padding.left, padding.bottom, padding.right), kernel * 2, strict=True)))
    return _fit(kernel, source.shape, padding), _stride(rng), padding


def _max_pool(rng, limits, names, source):
    return _pool_layer(MaxPool2D(names[0], source.name, names[1], *_pool_window(rng, limits, source), *_limits(rng)), source)


def _average_pool(rng, limits, names, source):
    return _pool_layer(AveragePool2D(names[0], source.name, names[1], *_pool_window(rng, limits, source), *_limits(rng), rng.random() < 0.5), source)


def _rescale(rng, limits, names, source):
    layer = Rescale(names[0], source.name, names[1], *scaling(rng, -3, 3, 30), *_limits(rng))
    return layer, TensorInfo(names[1], *source.shape, zero_point=zero_point(rng))


def _limits(rng):
    """Return (clamp_min, clamp_max): all of int8, or less."""
    return tuple(sorted(int(n) for n in rng.integers(-128, 128, 2))) if rng.random() < 0.3 else (-128, 127)


def _pool_layer(layer, source):
    return layer, TensorInfo(layer.output, *layer.output_shape(source.shape), zero_point=source.zero_point)


def _first_layer(rng, limits, names):
    """Return (source, (layer, its output)) of a network's first layer."""
    choice = rng.random()
    if limits.spans and choice < 0.5:
        return _spanning(rng, limits, names)
    sides = _integer(rng, 1, limits.largest_map), _integer(rng, 1, limits.largest_map)
    if choice < 0.62:
        # An image's few channels, a large window, a large stride.
        sides = tuple(side + _integer(rng, 0, 12) for side in sides)
        source = TensorInfo("image", *sides, _integer(rng, 1, 4), zero_point=zero_point(rng))
        return source, _any_convolution(rng, limits, names, source, 11)
    source = TensorInfo("image", *sides, _integer(rng, 1, limits.largest_channels), zero_point=zero_point(rng))
    return source, next_layer(rng, limits, names, source)


def next_layer(rng, limits, names, source):
    """Return (layer, its output TensorInfo) of any kind over `source`; `names` are those of both."""
    kinds = (_fully_connected, _max_pool, _average_pool, _depthwise, _rescale, _any_convolution)
    return kinds[rng.choice(len(kinds), p=(0.15, 0.12, 0.1, 0.13, 0.05, 0.45))](rng, limits, names, source)


def random_network(seed, columns, layers=1, largest_map=14, largest_kernel=5, largest_channels=24, least_weight=-128, spans=None,
                   words=40_000, branches=False):
    """Return a Network of `layers` layers drawn from `seed`; a 2x2 pool of stride 2 after a convolution comes on top.

    branches: a layer reads any tensor before it, often the last one. See Limits; half of the first layers have several tiles in everything where
    `spans` says what that is.
    """
    rng = np.random.default_rng(seed)
    limits = Limits(columns, largest_map, largest_kernel, largest_channels, least_weight, spans, words)
    source, (layer, target) = _first_layer(rng, limits, ("layer0", "t0"))
    tensors, chain, image = {source.name: source}, [], source.name
    for index in range(layers):
        if index:
            if branches and rng.random() < 0.4:
                source = tensors[str(rng.choice(list(tensors)))]
            layer, target = next_layer(rng, limits, (f"layer{index}", f"t{index}"), source)
        chain.append(layer)
        tensors[target.name] = source = target
        if layer.op == "conv2d" and min(target.shape[:2]) >= 2 and rng.random() < 0.2:
            layer, source = _pool_layer(MaxPool2D(f"pool{index}", target.name, f"p{index}", (2, 2), (2, 2)), target)
            chain.append(layer)
            tensors[source.name] = source
    return Network(f"random-{seed}", image, source.name, tensors, tuple(chain))


def random_images(network, seed, count=1):
    """Return int8 images [count, H, W, C] with the edge values well represented."""
    rng = np.random.default_rng(seed + 1)
    images = rng.integers(-128, 128, (count, *network.tensors[network.input].shape)).astype(np.int8)
    images[rng.random(images.shape) < 0.1] = -128
    images[rng.random(images.shape) < 0.1] = 127
    return images
