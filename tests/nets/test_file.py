# SPDX-License-Identifier: BSD-2-Clause
"""A network survives being written and read, and a file that is no network is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest

from accel.errors import UserError
from compiler.ir import Lookup, Network, Softmax, Sums, TensorInfo
from compiler.numbers import Rounding
from compiler.reference import execute
from nets.file import load_network, save_network
from tests.support.networks import convolution
from tests.support.random_graphs import random_graph
from tests.support.random_networks import random_images, random_network


@pytest.mark.parametrize("draw", [lambda seed: random_network(seed, 16, layers=3), lambda seed: random_graph(seed, 16)])
@pytest.mark.parametrize("seed", range(8))
def test_a_network_file_gives_back_the_network(seed, draw, tmp_path):
    network = draw(seed)
    save_network(network, tmp_path / "network.npz")
    again = load_network(tmp_path / "network.npz")
    images = random_images(network, seed)
    expected, got = execute(network, images), execute(again, images)
    assert again.name == network.name and list(expected) == list(got)
    for name in expected:
        np.testing.assert_array_equal(got[name], expected[name], err_msg=f"seed {seed}, tensor {name}")


def test_a_dynamic_mask_survives(tmp_path):
    network = convolution((4, 4), 10, 6, mask=0.5)
    save_network(network, tmp_path / "network.npz")
    again = load_network(tmp_path / "network.npz").layers[0]
    np.testing.assert_array_equal(again.dynamic_mask, network.layers[0].dynamic_mask)
    assert again.dynamic_mask.dtype == bool


def test_roundings_and_the_cpus_layers_survive(tmp_path):
    rng = np.random.default_rng(0)
    one = convolution((4, 4), 10, 6)
    tensors = one.tensors | {"table": replace(one.tensors["out"], name="table"), "softmax": TensorInfo("softmax", 2, 2, 6, 1 / 256, -128),
                             "sums": TensorInfo("sums", 1, 1, 3, dtype="int32")}
    layers = (replace(one.layers[0], rounding=Rounding.DOWN), Lookup("lookup", "out", "table", rng.integers(-128, 128, 256)),
              Softmax("softmax", "table", "softmax", 0.5), Sums("sums", "softmax", "sums", rng.integers(-128, 128, (3, 2, 2, 6)), [1, 2, 3]))
    network = Network("steps", "in", "sums", tensors, layers)
    save_network(network, tmp_path / "network.npz")
    again, images = load_network(tmp_path / "network.npz"), random_images(network, 1)
    assert again.tensors == network.tensors and again.layers[0].rounding is Rounding.DOWN and again.layers[2] == layers[2]
    expected, got = execute(network, images), execute(again, images)
    for name in expected:
        np.testing.assert_array_equal(got[name], expected[name], err_msg=name)


@pytest.mark.parametrize("content", [b"", b"not a zip", None])
def test_a_file_that_is_no_network_is_refused(content, tmp_path):
    path = tmp_path / "bad.npz"
    if content is None:
        np.savez(path, images=np.zeros(3))
    else:
        path.write_bytes(content)
    with pytest.raises(UserError, match="is no network file") as caught:
        load_network(path)
    assert "allow_pickle" not in str(caught.value), "no advice to run what is in the file"


@pytest.mark.parametrize("damage", range(12))
def test_a_truncated_or_damaged_file_is_refused_or_read_but_never_a_traceback(damage, tmp_path):
    path, rng = tmp_path / "bad.npz", np.random.default_rng(damage)
    save_network(convolution((4, 4), 10, 6), path)
    data = bytearray(path.read_bytes())
    if damage < 3:
        path.write_bytes(data[:len(data) * (damage + 1) // 4])
        with pytest.raises(UserError, match="bad.npz is no network file"):
            load_network(path)
        return
    for _ in range(40):
        flipped = bytearray(data)
        flipped[rng.integers(len(data))] ^= 1 << rng.integers(8)
        path.write_bytes(flipped)
        try:
            load_network(path)
        except UserError as error:
            assert str(path) in str(error) or "layer" in str(error)


@pytest.mark.parametrize("change", [lambda header: [header], lambda header: 1, lambda header: header | {"tensors": [1]},
                                    lambda header: header | {"layers": None}, lambda header: header | {"output": ["out"]},
                                    lambda header: header | {"layers": [layer | {"stride": [None, 1]} for layer in header["layers"]]}],
                         ids=["list", "number", "tensors", "layers", "output", "stride"])
def test_a_header_of_another_form_is_refused(change, tmp_path):
    path = tmp_path / "bad.npz"
    save_network(convolution((4, 4), 10, 6), path)
    with np.load(path) as stored:
        arrays = dict(stored)
    header = change(json.loads(arrays.pop("header").tobytes()))
    np.savez(path, header=np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays)
    with pytest.raises(UserError, match="bad.npz is no network file"):
        load_network(path)


def test_a_file_that_would_run_code_is_refused(tmp_path):
    path = tmp_path / "pickled.npz"
    np.savez(path, header=np.array([{"format": "x"}], object))
    with pytest.raises(UserError, match="is no network file"):
        load_network(path)
