# SPDX-License-Identifier: BSD-2-Clause
"""Compiles the harness around a configuration's converted core; once for each content of all sources that matter."""

import functools
import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from filelock import FileLock

from accel.convert import convert_core
from accel.hdl.requantise_lane import ROUNDING
from accel.registers import CONTROL_START, OFFSETS

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
BUILD = ROOT / "build" / "core_harness"
SOURCES = ("harness.cpp", "axi_checker.h", "axi_memory.h", "axi_signals.h", "build.py")
WATCHED = ("READ_BASE", "READ_LIMIT", "WRITE_BASE", "WRITE_LIMIT", "CONTROL")


def _digest(*parts):
    """Return a name for everything that the result depends on: `parts`, the core's sources and the harness."""
    text = hashlib.sha256(repr(parts).encode())
    for path in (*sorted((ROOT / "accel").rglob("*.py")), *(HERE / name for name in SOURCES)):
        text.update(path.name.encode() + path.read_bytes())
    return text.hexdigest()[:16]


@functools.cache
def build_library(config, rounding=ROUNDING):
    """Return the path of the shared library of a configuration's core; its Verilog lies beside it as sparcnet_core.v."""
    BUILD.mkdir(parents=True, exist_ok=True)
    directory = BUILD / _digest(config.hash, rounding)
    library = directory / "core.so"
    with FileLock(f"{directory}.lock"):
        if not library.exists():
            with tempfile.TemporaryDirectory(dir=BUILD) as scratch:
                verilog = convert_core(config, scratch, rounding)
                _compile(config, verilog, Path(scratch))
                directory.mkdir(exist_ok=True)
                shutil.move(verilog, directory / verilog.name)
                shutil.move(Path(scratch) / library.name, library)
    return library


def _compile(config, verilog, directory):
    generated = directory / "generated"
    subprocess.run(
        ["verilator", "--cc", "-O3", "--x-assign", "fast", "--x-initial", "unique", "-Wno-fatal", "-Wno-WIDTH", "-Wno-CASEINCOMPLETE", "--Mdir",
         generated, "--top-module", "sparcnet_core", verilog], check=True, capture_output=True)
    root = Path(subprocess.run(["verilator", "--getenv", "VERILATOR_ROOT"], check=True, capture_output=True, text=True).stdout.strip())
    include = root / "include"
    registers = [f"-D{name}={getattr(OFFSETS, name)}" for name in WATCHED]
    subprocess.run(
        ["g++", "-O2", "-fPIC", "-shared", "-std=c++17", f"-DBEAT_BYTES={config.beat_bytes}", f"-DCONTROL_START={CONTROL_START}", *registers,
         "-I", HERE, "-I", generated, "-I", include, "-I", include / "vltstd", "-o", directory / "core.so", HERE / "harness.cpp",
         *sorted(generated.glob("*.cpp")), include / "verilated.cpp", include / "verilated_threads.cpp", "-pthread"], check=True)
