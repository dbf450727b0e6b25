# SPDX-License-Identifier: BSD-2-Clause
"""The converted core in Verilator, driven from Python: registers, jobs, a memory with random stalls."""

import ctypes
import functools
import hashlib
import subprocess
from pathlib import Path

from filelock import FileLock

from accel.convert import convert_core
from accel.hdl.requantise_lane import ROUNDING
from accel.registers import (
    CONTROL_ACKNOWLEDGE, CONTROL_START, OFFSETS, RECORD_FIELDS, RECORD_WORDS, RECORDS_OFFSET, STATUS_DONE)

HERE = Path(__file__).parent
BUILD = HERE.parents[2] / "build" / "core_harness"


@functools.cache
def build_library(config, rounding=ROUNDING):
    """Return the path of the shared library of a configuration's core; compiled once for each content of its sources."""
    BUILD.mkdir(parents=True, exist_ok=True)
    verilog = convert_core(config, BUILD / f"verilog-{config.hash:08x}-{rounding}", rounding)
    source = HERE / "harness.cpp"
    digest = hashlib.sha256(verilog.read_bytes() + source.read_bytes()).hexdigest()[:16]
    library = BUILD / digest / "core.so"
    with FileLock(BUILD / f"{digest}.lock"):
        if not library.exists():
            _compile(config, verilog, source, library)
    return library


def _compile(config, verilog, source, library):
    directory = library.parent
    subprocess.run(
        ["verilator", "--cc", "-O3", "--x-assign", "fast", "--x-initial", "unique", "-Wno-fatal", "-Wno-WIDTH", "-Wno-CASEINCOMPLETE", "--Mdir",
         directory, "--top-module", "sparcnet_core", verilog], check=True, capture_output=True)
    root = Path(subprocess.run(["verilator", "--getenv", "VERILATOR_ROOT"], check=True, capture_output=True, text=True).stdout.strip())
    include = root / "include"
    partial = directory / "partial.so"
    subprocess.run(
        ["g++", "-O2", "-fPIC", "-shared", "-std=c++17", f"-DBEAT_BYTES={config.beat_bytes}", "-I", directory, "-I", include, "-I",
         include / "vltstd", "-o", partial, source, *sorted(directory.glob("*.cpp")), include / "verilated.cpp",
         include / "verilated_threads.cpp", "-pthread"], check=True)
    partial.replace(library)


class Core:
    """One core with its memory: `size` bytes from address `origin` on. stall: percent of cycles in which each handshake waits."""

    def __init__(self, config, memory, origin, seed=0, stall=0, rounding=ROUNDING):
        self.config, self.origin, self.memory = config, origin, (ctypes.c_uint8 * len(memory)).from_buffer(memory)
        self.library = ctypes.CDLL(str(build_library(config, rounding)))
        for name, result, arguments in (
                ("new", ctypes.c_void_p, (ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_int)),
                ("delete", None, (ctypes.c_void_p,)), ("errors", None, (ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32)),
                ("access", ctypes.c_uint32, (ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_int)),
                ("wait", ctypes.c_int64, (ctypes.c_void_p, ctypes.c_int64)), ("bursts", ctypes.c_int64, (ctypes.c_void_p,)),
                ("idle", None, (ctypes.c_void_p, ctypes.c_int)), ("broken", ctypes.c_char_p, (ctypes.c_void_p,))):
            function = getattr(self.library, f"bench_{name}")
            function.restype, function.argtypes = result, arguments
        self.bench = self.library.bench_new(ctypes.addressof(self.memory), origin, len(memory), seed, stall)

    def close(self):
        """Free the simulation and the hold on the memory."""
        self.library.bench_delete(self.bench)
        self.bench = self.memory = None

    def read(self, offset):
        """Return the register at byte `offset`."""
        return self.library.bench_access(self.bench, offset, 0, 0)

    def write(self, offset, value):
        """Write the register at byte `offset`."""
        self.library.bench_access(self.bench, offset, value, 1)

    def inject(self, read_error=0, write_error=0):
        """Let memory answer the bursts that hold these byte addresses with an error (0: none)."""
        self.library.bench_errors(self.bench, read_error, write_error)

    def start(self, program, length, read_window, write_window):
        """Ring the doorbell for `length` instructions at byte address `program`."""
        for name, value in (("PROGRAM", program), ("LENGTH", length), ("READ_BASE", read_window[0]), ("READ_LIMIT", read_window[1]),
                            ("WRITE_BASE", write_window[0]), ("WRITE_LIMIT", write_window[1]), ("CONTROL", CONTROL_START)):
            self.write(getattr(OFFSETS, name), value)

    def run(self, program, length, read_window, write_window, limit=30_000_000):
        """Run a job; returns (error, position, cycles). AssertionError where it does not end or the protocol was broken."""
        self.start(program, length, read_window, write_window)
        assert self.library.bench_wait(self.bench, limit) >= 0, f"no interrupt after {limit} cycles"
        self.library.bench_idle(self.bench, 50)
        assert self.read(OFFSETS.STATUS) & STATUS_DONE
        result = self.read(OFFSETS.ERROR), self.read(OFFSETS.POSITION), self.read(OFFSETS.CYCLES)
        self.write(OFFSETS.CONTROL, CONTROL_ACKNOWLEDGE)
        broken = self.library.bench_broken(self.bench).decode()
        assert not broken, broken
        return result

    def record(self, index):
        """Return {field: value} of a layer's record."""
        base = RECORDS_OFFSET + 4 * RECORD_WORDS * index
        return {name: self.read(base + 4 * i) for i, (name, _) in enumerate(RECORD_FIELDS)}
