# SPDX-License-Identifier: BSD-2-Clause
"""Runs a program of the project by the interpreter of its .venv, whichever one it was called with. Needs the standard library alone."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".venv" / "bin" / "python"


def enter():
    """Go on in .venv: begin the running program anew there if need be, and let it find the tools there. Exits with a sentence where there is none."""
    if not PYTHON.exists():
        sys.exit("error: there is no .venv here: run `make setup` first")
    if Path(sys.prefix) != ROOT / ".venv":
        os.execv(PYTHON, [str(PYTHON), *sys.argv])
    os.environ["PATH"] = f"{PYTHON.parent}{os.pathsep}{os.environ['PATH']}"  # LiteX calls meson by its name
