# SPDX-License-Identifier: BSD-2-Clause
"""The float run gives what loops over every output, channel and tap give."""

import numpy as np
import pytest

from accel.errors import UserError
from nets.float_network import FloatAveragePool, FloatConv, FloatDense, FloatMaxPool
from nets.float_run import predict_float, run_float
from tests.support.random_floats import random_float_network, random_maps


def window_values(layer, image, y, x):
    """Yield (tap row, tap column, values [C], or None outside the map) of the window of output (y, x)."""
    for row, column in np.ndindex(*layer.kernel):
        at = y * layer.stride[0] + row - layer.padding.top, x * layer.stride[1] + column - layer.padding.left
        yield row, column, image[at] if all(0 <= place < size for place, size in zip(at, image.shape, strict=False)) else None


def pixel(layer, image, y, x):
    """Return the values [C] of one output of a layer with a window, before its activation."""
    taps = list(window_values(layer, image, y, x))
    inside = [values for _, _, values in taps if values is not None]
    if isinstance(layer, FloatMaxPool):
        return np.max(inside, axis=0)
    if isinstance(layer, FloatAveragePool):
        return np.sum(inside, axis=0) / (len(taps) if layer.include_padding else len(inside))
    outputs, inputs = len(layer.weights) // layer.groups, layer.weights.shape[3]
    sums = layer.bias.copy()
    for row, column, values in taps:
        for k in range(len(sums)) if values is not None else ():
            first = k // outputs * inputs
            sums[k] += (layer.weights[k, row, column] * values[first:first + inputs]).sum()
    return sums


@pytest.mark.parametrize("seed", range(20))
def test_layers_with_windows_equal_loops(seed):
    network = random_float_network(seed)
    tensors = run_float(network, random_maps(network, seed, 2))
    for layer in network.layers:
        if isinstance(layer, (FloatConv, FloatDense, FloatMaxPool, FloatAveragePool)):
            low, high = getattr(layer, "activation", None) or (-np.inf, np.inf)
            height, width, _ = network.tensors[layer.output].shape
            for y, x in np.ndindex(height, width):
                wanted = np.clip(pixel(layer, tensors[layer.input][1].astype(np.float64), y, x), low, high)
                np.testing.assert_allclose(tensors[layer.output][1, y, x], wanted, rtol=1e-4, atol=1e-4)


def test_batches_of_any_size_give_the_same():
    network = random_float_network(3)
    images = random_maps(network, 3, 5)
    wanted = run_float(network, images)[network.output]
    for batch in (1, 2, 5, 9):
        np.testing.assert_allclose(predict_float(network, images, batch), wanted, rtol=1e-5, atol=1e-6)


def test_images_of_another_shape_are_refused():
    network = random_float_network(3)
    with pytest.raises(UserError, match="takes images of .*, not"):
        run_float(network, np.zeros((1, 2, 2, 1)))
