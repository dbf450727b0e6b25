# SPDX-License-Identifier: BSD-2-Clause
"""Random quantised networks for tests: every layer kind, awkward shapes, strides, paddings, masks of every density."""

import numpy as np

from compiler.ir import Conv2D, FullyConnected, MaxPool2D, Network, Padding, TensorInfo


def _clear_channels(rng, weights, tile):
    """Clear a random share of the input channels of each tile of output channels, whole filters now and then."""
    density = rng.choice([0.0, 0.25, 0.5, 0.9, 1.0], p=[0.05, 0.2, 0.25, 0.2, 0.3])
    for first in range(0, len(weights), tile):
        weights[first:first + tile, :, :, rng.random(weights.shape[3]) >= density] = 0
    weights[rng.random(len(weights)) < 0.05] = 0
    return weights


def _convolution(rng, kind, name, source, target, kernel, stride, padding, outputs, columns):
    weights = rng.integers(-127, 128, (outputs, *kernel, source.channels)).astype(np.int8)
    weights[rng.random(weights.shape) < 0.1] = rng.choice([-127, 127])
    weights = _clear_channels(rng, weights, columns)
    spread = np.sqrt(max(1, np.count_nonzero(weights) / outputs)) * 75 * 75
    low, high = sorted(rng.integers(-128, 128, 2)) if rng.random() < 0.5 else (-128, 127)
    multipliers = rng.integers(1 << 30, 1 << 31, outputs)
    shifts = np.clip(np.round(np.log2(60 / spread)) + rng.integers(-1, 2, outputs), -31, 30)
    if rng.random() < 0.1:
        multipliers[0], shifts[-1] = 0, rng.integers(-31, 31)
    return kind(name, source.name, target, weights, rng.integers(-spread, spread, outputs).astype(np.int32), multipliers, shifts,
                stride=stride, padding=padding, clamp_min=int(low), clamp_max=int(high))


def _random_layer(rng, index, source, columns, limits):
    largest_kernel, outputs_limit = limits
    target = f"t{index}"
    choice = rng.random()
    if choice < 0.15:
        kernel = (source.height, source.width)
        layer = _convolution(rng, FullyConnected, f"layer{index}", source, target, kernel, (1, 1), Padding(),
                             int(rng.integers(1, outputs_limit + 1)), columns)
    else:
        square = rng.random() < 0.7
        height = int(rng.integers(1, largest_kernel + 1))
        kernel = (height, height if square else int(rng.integers(1, largest_kernel + 1)))
        edges = [int(rng.integers(0, size)) for size in kernel * 2]
        padding = Padding(edges[0], edges[1], edges[2], edges[3])
        kernel = tuple(min(size, span + low + high) for size, span, low, high in zip(
            kernel, (source.height, source.width), (padding.top, padding.left), (padding.bottom, padding.right), strict=True))
        stride = tuple(int(s) for s in rng.integers(1, 5, 2)) if rng.random() < 0.4 else (1, 1)
        if choice < 0.3:
            padding = Padding(*(min(edge, size - 1) for edge, size in zip(
                (padding.top, padding.left, padding.bottom, padding.right), kernel * 2, strict=True)))
            kernel = tuple(min(size, span + low + high) for size, span, low, high in zip(
                kernel, (source.height, source.width), (padding.top, padding.left), (padding.bottom, padding.right), strict=True))
            layer = MaxPool2D(f"layer{index}", source.name, target, kernel, stride, padding)
        else:
            layer = _convolution(rng, Conv2D, f"layer{index}", source, target, kernel, stride, padding,
                                 int(rng.integers(1, outputs_limit + 1)), columns)
    zero_point = source.zero_point if isinstance(layer, MaxPool2D) else int(rng.choice([-128, 0, 17, 127]))
    return layer, TensorInfo(target, *layer.output_shape(source.shape), zero_point=zero_point)


def random_network(seed, columns, layers=1, largest_map=14, largest_kernel=5, largest_channels=24):
    """Return a Network of `layers` layers drawn from `seed`; channels are pruned per tile of `columns` output channels."""
    rng = np.random.default_rng(seed)
    source = TensorInfo("image", *(int(n) for n in rng.integers(1, largest_map + 1, 2)), int(rng.integers(1, largest_channels + 1)),
                        zero_point=int(rng.choice([-128, 0, 17])))
    tensors, chain = {source.name: source}, []
    for index in range(layers):
        layer, source = _random_layer(rng, index, source, columns, (largest_kernel, largest_channels))
        chain.append(layer)
        tensors[source.name] = source
    return Network(f"random-{seed}", "image", source.name, tensors, tuple(chain))


def random_images(network, seed, count=1):
    """Return int8 images [count, H, W, C] with the edge values well represented."""
    rng = np.random.default_rng(seed + 1)
    images = rng.integers(-128, 128, (count, *network.tensors[network.input].shape)).astype(np.int8)
    images[rng.random(images.shape) < 0.1] = -128
    images[rng.random(images.shape) < 0.1] = 127
    return images
