# SPDX-License-Identifier: BSD-2-Clause
"""Verilator as a linter."""

import subprocess

# MyHDL sizes every expression's context itself; unread signals are its shadows of bundles; its case statements have no default.
ALLOWED = ("WIDTH", "UNUSEDSIGNAL", "CASEINCOMPLETE", "DECLFILENAME")


def lint(path):
    """Return what Verilator's -Wall says about the converted core at `path`, "" where that is nothing but what MyHDL always does."""
    result = subprocess.run(["verilator", "--lint-only", "-Wall", *(f"-Wno-{warning}" for warning in ALLOWED), "--top-module", "sparcnet_core",
                             path], capture_output=True, text=True)
    return result.stderr if result.returncode else ""
