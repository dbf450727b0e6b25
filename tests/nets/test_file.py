# SPDX-License-Identifier: BSD-2-Clause
"""A network survives being written and read, and a file that is no network is refused."""

import numpy as np
import pytest

from accel.errors import UserError
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


@pytest.mark.parametrize("content", [b"", b"not a zip", None])
def test_a_file_that_is_no_network_is_refused(content, tmp_path):
    path = tmp_path / "bad.npz"
    if content is None:
        np.savez(path, images=np.zeros(3))
    else:
        path.write_bytes(content)
    with pytest.raises(UserError, match="is no network file"):
        load_network(path)


def test_a_file_that_would_run_code_is_refused(tmp_path):
    path = tmp_path / "pickled.npz"
    np.savez(path, header=np.array([{"format": "x"}], object))
    with pytest.raises(UserError, match="is no network file"):
        load_network(path)
