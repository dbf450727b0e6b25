# SPDX-License-Identifier: BSD-2-Clause
"""The converted core in Verilator, driven from Python: registers, jobs, a memory with random stalls and a checker on its port."""

import ctypes

from accel.hdl.requantise_lane import ROUNDING
from accel.registers import (
    CONTROL_ACKNOWLEDGE, CONTROL_START, OFFSETS, RECORD_FIELDS, RECORD_WORDS, RECORDS_OFFSET, REGISTERS, STATUS_DONE)
from tests.support.core_harness.build import build_library

SLAVE_ERROR, DECODE_ERROR = 2, 3

_FUNCTIONS = {
    "new": (ctypes.c_void_p, (ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_int)),
    "delete": (None, (ctypes.c_void_p,)),
    "errors": (None, (ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_int)),
    "delays": (None, (ctypes.c_void_p, ctypes.c_int, ctypes.c_int)),
    "access": (ctypes.c_uint32, (ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_int)),
    "wait": (ctypes.c_int64, (ctypes.c_void_p, ctypes.c_int64)),
    "idle": (None, (ctypes.c_void_p, ctypes.c_int)),
    "broken": (ctypes.c_char_p, (ctypes.c_void_p,)),
    "watch_reads": (None, (ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32)),
    "traffic": (None, (ctypes.c_void_p, ctypes.c_void_p)),
}


class Core:
    """One core with its memory: `size` bytes from address `origin` on. stall: percent of cycles in which each handshake waits.

    latency: cycles from a read's request to its first beat; spread: how many more there may be, the same for the answers of writes.
    """

    def __init__(self, config, memory, origin, seed=0, stall=0, rounding=ROUNDING, latency=8, spread=None):
        self.config, self.origin, self.memory = config, origin, (ctypes.c_uint8 * len(memory)).from_buffer(memory)
        self.library = ctypes.CDLL(str(build_library(config, rounding)))
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(self.library, f"bench_{name}")
            function.restype, function.argtypes = result, arguments
        self.bench = self.library.bench_new(ctypes.addressof(self.memory), origin, len(memory), seed, stall)
        self.library.bench_delays(self.bench, latency, stall if spread is None else spread)

    def close(self):
        """Free the simulation and the hold on the memory."""
        self.library.bench_delete(self.bench)
        self.bench = self.memory = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def read(self, register):
        """Return the register of this name or byte offset."""
        return self.library.bench_access(self.bench, _offset(register), 0, 0)

    def write(self, register, value):
        """Write the register of this name or byte offset."""
        self.library.bench_access(self.bench, _offset(register), value, 1)

    def registers(self):
        """Return {name: value} of all registers."""
        return {register.name: self.read(register.offset) for register in REGISTERS}

    def record(self, index):
        """Return {field: value} of a layer's record."""
        base = RECORDS_OFFSET + 4 * RECORD_WORDS * index
        return {name: self.read(base + 4 * i) for i, (name, _) in enumerate(RECORD_FIELDS)}

    def dump(self, address=None, size=None):
        """Return `size` bytes of memory from byte `address` on; all of it without arguments."""
        low = 0 if address is None else address - self.origin
        return bytes(self.memory)[low:None if size is None else low + size]

    def load(self, address, data):
        """Put bytes into memory from byte `address` on."""
        low = address - self.origin
        if low < 0 or low + len(data) > len(self.memory):
            raise ValueError(f"{len(data)} bytes at {address:#x} lie outside the memory")
        ctypes.memmove(ctypes.addressof(self.memory) + low, bytes(data), len(data))

    def inject(self, read_error=0, write_error=0, response=SLAVE_ERROR):
        """Let memory answer the bursts that hold these byte addresses with an error (0: none)."""
        self.library.bench_errors(self.bench, read_error, write_error, response)

    def watch_reads(self, base, limit):
        """Let the checker hold all reads to this window instead of that of the registers."""
        self.library.bench_watch_reads(self.bench, base, limit)

    def traffic(self):
        """Return {"read_bursts", "write_bursts", "read_beats", "write_beats"} since the core was made."""
        counts = (ctypes.c_int64 * 4)()
        self.library.bench_traffic(self.bench, ctypes.addressof(counts))
        return dict(zip(("read_bursts", "write_bursts", "read_beats", "write_beats"), counts, strict=True))

    def idle(self, cycles):
        """Let the clock run."""
        self.library.bench_idle(self.bench, cycles)

    def broken(self):
        """Return the first rule of the bus that was broken, "" where none was."""
        return self.library.bench_broken(self.bench).decode()

    def start(self, program, length, read_window, write_window):
        """Ring the doorbell for `length` instructions at byte address `program`."""
        for name, value in (("PROGRAM", program), ("LENGTH", length), ("READ_BASE", read_window[0]), ("READ_LIMIT", read_window[1]),
                            ("WRITE_BASE", write_window[0]), ("WRITE_LIMIT", write_window[1]), ("CONTROL", CONTROL_START)):
            self.write(name, value)

    def wait(self, limit):
        """Return whether the interrupt came within `limit` cycles."""
        return self.library.bench_wait(self.bench, limit) >= 0

    def acknowledge(self):
        """Clear done, error and the interrupt."""
        self.write("CONTROL", CONTROL_ACKNOWLEDGE)

    def run(self, program, length, read_window, write_window, limit=30_000_000):
        """Run a job; returns (error, position, cycles). AssertionError where it does not end or the protocol was broken."""
        self.start(program, length, read_window, write_window)
        assert self.wait(limit), f"no interrupt after {limit} cycles; {self.broken()}"
        self.idle(50)
        assert self.read("STATUS") & STATUS_DONE
        result = self.read("ERROR"), self.read("POSITION"), self.read("CYCLES")
        self.acknowledge()
        assert not self.broken(), self.broken()
        return result


def _offset(register):
    return getattr(OFFSETS, register) if isinstance(register, str) else register
