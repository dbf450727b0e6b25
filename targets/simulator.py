# SPDX-License-Identifier: BSD-2-Clause
"""The simulated SoC as a process: built once for each content of its inputs, run with its own memory contents each time."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

from filelock import FileLock

from accel.errors import UserError
from accel.hdl.requantise_lane import ROUNDING
from firmware.link import Link
from soc.boards import BOARDS
from soc.limits import check_config

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "sim"

_SOC_SOURCES = ("soc/*.py", "targets/sim_soc.py")
_SOURCES = (*_SOC_SOURCES, "accel/[!p]*.py", "accel/hdl/*.py", "targets/serial2pty/*")  # all of accel/ that makes gateware, not the pages
_PACKAGES = ("litex", "litedram", "migen", "myhdl", "pythondata-cpu-vexriscv", "pythondata-software-picolibc", "pythondata-software-compiler-rt")

# Seconds of Simulation.clock() after which a firmware that says nothing has failed: tens of millions of cycles even on a slow machine.
SILENCE = 1800
# Contents begin at multiples of it, which are multiples of every memory's word.
ALIGNMENT = 16


def _digest(text, patterns):
    """Return 16 hexadecimal digits that change with `text`, the sources that match `patterns`, and the tools."""
    digest = hashlib.sha256(text.encode())
    for pattern in patterns:
        for path in sorted(ROOT.glob(pattern)):
            if path.is_file():
                digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    for package in _PACKAGES:
        digest.update(f"{package}=={metadata.version(package)}".encode())
    if shutil.which("verilator") is None:
        raise UserError("verilator is not installed: run `make setup`")
    digest.update(subprocess.run(["verilator", "--version"], capture_output=True).stdout)
    return digest.hexdigest()[:16]


def build_simulator(config, jobs=2, on_wait=lambda: None, rounding=ROUNDING, board=BOARDS["arty"]):
    """Return the directory of the simulator of `config` on `board`, building it (minutes) where no earlier build has the same inputs.

    on_wait is called a few times a second meanwhile. rounding: see accel.hdl.requantise_lane. Raises UserError, with the end of the log,
    where the build fails or the configuration does not fit the SoC.
    """
    check_config(config)
    BUILD.mkdir(parents=True, exist_ok=True)
    settings = {"config": asdict(config), "rounding": rounding, "board": board.target}
    key = _digest(json.dumps({**settings, "config": config.hash}), _SOURCES)
    settings["directory"] = str(BUILD / f"{config.name}-{'' if board.target == 'arty' else board.target + '-'}{key}")
    settings["software"] = str(BUILD / f"software-{_digest(board.target, _SOC_SOURCES)}")
    settings["jobs"] = jobs
    directory = Path(settings["directory"])
    # One build at a time: they share the software.
    with FileLock(BUILD / "build.lock"):
        if not (directory / "simulator.json").exists():
            _build(settings, directory, on_wait)
    return directory


def software_directory(directory):
    """Return where the C libraries and headers of the simulator in `directory` are."""
    return Path(json.loads((directory / "simulator.json").read_text())["software"])


def _build(settings, directory, on_wait):
    file, log = directory.with_suffix(".json"), directory.with_suffix(".log")
    file.write_text(json.dumps(settings))
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "PYTHON": sys.executable}
    with log.open("w") as output:
        process = subprocess.Popen([sys.executable, "-m", "targets.sim_soc", file], stdout=output, stderr=subprocess.STDOUT, cwd=ROOT,
                                   env=environment)
        try:
            while process.poll() is None:
                on_wait()
                time.sleep(0.3)
        finally:
            process.terminate()
    if process.returncode:
        raise UserError(f"the simulator could not be built; the end of {log}:\n" + "\n".join(log.read_text().splitlines()[-15:]))


def _bank_lines(contents, main_ram, banks):
    """Return for each bank (of Banks `banks`) the lines of its $readmemh file; contents are (address, bytes) pairs.

    A row of one bank is followed by the same row of the next bank, as LiteDRAM maps addresses.
    """
    lines, word_bytes = [[] for _ in range(banks.count)], banks.word_bytes
    for address, data in contents:
        if address % ALIGNMENT:
            raise ValueError(f"contents begin at 0x{address:x}, which is no multiple of {ALIGNMENT}")
        data = data + bytes(-len(data) % word_bytes)
        place = 0
        while place < len(data):
            row, inside = divmod(address - main_ram + place, banks.row_bytes)
            count = min(banks.row_bytes - inside, len(data) - place)
            bank = lines[row % banks.count]
            bank.append(f"@{(row // banks.count * banks.row_bytes + inside) // word_bytes:x}")
            bank += [data[i:i + word_bytes][::-1].hex() for i in range(place, place + count, word_bytes)]
            place += count
    return lines


class Simulation:
    """A running simulation; `port` is the path of its serial port, a pseudo-terminal. A context manager: leaving it ends the process."""

    def __init__(self, directory, contents):
        """directory: of build_simulator. contents: (address, bytes) pairs that memory holds at the start."""
        facts = json.loads((directory / "simulator.json").read_text())
        gateware = directory / "gateware"
        self.folder = Path(tempfile.mkdtemp(prefix="run-", dir=BUILD))
        for path in [*gateware.glob("*.init"), gateware / "sim_config.js", gateware / "modules"]:
            (self.folder / path.name).symlink_to(path)
        for name, lines in zip(facts["banks"], _bank_lines(contents, facts["main_ram"], BOARDS[facts["board"]].banks), strict=True):
            (self.folder / name).unlink()
            (self.folder / name).write_text("\n".join(lines) + "\n")
        self.log = (self.folder / "log.txt").open("w+")
        self.process = subprocess.Popen([gateware / "obj_dir" / "Vsim"], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=subprocess.STDOUT)

    def __enter__(self):
        try:
            path = self.folder / "serial_port"
            while not path.exists():
                self.check_alive()
                time.sleep(0.02)
            self.port = path.read_text().strip()
        except BaseException:
            self.__exit__()
            raise
        return self

    def clock(self):
        """Return seconds: those of a CPU that the simulator had, and a tenth of all that pass.

        So neither a busy machine nor a slow one makes a firmware silent, and a simulation that stands still is noticed all the same.
        """
        # Its user and system time, in ticks: proc(5), the fields behind the name in brackets.
        user, system = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK") + time.monotonic() / 10

    def link(self):
        """Return the Link to the firmware."""
        return Link(self.port, self.check_alive, SILENCE, clock=self.clock)

    def check_alive(self):
        """Raise UserError where the process has ended."""
        if self.process.poll() is not None:
            self.log.seek(0)
            raise UserError(f"the simulation ended with status {self.process.returncode}: {self.log.read()[-1000:]}")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
