# SPDX-License-Identifier: BSD-2-Clause
"""The project's version, as pyproject.toml states it."""

import tomllib
from pathlib import Path

VERSION = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]["version"]
