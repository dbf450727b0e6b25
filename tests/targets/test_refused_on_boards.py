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
    (cmod_a7, ["--toolchain", "openxc7"], "use --toolchain vivado"),
    (cmod_a7, ["--integrated-main-ram-size", "65536"], "needs the board's own memory"),
    (cmod_a7, ["--sys-clk-freq", "150e6"], "too short at 150 MHz: lower --sys-clk-freq to 125 MHz or less"),
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
