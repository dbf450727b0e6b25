# SPDX-License-Identifier: BSD-2-Clause
"""The layers of the CPU equal their formulas, one output at a time; wrong ones are refused by name."""

import math

import numpy as np
import pytest

from accel.errors import UserError
from compiler.cpu_layers import on_cpu
from compiler.ir import Conv2D, Lookup, Network, Rescale, Softmax, Sums, TensorInfo
from compiler.reference import execute

SOURCE = TensorInfo("x", 2, 3, 5, 0.1, 7)
PROBABILITY = {"scale": 1 / 256, "zero_point": -128}


def network(layer, source=SOURCE, shape=None, **numbers):
    """Return the Network of one layer from "x" to "z", by default of the same shape."""
    return Network("one", "x", "z", {"x": source, "z": TensorInfo("z", *(shape or source.shape), **numbers)}, (layer,))


def images(source, count=3, seed=1):
    return np.random.default_rng(seed).integers(-128, 128, (count, *source.shape)).astype(np.int8)


def test_a_lookup_gives_the_tables_entry_of_each_number():
    table = np.random.default_rng(0).integers(-128, 128, 256).astype(np.int8)
    source = TensorInfo("x", 16, 16, 1)
    image = np.arange(-128, 128, dtype=np.int8).reshape(1, *source.shape)
    np.testing.assert_array_equal(execute(network(Lookup("l", "x", "z", table), source), image)["z"].reshape(-1), table)


def test_sums_are_the_accumulators_themselves():
    rng = np.random.default_rng(0)
    layer = Sums("s", "x", "z", rng.integers(-128, 128, (4, 2, 3, 5)), rng.integers(-1 << 31, 1 << 31, 4))
    batch = images(SOURCE)
    outputs = execute(network(layer, shape=(1, 1, 4), dtype="int32"), batch)["z"]
    assert outputs.dtype == np.int32 and outputs.shape == (3, 1, 1, 4)
    for image, row in zip(batch, outputs.reshape(3, 4).tolist(), strict=True):
        for weights, bias, output in zip(layer.weights, layer.bias, row, strict=True):
            total = int(bias) + sum((int(q) - 7) * int(w) for q, w in zip(image.reshape(-1), weights.reshape(-1), strict=True))
            assert output == (total + (1 << 31)) % (1 << 32) - (1 << 31)
    assert network(layer, shape=(1, 1, 4), dtype="int32").macs(layer) == 4 * 30


def high(a, b):
    """gemmlowp's SaturatingRoundingDoublingHighMul, with C++'s division."""
    product = a * b
    nudged = product + (1 << 30 if product >= 0 else 1 - (1 << 30))
    return abs(nudged) // (1 << 31) * (1 if nudged >= 0 else -1)


def divided(x, exponent):
    return math.floor(abs(x) / (1 << exponent) + 0.5) * (1 if x >= 0 else -1)


def exp_on_negative(a):
    """gemmlowp's exp_on_negative_values of a FixedPoint<5>."""
    if a == 0:
        return (1 << 31) - 1
    low = a % (1 << 24) - (1 << 24)
    x = low * 32 + (1 << 28)
    x2 = high(x, x)
    x3, x4 = high(x2, x), high(x2, x2)
    result = 1895147668 + high(1895147668, x + divided(high(divided(x4, 2) + x3, 715827883) + x2, 1))
    for bit, factor in enumerate((1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)):
        if low - a & 1 << 24 + bit:
            result = high(result, factor)
    return result


def softmax_of_row(row, real):
    """A transcription of reference_ops::Softmax of int8; `real` is beta times the scale."""
    fraction, shift = math.frexp(real * (1 << 26))
    multiplier = math.floor(fraction * (1 << 31) + 0.5)
    least = -math.floor(31 * (1 << 26) / (1 << shift))
    terms = [exp_on_negative(high((q - max(row)) << shift, multiplier)) if q - max(row) >= least else None for q in row]
    total = sum(divided(term, 12) for term in terms if term is not None)
    zeros = 32 - total.bit_length()
    half = (total << zeros) // 2
    x = 1515870810 + high(half, -1010580540)
    for _ in range(3):
        x += high(x, (1 << 29) - high(half, x)) << 2
    factor = min(x << 1, (1 << 31) - 1)
    return [-128 if term is None else min(divided(high(factor, term), 12 - zeros + 23) - 128, 127) for term in terms]


@pytest.mark.parametrize("scale", [2.0 ** -10, 0.0137, 0.1, 0.171875, 0.5, 2.5, 15.9])
@pytest.mark.parametrize("beta", [1.0, 0.5])
def test_a_softmax_is_tflites_reference_kernel(scale, beta):
    scale = float(np.float32(scale))
    for channels in (1, 2, 12, 200):
        source = TensorInfo("x", 2, 3, channels, scale, 3)
        batch = images(source, seed=channels)
        batch[0] //= 16
        outputs = execute(network(Softmax("s", "x", "z", beta), source, **PROBABILITY), batch)["z"]
        for row, output in zip(batch.reshape(-1, channels).tolist(), outputs.reshape(-1, channels).tolist(), strict=True):
            assert output == softmax_of_row(row, scale * beta)


