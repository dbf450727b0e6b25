# SPDX-License-Identifier: BSD-2-Clause
"""What `--build` says when Vivado is missing, fails, or reports a design that misses its timing; Vivado is a script here."""

from argparse import Namespace
from types import SimpleNamespace

import pytest

from accel.errors import UserError
from targets import vivado_build
from tests.targets import test_vivado_reports as reports

BOARD = SimpleNamespace(top="digilent_arty")
PARSER = SimpleNamespace(toolchain_argdict={})


class Project:
    """LiteX's Builder as far as it is used: building writes the reports whose timing has `row`, or fails."""

    compile_software = False

    def __init__(self, folder, row=reports.GOOD, fails=False, compile_gateware=True):
        self.gateware_dir, self.row, self.fails, self.compile_gateware = str(folder), row, fails, compile_gateware

    def build(self):
        """Write what Vivado would write."""
        if self.fails:
            raise OSError("Error occured during Vivado's script execution.")
        if self.compile_gateware:
            for name, text in (("timing", reports.HEAD + self.row), ("utilization_place", reports.NEW), ("power", reports.POWER)):
                with open(f"{self.gateware_dir}/digilent_arty_{name}.rpt", "w") as file:
                    file.write(text)


@pytest.fixture
def build(tmp_path, monkeypatch):
    """Return a function that builds a Project, on a machine with Vivado or without."""
    def run(project, vivado=True):
        tools = tmp_path / "bin"
        tools.mkdir()
        if vivado:
            (tools / "vivado").write_text("#!/bin/sh\n")
            (tools / "vivado").chmod(0o755)
        monkeypatch.setenv("PATH", str(tools))
        monkeypatch.delenv("LITEX_ENV_VIVADO", raising=False)
        vivado_build.build(BOARD, project, PARSER, Namespace(config="arty-35", sys_clk_freq=100e6))
    return run


def test_a_design_that_meets_its_timing_is_reported(build, tmp_path, capsys):
    build(Project(tmp_path))
    said = capsys.readouterr().out
    assert "+0.214 ns" in said and "17,120" in said and "1.034 W" in said


def test_a_design_that_misses_its_timing_is_an_error_after_its_figures(build, tmp_path, capsys):
    with pytest.raises(UserError, match=r"does not meet its timing at 100 MHz: the worst slack is -0.127 ns \(setup\), and 310 endpoints fail"):
        build(Project(tmp_path, reports.LATE))
    assert "-0.127 ns" in capsys.readouterr().out


def test_without_vivado_the_project_is_written_and_the_rest_is_said(build, tmp_path, capsys):
    with pytest.raises(UserError, match="vivado is not on the PATH, so there is no bitstream: .* run build_digilent_arty.sh there"):
        build(Project(tmp_path), vivado=False)
    assert f"the project with configuration arty-35 is in {tmp_path}" in capsys.readouterr().out


def test_without_compiling_nobody_misses_vivado(build, tmp_path):
    build(Project(tmp_path, compile_gateware=False), vivado=False)


def test_a_vivado_that_fails_is_an_error(build, tmp_path):
    with pytest.raises(UserError, match="Vivado failed .*vivado.log"):
        build(Project(tmp_path, fails=True))
