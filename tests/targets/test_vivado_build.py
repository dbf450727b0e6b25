# SPDX-License-Identifier: BSD-2-Clause
"""What `--build` says when Vivado is missing, fails, or reports a design that misses its timing; Vivado is a script here."""

import shutil
from argparse import Namespace
from types import SimpleNamespace

import pytest

from accel.errors import UserError
from targets import vivado_build
from tests.targets import test_vivado_reports as reports

BOARD = SimpleNamespace(top="digilent_arty")
PARSER = SimpleNamespace(toolchain_argdict={})


class Project:
    """LiteX's Builder as far as it is used: building writes the project's scripts."""

    compile_software = False

    def __init__(self, folder, compile_gateware=True):
        self.gateware_dir, self.compile_gateware = str(folder), compile_gateware

    def build(self, run):
        """Write what LiteX would write."""
        assert not run
        with open(f"{self.gateware_dir}/build_digilent_arty.sh", "w") as file:
            file.write("set -e\nvivado -mode batch -source digilent_arty.tcl\n")
        with open(f"{self.gateware_dir}/digilent_arty.tcl", "w") as file:
            file.write("read_verilog {digilent_arty.v}\n")


@pytest.fixture
def build(tmp_path, monkeypatch):
    """Return a function that builds a Project of `config`. Its Vivado writes a bitstream and reports whose timing has `row`, then ends with
    `status`; None: there is no Vivado."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "cp"):
        (tools / name).symlink_to(shutil.which(name))

    def run(project, row=reports.GOOD, status=0, config="arty-35"):
        ready = tmp_path / "ready"
        ready.mkdir(exist_ok=True)
        for name, text in (("timing", reports.HEAD + row), ("utilization_place", reports.NEW), ("power", reports.POWER)):
            (ready / f"digilent_arty_{name}.rpt").write_text(text)
        for suffix in ("bit", "bin"):
            (ready / f"digilent_arty.{suffix}").write_text("new")
        if status is not None:
            (tools / "vivado").write_text(f"#!{tools}/bash\ncp {ready}/* .\nexit {status}\n")
            (tools / "vivado").chmod(0o755)
        monkeypatch.setenv("PATH", str(tools))
        monkeypatch.delenv("LITEX_ENV_VIVADO", raising=False)
        vivado_build.build(BOARD, project, PARSER, Namespace(config=config, sys_clk_freq=100e6))
    return run


def bitstreams(folder):
    """{name: contents} of all that could be taken for one."""
    return {path.name: path.read_text() for path in folder.iterdir() if path.suffix in (".bit", ".bin")}


def old_bitstreams(folder):
    """Write them, as an earlier build left them."""
    for suffix in ("bit", "bin"):
        (folder / f"digilent_arty.{suffix}").write_text("old")


def test_a_design_that_meets_its_timing_is_reported(build, tmp_path, capsys):
    build(Project(tmp_path))
    said = capsys.readouterr().out
    assert "+0.214 ns" in said and "17,120" in said and "1.034 W" in said
    assert bitstreams(tmp_path) == {"digilent_arty.bit": "new", "digilent_arty.bin": "new"}


def test_a_design_that_misses_its_timing_is_an_error_after_its_figures(build, tmp_path, capsys):
    with pytest.raises(UserError, match=r"does not meet its timing at 100 MHz: the worst slack is -0.127 ns \(setup\), and 310 endpoints fail"):
        build(Project(tmp_path), reports.LATE)
    assert "-0.127 ns" in capsys.readouterr().out


def test_a_bitstream_that_misses_its_timing_is_not_left_as_the_bitstream(build, tmp_path):
    old_bitstreams(tmp_path)
    with pytest.raises(UserError, match="does not meet its timing"):
        build(Project(tmp_path), reports.LATE)
    assert bitstreams(tmp_path) == {"digilent_arty.slow.bit": "new", "digilent_arty.slow.bin": "new"}


def test_without_vivado_the_project_is_written_and_the_rest_is_said(build, tmp_path, capsys):
    with pytest.raises(UserError, match="vivado is not on the PATH, so there is no bitstream: .* run build_digilent_arty.sh there"):
        build(Project(tmp_path), status=None)
    assert f"the project with configuration arty-35 is in {tmp_path}" in capsys.readouterr().out


def test_without_compiling_nobody_misses_vivado(build, tmp_path):
    build(Project(tmp_path, compile_gateware=False), status=None)


def test_a_vivado_that_fails_is_an_error_and_leaves_no_bitstream(build, tmp_path):
    old_bitstreams(tmp_path)
    with pytest.raises(UserError, match=r"Vivado failed \(status 3\).*vivado.log"):
        build(Project(tmp_path), status=3)
    assert bitstreams(tmp_path) == {}


def test_a_project_of_another_configuration_does_not_keep_the_bitstream(build, tmp_path):
    project = Project(tmp_path, compile_gateware=False)
    build(project)
    old_bitstreams(tmp_path)
    build(project)
    assert set(bitstreams(tmp_path).values()) == {"old"}, "made on another machine, perhaps"
    build(project, config="arty-100")
    assert bitstreams(tmp_path) == {}
    assert vivado_build.noted_config(tmp_path / "digilent_arty")["name"] == "arty-100"
