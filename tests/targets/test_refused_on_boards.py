# SPDX-License-Identifier: BSD-2-Clause
"""What a board cannot have is refused with a sentence."""

import pytest

from accel.errors import UserError
from targets import arty, cmod_a7, ulx3s


@pytest.mark.parametrize("target, words, sentence", [
    (arty, ["--toolchain", "openxc7"], "cannot build the DDR3"),
    (arty, ["--config", "nothing"], "unknown configuration 'nothing'"),
    (arty, ["--config", "tiny"], "moves 4 bytes a cycle"),
    (arty, ["--load"], "there is no bitstream"),
    (arty, ["--integrated-main-ram-size", "65536"], "needs the board's own memory"),
    (arty, ["--build-backend", "edalize"], "--build-backend edalize is not supported"),
    (cmod_a7, ["--toolchain", "openxc7"], "use --toolchain vivado"),
    (cmod_a7, ["--integrated-main-ram-size", "65536"], "needs the board's own memory"),
    (cmod_a7, ["--sys-clk-freq", "150e6"], "too short at 150 MHz: lower --sys-clk-freq to 125 MHz or less"),
    (arty, ["--sys-clk-freq", "90e6"], "--sys-clk-freq 90 MHz is none that the board's PLL can make beside its other clocks: try 87.5 or 100 MHz"),
    (arty, ["--sys-clk-freq", "99e6", "--build"], "--sys-clk-freq 99 MHz is none .*: try 87.5 or 100 MHz"),
    (arty, ["--sys-clk-freq", "66e6", "--resources"], "--sys-clk-freq 66 MHz is none .*: try 62.5 or 70 MHz"),
    (arty, ["--sys-clk-freq", "nan"], "--sys-clk-freq nan MHz is none .* MHz"),
    (cmod_a7, ["--sys-clk-freq", "1e6"], "--sys-clk-freq 1 MHz is none .*: try 5 MHz"),
    (ulx3s, ["--sys-clk-freq", "500e6"], "--sys-clk-freq 500 MHz is none .*: try 400 MHz"),
    (ulx3s, ["--sys-clk-freq", "inf"], "--sys-clk-freq inf MHz is none .*: try 400 MHz"),
    (arty, ["--sys-clk-freq", "10e6"], "cannot make this board's SoC at 10 MHz .*increase Clk frequency.*: its usual frequency is 100 MHz"),
    (ulx3s, ["--sys-clk-freq", "300e6"], "cannot make this board's SoC at 300 MHz .*: its usual frequency is 50 MHz"),
    (cmod_a7, ["--flash"], "there is no bitstream"),
    (ulx3s, ["--toolchain", "diamond"], "use --toolchain trellis"),
    (ulx3s, ["--integrated-main-ram-size", "65536"], "needs the board's own memory"),
    (ulx3s, ["--cpu-type", "serv"], "the firmware is for vexriscv"),
    (ulx3s, ["--load"], "there is no bitstream .*radiona_ulx3s.bit: build it first, with --build"),
])
def test_what_cannot_be_done_is_refused_with_a_sentence(target, words, sentence, tmp_path):
    with pytest.raises(UserError, match=sentence):
        target.run([*words, "--output-dir", str(tmp_path)])


@pytest.mark.parametrize("target", [arty, cmod_a7, ulx3s])
def test_every_board_runs_models_through_its_serial_port(target):
    with pytest.raises(UserError, match="give --port PORT"):
        target.run(["--run", "--model", "digits"])


@pytest.mark.parametrize("target, bitstream, tool, fails, sentence", [
    (arty, "digilent_arty.bit", "openocd", False, r"No such file or directory: 'openocd'\): it takes OpenOCD"),
    (arty, "digilent_arty.bit", "openocd", True, r"Error occured during OpenOCD's call.*\): it takes OpenOCD"),
    (cmod_a7, "digilent_cmod_a7.bit", "openocd", True, r"Error occured during OpenOCD's call.*\): it takes OpenOCD"),
    (ulx3s, "radiona_ulx3s.bit", "openFPGALoader", False, r"No such file or directory: 'openFPGALoader'\): it takes OpenFPGALoader"),
])
def test_a_programmer_that_is_not_there_or_fails_is_told_in_a_sentence(target, bitstream, tool, fails, sentence, tmp_path, monkeypatch):
    (tmp_path / "gateware").mkdir()
    (tmp_path / "gateware" / bitstream).write_bytes(b"bits")
    (tmp_path / "bin").mkdir()
    if fails:
        (tmp_path / "bin" / tool).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / "bin" / tool).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr("litex.build.openocd.OpenOCD.find_config", lambda self: "openocd.cfg")  # LiteX downloads it
    with pytest.raises(UserError, match=rf"^the board could not be programmed \(.*{sentence}, and the board at its USB port$"):
        target.run(["--load", "--output-dir", str(tmp_path)])
