# SPDX-License-Identifier: BSD-2-Clause
"""Where results cannot be written is known before they are made, and asking leaves no trace."""

import pytest

from accel.errors import UserError
from nets.writable import check_file, check_folder


def test_what_can_be_written_stays_as_it_was(tmp_path):
    (tmp_path / "old").write_text("kept")
    check_file(tmp_path / "old")
    check_file(tmp_path / "new")
    check_folder(tmp_path)
    check_folder(tmp_path / "new" / "below")
    assert [path.name for path in tmp_path.iterdir()] == ["old"] and (tmp_path / "old").read_text() == "kept"


# /proc: not even root can write there.
@pytest.mark.parametrize("check, name, sentence", [
    (check_file, "gone/file", "gone/file cannot be written: there is no folder .*gone"), (check_file, "folder", "folder cannot be written: Is a directory"),
    (check_file, "/proc/file", "/proc/file cannot be written: "), (check_folder, "file", "no files can be written to the folder .*file: Not a directory"),
    (check_folder, "file/below", "to the folder .*file/below: .*file: Not a directory"), (check_folder, "/proc/below", "to the folder /proc/below: /proc: ")])
def test_what_cannot_be_written_is_refused(check, name, sentence, tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match=sentence):
        check(tmp_path / name)
