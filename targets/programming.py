# SPDX-License-Identifier: BSD-2-Clause
"""What goes wrong between LiteX's programmers and a board, as a sentence."""

import contextlib

from accel.errors import UserError


@contextlib.contextmanager
def programming(programmer):
    """Use one of LiteX's programmers within this. Raises UserError where its tool is not there, or fails."""
    try:
        yield
    except OSError as error:
        said = " ".join(str(error).split())
        raise UserError(f"the board could not be programmed ({said}): it takes {type(programmer).__name__}, and the board at its USB port") from error
