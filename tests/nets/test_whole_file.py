# SPDX-License-Identifier: BSD-2-Clause
"""A file is there whole or not at all."""

import pytest

from nets.whole_file import whole_file


def test_a_file_is_there_at_the_end_in_a_folder_of_its_own(tmp_path):
    with whole_file(tmp_path / "new" / "a.bin") as file:
        file.write(b"abc")
        assert not (tmp_path / "new" / "a.bin").exists()
    assert (tmp_path / "new" / "a.bin").read_bytes() == b"abc"


def test_what_was_there_stays_where_writing_fails(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), whole_file(path) as file:
        file.write(b"half")
        raise RuntimeError
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]
