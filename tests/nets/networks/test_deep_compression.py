# SPDX-License-Identifier: BSD-2-Clause
"""Deep Compression's file: what is written by the format is read, what is not is refused."""

import numpy as np
import pytest

from accel.errors import UserError
from nets.networks.deep_compression import read_compressed

LAYERS = {"first": (4, 3, 3, 3), "second": (5, 4, 1, 1), "empty": (2, 5, 1, 1), "last": (3, 40, 1, 1)}


def _codes(rng, size, density):
    """Return (codes, runs) of random weights: a code of 0 stands where more than 15 zeros lie between two weights."""
    codes, runs, before = [], [], -1
    for place in np.flatnonzero(rng.random(size) < density):
        while place - before > 16:
            before += 16
            codes.append(0)
            runs.append(15)
        codes.append(int(rng.integers(1, 256)))
        runs.append(int(place) - before - 1)
        before = int(place)
    return codes, runs


def _written(seed=1, density=0.1):
    """Return (bytes of a file, {name: array} that it holds)."""
    rng, counts, body, arrays = np.random.default_rng(seed), [], b"", {}
    for layer, shape in LAYERS.items():
        codes, runs = _codes(rng, np.prod(shape), 0 if layer == "empty" else density)
        codebook, bias = rng.normal(size=256).astype("<f4"), rng.normal(size=shape[0]).astype("<f4")
        codebook[0] = 0
        halves = runs + [0] * (len(runs) % 2)
        pairs = bytes(low | high << 4 for low, high in zip(halves[::2], halves[1::2], strict=True))
        body += codebook.tobytes() + bias.tobytes() + bytes(codes) + pairs
        counts.append(len(codes))
        weights = np.zeros(np.prod(shape), np.float32)
        place = -1
        for code, run in zip(codes, runs, strict=True):
            place += run + 1
            weights[place] = codebook[code]
        arrays |= {f"{layer}.weight": weights.reshape(shape), f"{layer}.bias": bias}
    return np.array(counts, "<u4").tobytes() + body, arrays


@pytest.mark.parametrize("seed, density", ((1, 0.1), (2, 0.02), (3, 0.9)))
def test_weights_and_biases_are_read_back(tmp_path, seed, density):
    data, arrays = _written(seed, density)
    path = tmp_path / "weights.net"
    path.write_bytes(data)
    read = read_compressed(path, LAYERS)
    assert set(read) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array)


@pytest.mark.parametrize("length", (0, 3, 15, 500, -1))
def test_a_truncated_file_is_refused_with_its_length(tmp_path, length):
    path = tmp_path / "weights.net"
    path.write_bytes(_written()[0][:length])
    with pytest.raises(UserError, match=f"weights.net ends after {len(path.read_bytes())} bytes: it is truncated"):
        read_compressed(path, LAYERS)


def test_a_file_that_is_too_long_is_refused(tmp_path):
    path = tmp_path / "weights.net"
    path.write_bytes(_written()[0] + b"\0")
    with pytest.raises(UserError, match="it is no compressed file of this network"):
        read_compressed(path, LAYERS)


def test_a_weight_beyond_its_layer_is_refused_with_its_place(tmp_path):
    counts = np.array([0, 0, 0, 9], "<u4").tobytes()
    body = b"".join(bytes(4 * (256 + shape[0])) for shape in LAYERS.values()) + bytes(9) + bytes([0xFF] * 5)
    path = tmp_path / "weights.net"
    path.write_bytes(counts + body)
    with pytest.raises(UserError, match="at place 143 of last, which has 120"):
        read_compressed(path, LAYERS)


def test_no_file_is_refused(tmp_path):
    with pytest.raises(UserError, match="cannot read the weights file"):
        read_compressed(tmp_path / "none.net", LAYERS)