def test_a_softmax_of_very_many_equal_numbers_gives_nothing_and_one_of_huge_numbers_the_largest():
    many = TensorInfo("x", 1, 1, 4095, 0.1)
    assert (execute(network(Softmax("s", "x", "z"), many, **PROBABILITY), np.zeros((1, *many.shape), np.int8))["z"] == -128).all()
    huge = TensorInfo("x", 1, 1, 3, 1e9)
    image = np.array([-128, 126, 127], np.int8).reshape(1, 1, 1, 3)
    assert execute(network(Softmax("s", "x", "z"), huge, **PROBABILITY), image)["z"].reshape(-1).tolist() == [-128, -128, 127]


@pytest.mark.parametrize("layer, options, sentence", [
    (Lookup("l", "x", "z", np.zeros(255)), {}, r"layer 'l': its table has the shape \(255,\)"),
    (Softmax("s", "x", "z", 0.0), PROBABILITY, "layer 's': beta times the scale of 'x' is 0.0"),
    (Softmax("s", "x", "z"), {}, "layer 's': 'z' has scale 1.0 and zero point 0, but a softmax has 1/256 and -128"),
    (Softmax("s", "x", "z"), {"source": TensorInfo("x", 1, 1, 4096), **PROBABILITY},
     "layer 's': it reads 4096 channels, but a softmax takes at most 4095"),
    (Sums("s", "x", "z", np.zeros((4, 1, 3, 5)), np.zeros(4)), {"shape": (1, 1, 4), "dtype": "int32"},
     r"layer 's': the weights want an input of \(1, 3, 5\)"),
    (Sums("s", "x", "z", np.zeros((4, 2, 3, 5)), np.zeros(3)), {"shape": (1, 1, 4), "dtype": "int32"},
     "layer 's': bias must be one for each of 4 outputs"),
    (Sums("s", "x", "z", np.zeros((4, 2, 3, 5)), np.zeros(4)), {"shape": (1, 1, 4)}, "layer 's' gives int32, but its output 'z' is declared as int8"),
    (Rescale("r", "x", "z"), {"dtype": "int32"}, "layer 'r' gives int8, but its output 'z' is declared as int32"),
    (Rescale("r", "x", "z"), {"source": TensorInfo("x", 2, 3, 5, dtype="int32")}, "takes int32, but only int8 is possible"),
])
def test_a_wrong_layer_is_named(layer, options, sentence):
    with pytest.raises(UserError, match=sentence):
        network(layer, **options)


def test_sums_are_read_by_no_layer():
    tensors = {"x": SOURCE, "y": TensorInfo("y", 1, 1, 4, dtype="int32"), "z": TensorInfo("z", 1, 1, 4)}
    layers = Sums("s", "x", "y", np.zeros((4, 2, 3, 5)), np.zeros(4)), Rescale("r", "y", "z")
    with pytest.raises(UserError, match="layer 'r' reads 'y', which holds int32, but layers read int8"):
        Network("bad", "x", "z", tensors, layers)


def test_only_these_layers_are_the_cpus():
    convolution = Conv2D("c", "x", "z", np.zeros((1, 1, 1, 5)), [0], [1 << 30], [0])
    layers = Lookup("l", "x", "z", np.zeros(256)), Softmax("s", "x", "z"), Sums("s", "x", "z", np.zeros((1, 1, 1, 5)), [0])
    assert [on_cpu(layer) for layer in (*layers, convolution, Rescale("r", "x", "z"))] == [True, True, True, False, False]


@pytest.mark.parametrize(("kind", "numbers", "what"), [
    (Lookup, {"table": np.full(256, 200)}, "the table"),
    (Lookup, {"table": np.full(256, 0.5)}, "the table"),
    (Lookup, {"table": np.full(256, np.nan)}, "the table"),
    (Sums, {"weights": np.full((1, 2, 3, 5), 128), "bias": [0]}, "weights"),
    (Sums, {"weights": np.ones((1, 2, 3, 5)), "bias": [1 << 31]}, "bias"),
    (Conv2D, {"weights": np.full((1, 1, 1, 5), -129), "bias": [0], "multipliers": [1 << 30], "shifts": [0]}, "weights"),
])
def test_numbers_that_do_not_fit_their_type_are_refused_and_do_not_wrap(kind, numbers, what):
    with pytest.raises(UserError, match=f"layer 'l': {what} must be whole numbers from -"):
        kind("l", "x", "z", **numbers)
