# SPDX-License-Identifier: BSD-2-Clause
"""The reference: executes a network on a batch of images, vectorised, as TFLite's reference kernels do."""

import numpy as np

from accel.errors import UserError
from compiler.cpu_layers import on_cpu
from compiler.ir import Add, AveragePool2D, Concat, Conv2D, Lookup, MaxPool2D, Rescale, Softmax
from compiler.numbers import multiply_by_quantized_multiplier, requantise, wrap32
from compiler.softmax import softmax
from compiler.sums import convolution_sums


def _windows(maps, layer, fill):
    """Return a view [N, output height, output width, C, kernel height, kernel width] of int `maps` [N, H, W, C], padded with `fill`."""
    pad = layer.padding
    padded = np.pad(maps, ((0, 0), (pad.top, pad.bottom), (pad.left, pad.right), (0, 0)), constant_values=fill)
    windows = np.lib.stride_tricks.sliding_window_view(padded, layer.kernel, axis=(1, 2))
    return windows[:, ::layer.stride[0], ::layer.stride[1]]


def convolve(maps, layer, input_zero_point, output_zero_point):
    """Return int8 [N, H', W', O] of int8 maps [N, H, W, C]."""
    accumulator = convolution_sums(maps, layer, input_zero_point) + layer.bias
    return requantise(accumulator, layer.multipliers.astype(np.int64), layer.shifts, output_zero_point, layer.clamp_min, layer.clamp_max,
                      layer.rounding)


def max_pool(maps, layer):
    """Return int8 [N, H', W', C]: the largest number of each window, -128 where it holds padding only."""
    return np.clip(_windows(maps, layer, -128).max(axis=(4, 5)), layer.clamp_min, layer.clamp_max)


def average_pool(maps, layer, zero_point):
    """Return int8 [N, H', W', C]: the mean of each window's numbers, halves rounded away from zero."""
    sums = _windows(maps.astype(np.int64), layer, zero_point if layer.include_padding else 0).sum(axis=(4, 5))
    rows, columns = layer.counts(maps.shape[1:])
    counts = (rows[:, np.newaxis] * columns)[:, :, np.newaxis]
    means = np.sign(sums) * ((np.abs(sums) + counts // 2) // counts)
    return np.clip(means, layer.clamp_min, layer.clamp_max).astype(np.int8)


def add(layer, maps, zero_points, output_zero_point):
    """Return int8 [N, H, W, C]: the sum of two `maps` with their `zero_points`."""
    scaled = [multiply_by_quantized_multiplier((one.astype(np.int64) - zero_point) << layer.left_shift, *layer.scaling(index))
              for index, (one, zero_point) in enumerate(zip(maps, zero_points, strict=True))]
    return requantise(scaled[0] + scaled[1], layer.output_multiplier, layer.output_shift, output_zero_point, layer.clamp_min, layer.clamp_max)


def rescale(maps, layer, input_zero_point, output_zero_point):
    """Return int8 [N, H, W, C]: the same values at another scale."""
    return requantise(maps.astype(np.int64) - input_zero_point, layer.multiplier, layer.shift, output_zero_point, layer.clamp_min, layer.clamp_max)


def compute_on_cpu(layer, maps, info):
    """Return [N, H', W', C'] of one of the CPU's layers for its input `maps` int8 [N, H, W, C], which the TensorInfo `info` describes; int8, but
    int32 of a Sums."""
    if isinstance(layer, Lookup):
        return layer.table[maps.astype(np.int64) + 128]
    if isinstance(layer, Softmax):
        return softmax(maps, info.scale, layer.beta)
    sums = (maps.astype(np.float64) - info.zero_point).reshape(len(maps), -1) @ layer.weights.reshape(len(layer.weights), -1).T.astype(np.float64)
    return wrap32(sums.astype(np.int64) + layer.bias).astype(np.int32)[:, np.newaxis, np.newaxis]


def compute(layer, maps, zero_points, output_zero_point):
    """Return int8 [N, H', W', C'] of one of the accelerator's layers for its input `maps` int8 [N, H, W, C] with their `zero_points`."""
    if isinstance(layer, Conv2D):
        return convolve(maps[0], layer, zero_points[0], output_zero_point)
    if isinstance(layer, MaxPool2D):
        return max_pool(maps[0], layer)
    if isinstance(layer, AveragePool2D):
        return average_pool(maps[0], layer, zero_points[0])
    if isinstance(layer, Add):
        return add(layer, maps, zero_points, output_zero_point)
    if isinstance(layer, Concat):
        return np.concatenate(maps, axis=-1)
    if isinstance(layer, Rescale):
        return rescale(maps[0], layer, zero_points[0], output_zero_point)
    raise UserError(f"layer {layer.name!r} is of the kind {layer.op!r}, which the reference does not know")


def cleared(maps, limits):
    """Return bool [N, C]: which feature maps of int8 `maps` [N, H, W, C] dynamic feature pruning clears, having no number above their own of
    `limits`, int [C] (below -128: never)."""
    return maps.max(axis=(1, 2)) <= limits


def execute(network, images, off=None, limits=None):
    """Return {tensor name: [N, H, W, C] of its dtype} for int8 `images` [N, H, W, C]. Raises UserError where they have another shape.

    off: {name of a convolution: bool [output channels]}, filters that a run-time mask turns off; they give their zero point, clamped.
    limits: {name of a convolution: int [input channels]}, dynamic feature pruning: a channel of its input that `cleared` names counts as its zero
    point for this convolution.
    """
    expected = network.tensors[network.input].shape
    images = np.asarray(images)
    if images.dtype != np.int8 or images.shape[1:] != expected:
        raise UserError(f"network {network.name!r} takes int8 images of {expected}, not {images.dtype} of {images.shape[1:]}")
    values = {network.input: images}
    for layer in network.layers:
        values[layer.output] = outputs_of(network, layer, values, off, limits)
    return values


def again(network, values, limits):
    """Return [N, ...], the network's output for the images whose tensors, without pruning, are `values`; limits: as execute has them.

    Only what depends on a convolution with limits is computed anew.
    """
    found, changed = dict(values), set()
    for layer in network.layers:
        if layer.name in limits or changed.intersection(layer.inputs):
            found[layer.output] = outputs_of(network, layer, found, limits=limits)
            changed.add(layer.output)
    return found[network.output]


def outputs_of(network, layer, values, off=None, limits=None):
    """Return [N, H', W', C'] of a layer of `network` for the tensors `values` {name: [N, H, W, C]} that it reads; off, limits: as in execute."""
    if on_cpu(layer):
        return compute_on_cpu(layer, values[layer.input], network.tensors[layer.input])
    zero_points, zero_point = [network.tensors[name].zero_point for name in layer.inputs], network.tensors[layer.output].zero_point
    maps = [values[name] for name in layer.inputs]
    if limits and layer.name in limits:
        maps[0] = np.where(cleared(maps[0], limits[layer.name])[:, np.newaxis, np.newaxis], np.int8(zero_points[0]), maps[0])
    outputs = compute(layer, maps, zero_points, zero_point)
    if off and layer.name in off:
        outputs[..., off[layer.name]] = np.clip(zero_point, layer.clamp_min, layer.clamp_max)
    return outputs
