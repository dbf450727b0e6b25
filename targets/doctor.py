# SPDX-License-Identifier: BSD-2-Clause
"""`./build.py --doctor`: which tools and packages are there, which are wanted, how to install what is missing."""

import platform
import sys
from importlib import metadata
from pathlib import Path

from rich.table import Table

from accel.errors import UserError
from targets.console import console
from targets.packages import OPTIONAL, PACKAGES, install_command, is_there

REQUIREMENTS = Path(__file__).parents[1] / "requirements.txt"


def _python_packages():
    for line in REQUIREMENTS.read_text().splitlines():
        if line.startswith("#"):
            continue
        name, _, wanted = line.partition("==")
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            found = "missing"
        yield name, found, wanted


def run(arguments):
    """Print the table; returns 0 where everything is there as wanted, else 1."""
    if arguments:
        raise UserError(f"--doctor takes nothing else, but {arguments[0]!r} was given")
    rows = [("Python", platform.python_version(), "3.11 to 3.13", (3, 11) <= sys.version_info[:2] <= (3, 13), "install python3 and python3-venv")]
    rows += [(package, "found" if is_there(probe) else "missing", "any", is_there(probe), " ".join(install_command([package])))
             for package, probe in PACKAGES.items()]
    rows += [(name, found, wanted, found == wanted, "make setup") for name, found, wanted in _python_packages()]
    optional = [(tool, "found" if is_there(tool) else "missing", f"for {purpose}", remedy) for tool, (purpose, remedy) in OPTIONAL.items()]
    table = Table("", "tool or package", "found", "wanted", "how to install")
    for name, found, wanted, good, remedy in rows:
        table.add_row("ok" if good else "!!", name, found, wanted, "" if good else remedy)
    for name, found, wanted, remedy in optional:
        table.add_row("ok" if found == "found" else "--", name, found, wanted, "" if found == "found" else remedy)
    console().print(table)
    bad = [row[0] for row in rows if not row[3]]
    print(f"{len(bad)} of {len(rows)} are not as wanted: {', '.join(bad)}" if bad else f"all {len(rows)} are as wanted")
    return 1 if bad else 0
