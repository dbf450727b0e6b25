# SPDX-License-Identifier: BSD-2-Clause
"""What `--build` says of the firmware that it wrote."""

from types import SimpleNamespace

import pytest

from targets import board_firmware


@pytest.fixture
def say(tmp_path, monkeypatch, capsys):
    """Return what is said for a SoC with a UART of a rate; nothing is compiled."""
    def build(config, software, directory, built_for):
        directory.mkdir()
        (directory / "firmware.bin").write_bytes(b"firmware")
        return directory / "firmware.bin"
    monkeypatch.setattr(board_firmware, "build_firmware", build)

    def write(baud):
        builder = SimpleNamespace(output_dir=tmp_path, software_dir=tmp_path, soc=SimpleNamespace(bus=SimpleNamespace(regions={})))
        board_firmware.write_firmware(builder, SimpleNamespace(config="arty-35", sys_clk_freq=100e6, uart_baudrate=baud))
        return capsys.readouterr().out.splitlines()[-1]
    return write


def test_a_uart_of_another_rate_is_told_to_the_terminal_and_to_the_run(say):
    said = say(1_000_000)
    assert said.startswith("send it with: litex_term --speed 1000000 --images ") and said.endswith("by --run --port PORT --uart-baudrate 1000000")


def test_a_uart_of_the_usual_rate_needs_no_words(say):
    said = say(115200)
    assert said.startswith("send it with: litex_term --images ") and said.endswith("by --run --port PORT")
