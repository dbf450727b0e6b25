# SPDX-License-Identifier: BSD-2-Clause
"""Asks whether results can be written where they shall go, before the long work that makes them."""

import os
from tempfile import TemporaryFile

from accel.errors import UserError


def check_file(path):
    """Raise UserError where the file `path` cannot be written; what it holds stays."""
    if not path.parent.is_dir():
        raise UserError(f"{path} cannot be written: there is no folder {path.parent}")
    there = os.path.lexists(path)
    try:
        path.open("ab").close()
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from error
    if not there:
        path.unlink()


def check_folder(path):
    """Raise UserError where no file can be written to the folder `path`. It need not be there yet: then it is what it would be made in that counts."""
    place = next(place for place in (path.absolute(), *path.absolute().parents) if os.path.lexists(place))
    try:
        with TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise UserError(f"no files can be written to the folder {path}: {place}: {error.strerror}") from error
