# SPDX-License-Identifier: BSD-2-Clause
"""A file of arrays that is not the one a description wants is refused with what is wrong."""

import numpy as np
import pytest

from accel.errors import UserError
from nets.networks.arrays import read_arrays

SHAPES = {"w": (2, 3), "shift": ()}


def _saved(tmp_path, **arrays):
    path = tmp_path / "weights.npz"
    np.savez(path, **arrays)
    return path


def test_the_arrays_asked_for_come_and_no_others(tmp_path):
    path = _saved(tmp_path, w=np.ones((2, 3), np.int8), shift=np.int32(-3), other=np.ones(1))
    arrays = read_arrays(path, SHAPES)
    assert set(arrays) == {"w", "shift"} and arrays["shift"] == -3


@pytest.mark.parametrize("arrays, sentence", (
    ({"w": np.ones((2, 3))}, "weights.npz has no array 'shift'"),
    ({"w": np.ones((3, 2)), "shift": np.int32(1)}, r"the array 'w' has the shape \(3, 2\), but this network's has \(2, 3\)"),
    ({"w": np.full((2, 3), np.nan), "shift": np.int32(1)}, "the array 'w' must hold finite numbers"),
    ({"w": np.full((2, 3), "x"), "shift": np.int32(1)}, "the array 'w' must hold finite numbers"),
))
def test_a_wrong_array_is_refused_with_its_name(tmp_path, arrays, sentence):
    with pytest.raises(UserError, match=sentence):
        read_arrays(_saved(tmp_path, **arrays), SHAPES)


def test_real_numbers_are_refused_where_integers_are_wanted(tmp_path):
    with pytest.raises(UserError, match="the array 'w' must hold integers"):
        read_arrays(_saved(tmp_path, w=np.ones((2, 3)), shift=np.int32(1)), SHAPES, integers=True)


def test_no_file_and_no_npz_file_are_refused(tmp_path):
    with pytest.raises(UserError, match="there is no weights file"):
        read_arrays(tmp_path / "none.npz", SHAPES)
    for content in (b"", b"text", b"PK\x03\x04 broken"):
        path = tmp_path / "text.npz"
        path.write_bytes(content)
        with pytest.raises(UserError, match="text.npz is no file of arrays"):
            read_arrays(path, SHAPES)


def test_a_truncated_file_is_refused_with_its_name(tmp_path):
    path = _saved(tmp_path, w=np.arange(6).reshape(2, 3), shift=np.int32(1))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UserError, match="weights.npz is no file of arrays"):
        read_arrays(path, SHAPES)
