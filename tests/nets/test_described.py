# SPDX-License-Identifier: BSD-2-Clause
"""Networks that are described in Python are found by name."""

import pytest

from accel.errors import UserError
from nets.described import DESCRIBED, NETWORKS, described


def test_each_network_says_what_it_is_and_how_its_images_are_prepared():
    assert set(DESCRIBED) == {"ai85", "lenet", "squeezenet10", "squeezenet11", "vgg7"}
    for name, network in NETWORKS.items():
        assert DESCRIBED[name] == network.what and network.preprocessing.size is not None


def test_an_unknown_network_is_refused_with_those_that_there_are(tmp_path):
    with pytest.raises(UserError, match="no network 'alexnet' is described: choose ai85, lenet, squeezenet10, squeezenet11, vgg7"):
        described("alexnet", tmp_path / "weights.npz")


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_a_weights_file_that_is_not_there_is_refused_by_each(name, tmp_path):
    with pytest.raises(UserError, match="weights file"):
        described(name, tmp_path / "weights.npz")
