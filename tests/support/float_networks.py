# SPDX-License-Identifier: BSD-2-Clause
"""Small float networks with random weights."""

import numpy as np

from nets.float_builder import FloatBuilder


def small_classifier(seed=1):
    """Return a FloatNetwork of 8 x 8 x 3 images and 10 classes: a residual block between two convolutions, a max pool and a fully connected layer."""
    rng, builder = np.random.default_rng(seed), FloatBuilder("classifier", 8, 8, 3)

    def numbers(*shape):
        return rng.normal(size=shape) * np.sqrt(2 / np.prod(shape[1:])), rng.normal(size=shape[0]) / 10

    first = builder.convolution("first", "input", *numbers(16, 3, 3, 3), padding=1)
    inner = builder.convolution("inner", first, *numbers(16, 3, 3, 16), padding=1, activation=None)
    last = builder.convolution("last", builder.add("sum", inner, first), *numbers(24, 3, 3, 16), stride=(2, 2), padding=1)
    builder.dense("scores", builder.max_pool("pool", last, (2, 2), (2, 2)), *numbers(10, 2, 2, 24))
    return builder.network()
