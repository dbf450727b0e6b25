# SPDX-License-Identifier: BSD-2-Clause
"""Where tables and pictures are printed."""

from rich.console import Console


def console():
    """Return a rich Console as wide as the terminal; wide enough for every table where there is none."""
    return Console(width=None if Console().is_terminal else 160)
