# SPDX-License-Identifier: BSD-2-Clause
"""Runs a float network on a batch of images, in float32: each convolution is a copy of its windows and one matrix product."""

import numpy as np

from accel.errors import UserError
from compiler.layers import Padding
from compiler.sums import taps
from nets.float_network import FloatActivation, FloatAdd, FloatAveragePool, FloatConcat, FloatConv, FloatDense, FloatMaxPool, FloatSoftmax

# Bytes that the copied windows of a convolution may take at once.
_WINDOW_BYTES = 1 << 26


def _padded(maps, layer, fill):
    pad = layer.padding
    if pad == Padding():
        return maps
    return np.pad(maps, ((0, 0), (pad.top, pad.bottom), (pad.left, pad.right), (0, 0)), constant_values=fill)


def _taps(maps, layer, fill):
    """Return the taps() of `maps` padded with `fill`."""
    return taps(_padded(maps, layer, fill), layer)


def _matrix_product(maps, weights):
    """Return [..., O] of [..., K] and [O, K]."""
    return (maps.reshape(-1, maps.shape[-1]) @ weights.T).reshape(*maps.shape[:-1], len(weights))


def _grouped(windows, layer, weights):
    """Return [N, H', W', O] of windows [N, H', W', taps, C]."""
    outputs = len(weights) // layer.groups
    parts = []
    for group, block in enumerate(np.split(windows, layer.groups, axis=-1) if layer.groups > 1 else [windows]):
        rows = weights[group * outputs:(group + 1) * outputs].reshape(outputs, -1)
        parts.append(_matrix_product(block.reshape(*block.shape[:3], -1), rows))
    return np.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]


def _convolve(maps, layer):
    weights, bias = layer.weights.astype(np.float32), layer.bias.astype(np.float32)
    if layer.depthwise:
        sums = bias
        for (row, column), view in _taps(maps, layer, 0):
            sums = sums + view * weights[:, row, column, 0]
        return sums
    height, width = layer.map_shape(maps.shape[1:])
    each = 4 * height * width * layer.kernel[0] * layer.kernel[1] * maps.shape[3]
    step = max(1, _WINDOW_BYTES // each)
    parts = []
    for first in range(0, len(maps), step):
        windows = np.stack([view for _, view in _taps(maps[first:first + step], layer, 0)], axis=3)
        parts.append(_grouped(windows, layer, weights) + bias)
    return np.concatenate(parts) if parts else np.empty((0, height, width, len(weights)), np.float32)


def _average(maps, layer):
    sums = 0
    for _, view in _taps(maps, layer, 0):
        sums = sums + view
    rows, columns = layer.counts(maps.shape[1:])
    return sums / (rows[:, np.newaxis] * columns)[:, :, np.newaxis].astype(np.float32)


def _maximum(maps, layer):
    views = [view for _, view in _taps(maps, layer, -np.inf)]
    largest = views[0].copy()
    for view in views[1:]:
        np.maximum(largest, view, out=largest)
    return largest


def _softmax(maps):
    powers = np.exp(maps - maps.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _compute(layer, maps):
    if isinstance(layer, FloatConv):
        return _convolve(maps[0], layer)
    if isinstance(layer, FloatDense):
        rows = layer.weights.reshape(len(layer.weights), -1).astype(np.float32)
        return _matrix_product(maps[0].reshape(len(maps[0]), 1, 1, -1), rows) + layer.bias.astype(np.float32)
    if isinstance(layer, FloatAdd):
        return maps[0] + maps[1]
    if isinstance(layer, FloatConcat):
        return np.concatenate(maps, axis=-1)
    if isinstance(layer, FloatMaxPool):
        return _maximum(maps[0], layer)
    if isinstance(layer, FloatAveragePool):
        return _average(maps[0], layer)
    if isinstance(layer, FloatActivation):
        return maps[0]
    if isinstance(layer, FloatSoftmax):
        return _softmax(maps[0])
    raise UserError(f"layer {layer.name!r} is of the kind {layer.op!r}, which the float run does not know")


def _limits(layer):
    return (layer.low, layer.high) if isinstance(layer, FloatActivation) else getattr(layer, "activation", None)


def run_layers(network, images):
    """Yield (tensor name, float32 [N, H, W, C]) of the input and of each layer's output, in order; a tensor is let go after its last reader.

    Raises UserError where the float `images` [N, H, W, C] have another shape than the network's input.
    """
    expected = network.tensors[network.input].shape
    images = np.asarray(images, np.float32)
    if images.ndim != 4 or images.shape[1:] != expected:
        raise UserError(f"network {network.name!r} takes images of {expected}, not {images.shape[1:]}")
    last = {name: number for number, layer in enumerate(network.layers) for name in layer.inputs}
    values = {network.input: images}
    yield network.input, images
    for number, layer in enumerate(network.layers):
        outputs, limits = _compute(layer, [values[name] for name in layer.inputs]), _limits(layer)
        if limits is not None:
            outputs = np.clip(outputs, np.float32(limits[0]), np.float32(limits[1]))
        values[layer.output] = outputs
        for name in set(layer.inputs):
            if last[name] == number:
                del values[name]
        yield layer.output, outputs


def run_float(network, images):
    """Return {tensor name: float32 [N, H, W, C]} for float `images` [N, H, W, C]. Raises UserError where they have another shape."""
    return dict(run_layers(network, images))


def predict_float(network, images, batch=16):
    """Return the output float32 [N, H, W, C] of float `images` [N, H, W, C], `batch` at a time, holding no other tensor."""
    outputs = []
    for first in range(0, len(images), batch):
        for name, maps in run_layers(network, images[first:first + batch]):
            if name == network.output:
                outputs.append(maps)
    return np.concatenate(outputs)
