# SPDX-License-Identifier: BSD-2-Clause
"""Where tables, pictures and progress are printed."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


def console():
    """Return a rich Console as wide as the terminal; wide enough for every table where there is none."""
    return Console(width=None if Console().is_terminal else 160)


def progress():
    """Return a rich Progress with counts and the time gone by, which vanishes when it is left."""
    return Progress(SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), transient=True,
                    console=console())
