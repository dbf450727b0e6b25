# SPDX-License-Identifier: BSD-2-Clause
"""The harness's AXI checker, fed with scripted cycles."""

import ctypes
import subprocess
from pathlib import Path

HARNESS = Path(__file__).parent / "core_harness"


class Request(ctypes.Structure):
    """AxiRequest of axi_signals.h."""

    _fields_ = [("valid", ctypes.c_uint8), ("ready", ctypes.c_uint8), ("address", ctypes.c_uint32), ("length", ctypes.c_uint8),
                ("size", ctypes.c_uint8), ("burst", ctypes.c_uint8)]


class Signals(ctypes.Structure):
    """AxiSignals of axi_signals.h."""

    _fields_ = [("ar", Request), ("aw", Request),
                *((name, ctypes.c_uint8) for name in ("r_valid", "r_ready", "r_last", "r_response", "w_valid", "w_ready", "w_last")),
                ("w_strobes", ctypes.c_uint16), ("w_data", ctypes.c_uint8 * 16),
                *((name, ctypes.c_uint8) for name in ("b_valid", "b_ready", "b_response"))]


def compile_checker(directory):
    """Return the library of the checker alone, compiled in `directory`."""
    path = Path(directory) / "checker.so"
    subprocess.run(["g++", "-O1", "-fPIC", "-shared", "-std=c++17", "-Wall", "-Werror", "-o", path, HARNESS / "checker.cpp"], check=True)
    library = ctypes.CDLL(str(path))
    library.checker_new.restype = ctypes.c_void_p
    library.checker_broken.restype = ctypes.c_char_p
    assert library.checker_signal_bytes() == ctypes.sizeof(Signals)
    return library


def first_broken_rule(library, cycles, beat_bytes=4, windows=((0, 1 << 31), (0, 1 << 31)), job=True, ended=True):
    """Return the text of the first rule that `cycles` break, "" where none is.

    A cycle is a dict of fields as in AxiSignals, a request's as "ar.address"; what it leaves out is 0. job: a job runs; ended: it ends after the
    last cycle.
    """
    checker = ctypes.c_void_p(library.checker_new(beat_bytes))
    try:
        for write, (base, limit) in enumerate(windows):
            library.checker_window(checker, write, ctypes.c_uint32(base), ctypes.c_uint32(limit))
        if job:
            library.checker_begin(checker)
        for cycle in cycles:
            signals = Signals()
            for name, value in cycle.items():
                target, _, field = name.rpartition(".")
                if name == "w_data":
                    signals.w_data[:len(value)] = list(value)
                else:
                    setattr(getattr(signals, target) if target else signals, field, value)
            library.checker_observe(checker, ctypes.byref(signals))
        if job and ended:
            library.checker_end(checker)
        return library.checker_broken(checker).decode()
    finally:
        library.checker_delete(checker)
