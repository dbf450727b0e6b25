# SPDX-License-Identifier: BSD-2-Clause
"""Builds the firmware of one SoC with LiteX's software flow."""

import subprocess
from pathlib import Path

from filelock import FileLock

from accel.errors import UserError
from firmware.built_for import BuiltFor
from compiler.memory_map import MODEL_ADDRESS
from firmware.headers import write_headers

SOURCES = Path(__file__).parent / "src"


def build_firmware(config, software, directory, jobs=2, built_for=BuiltFor()):
    """Compile the firmware in `directory`, for the SoC whose libraries and headers LiteX built in `software`, as BuiltFor says; returns the path of
    firmware.bin.

    Raises UserError with the compiler's words where it does not compile.
    """
    directory.mkdir(parents=True, exist_ok=True)
    command = ["make", f"-j{jobs}", "-C", directory, "-f", SOURCES / "Makefile", f"SOFTWARE_DIR={software}", f"SOURCE_DIR={SOURCES}",
               f"HEADER_DIR={directory / 'headers'}", f"MODEL_ADDRESS={MODEL_ADDRESS:#x}"]
    with FileLock(directory / "build.lock"):
        write_headers(config, directory / "headers", built_for)
        result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise UserError(f"the firmware does not compile:\n{result.stdout[-2000:]}{result.stderr[-2000:]}")
    return directory / "firmware.bin"
