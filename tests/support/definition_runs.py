# SPDX-License-Identifier: BSD-2-Clause
"""Runs a definition with float weights, layer by layer in numpy; and a definition that has a layer of each kind."""

import numpy as np

from nets.definition import Draft


def every_kind():
    """Return a Definition with groups, odd padding, ceil mode, a concatenation, hidden and last fully connected layers, with and without ReLU."""
    draft = Draft("every-kind", 13, 13, 3)
    tensor = draft.convolution("conv1", "input", 8, 5, 2, 1)
    tensor = draft.compressed("conv2", tensor, 16, 8, 2, norm=False)
    both = draft.concatenation("both", draft.convolution("left", tensor, 8, 1, relu=False), draft.convolution("right", tensor, 12, norm=False))
    tensor = draft.dense("hidden", draft.max_pool("pool", both, 3, 2, ceil=1), 20, relu=True)
    draft.dense("classifier", tensor, 10)
    return draft.definition()


def random_weights(definition, seed=1):
    """Return {layer: (weights [O, H, W, I of a group], bias [O])}."""
    rng = np.random.default_rng(seed)
    shapes = {layer.name: definition.weights_shape(layer) for layer in definition.weighted}
    return {name: (rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape), rng.normal(size=shape[0])) for name, shape in shapes.items()}


def run(definition, weights, images):
    """Return {tensor: float64 [N, H, W, C]} of images [N, H, W, C]."""
    maps = {definition.input: images.astype(np.float64)}
    for layer in definition.layers:
        sources = [maps[name] for name in layer.inputs]
        maps[layer.output] = _layer(layer, sources, weights)
    return maps


def _layer(layer, sources, weights):
    if layer.op == "concat":
        return np.concatenate(sources, axis=-1)
    if layer.op == "fully_connected":
        values, bias = weights[layer.name]
        out = (sources[0].reshape(len(sources[0]), -1) @ values.reshape(len(values), -1).T + bias)[:, None, None, :]
    elif layer.op == "conv2d":
        values, bias = weights[layer.name]
        windows = _windows(sources[0], layer, 0.0)
        inputs, outputs = values.shape[3], len(values) // layer.groups
        parts = [np.einsum("nyxcij,oijc->nyxo", windows[:, :, :, group * inputs:(group + 1) * inputs], values[group * outputs:(group + 1) * outputs])
                 for group in range(layer.groups)]
        out = np.concatenate(parts, axis=-1) + bias
    else:
        windows = _windows(sources[0], layer, -np.inf if layer.op == "max_pool2d" else 0.0)
        return windows.max(axis=(4, 5)) if layer.op == "max_pool2d" else windows.mean(axis=(4, 5))
    return np.maximum(out, 0) if layer.relu else out


def _windows(maps, layer, fill):
    pad = layer.padding
    padded = np.pad(maps, ((0, 0), (pad.top, pad.bottom), (pad.left, pad.right), (0, 0)), constant_values=fill)
    return np.lib.stride_tricks.sliding_window_view(padded, layer.kernel, axis=(1, 2))[:, ::layer.stride[0], ::layer.stride[1]]
