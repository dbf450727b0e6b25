# SPDX-License-Identifier: BSD-2-Clause
"""`./build.py --target ulx3s`: the SoC on Radiona's ULX3S with an ECP5 85F, whose bitstream is made by tools from PyPI."""

from functools import partial

from litex.build.openfpgaloader import OpenFPGALoader
from litex_boards.platforms import radiona_ulx3s
from litex_boards.targets.radiona_ulx3s import BaseSoC, _CRG

from accel.errors import UserError
from soc.accelerator import add_accelerator
from targets import litex_board
from targets.board_firmware import write_firmware
from targets.ecp5_flow import make_bitstream

L2_BYTES = 2048


class Ulx3sSoC(BaseSoC):
    """LiteX's SoC for the board, with the accelerator of `config`, whose Verilog is written to `verilog_directory`."""

    def __init__(self, config, verilog_directory, sdram_module, **kwargs):
        super().__init__(uart_with_dynamic_baudrate=True, sdram_module_cls=sdram_module, **kwargs)
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


def _build(board, builder, parser, arguments):
    builder.build(**parser.toolchain_argdict, run=False)
    print(f"the project with configuration {arguments.config} is in {builder.gateware_dir}")
    if builder.compile_software:
        write_firmware(builder, arguments)
    if builder.compile_gateware:
        make_bitstream(builder.gateware_dir, board.top)


def _program(soc, builder, arguments):
    # LiteX's platform names ujprog, which few distributions have.
    litex_board.program(builder, OpenFPGALoader(board="ulx3s"), arguments, "build it first, with --build")


BOARD = litex_board.Board(
    target="ulx3s", title="the ULX3S", platform=radiona_ulx3s.Platform, top="radiona_ulx3s", add_options=_add_options,
    device=lambda arguments: arguments.device, check=_check, soc=Ulx3sSoC, soc_options=("device", "revision", "sdram_module"),
    build=_build, program=_program, clocks=_CRG, defaults=(("l2_size", L2_BYTES),))
run = partial(litex_board.run, BOARD)
