# SPDX-License-Identifier: BSD-2-Clause
"""`./build.py --target arty`: the same SoC on Digilent's Arty A7. LiteX's own options keep their names and meaning."""

from litex_boards.platforms import digilent_arty
from litex_boards.targets.digilent_arty import BaseSoC

from accel.errors import UserError
from soc.accelerator import add_accelerator
from targets import board_run, litex_board

L2_BYTES = 2048
FREE_TOOLCHAINS = ("yosys+nextpnr", "openxc7", "f4pga")
NO_BITSTREAM = "build it first, with --build on a machine that has Vivado"


class ArtySoC(BaseSoC):
    """LiteX's SoC for the board, with the accelerator of `config`, whose Verilog is written to `verilog_directory`."""

    def __init__(self, config, verilog_directory, **kwargs):
        super().__init__(**kwargs)
        if not hasattr(self, "sdram"):
            raise UserError("the accelerator needs the board's DDR3: leave --integrated-main-ram-size out")
        add_accelerator(self, config, verilog_directory)


def _add_options(parser):
    parser.add_target_argument("--flash", action="store_true", help="write the bitstream to the board's SPI flash")
    parser.add_target_argument("--variant", default="a7-35", choices=["a7-35", "a7-100"], help="board variant")


def _check(arguments):
    if arguments.toolchain in FREE_TOOLCHAINS:
        raise UserError(f"--toolchain {arguments.toolchain} cannot build the DDR3 that the accelerator needs: use --toolchain vivado")


def _make_soc(arguments, config, verilog_directory, **settings):
    return ArtySoC(config, verilog_directory, variant=arguments.variant, toolchain=arguments.toolchain, sys_clk_freq=arguments.sys_clk_freq,
                   **settings)


BOARD = litex_board.Board(
    target="arty", title="the Arty A7", platform=digilent_arty.Platform, top="digilent_arty", config="arty-35", clock_hz=100e6,
    add_options=_add_options, device=lambda arguments: arguments.variant, check=_check, make_soc=_make_soc, defaults=(("l2_size", L2_BYTES),))


def run(words):
    """Do what the command line (a list of words) says; returns the exit status."""
    if board_run.is_meant(words):
        return board_run.run(words, BOARD)
    parser, arguments = litex_board.parse(BOARD, words)
    if arguments.resources:
        litex_board.print_resources(BOARD, words)
        return 0
    soc, builder = litex_board.project(BOARD, parser, arguments)
    if arguments.build:
        builder.build(**parser.toolchain_argdict)
        print(f"the project with configuration {arguments.config} is in {builder.gateware_dir}")
    if arguments.load:
        soc.platform.create_programmer().load_bitstream(litex_board.bitstream(builder, "sram", NO_BITSTREAM))
    if arguments.flash:
        soc.platform.create_programmer().flash(0, litex_board.bitstream(builder, "flash", NO_BITSTREAM))
    return 0
