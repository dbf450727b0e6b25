# SPDX-License-Identifier: BSD-2-Clause
"""`./build.py --target cmod_a7`: the SoC on Digilent's Cmod A7-35T, whose main memory is 512 KiB of SRAM, without LiteDRAM."""

from dataclasses import replace
from functools import partial

from litex.gen import ClockDomain, LiteXModule, Signal
from litex.soc.cores.clock import S7MMCM
from litex.soc.cores.led import LedChaser
from litex.soc.integration.soc_core import SoCCore
from litex_boards.platforms import digilent_cmod_a7

from accel.errors import UserError
from soc.accelerator import add_accelerator
from soc.async_sram import add_sram
from soc.boards import BOARDS
from targets import litex_board, vivado_build


class _CRG(LiteXModule):
    def __init__(self, platform, sys_clk_freq):
        self.rst = Signal()
        self.cd_sys = ClockDomain()

        # # #

        clk12, button = platform.request("clk12"), platform.request("cpu_reset")
        self.pll = pll = S7MMCM(speedgrade=-1)
        self.comb += pll.reset.eq(button | self.rst)
        pll.register_clkin(clk12, 12e6)
        pll.create_clkout(self.cd_sys, sys_clk_freq)
        platform.add_false_path_constraints(self.cd_sys.clk, pll.clkin)  # the SoC's reset makes such a path


class CmodSoC(SoCCore):
    """The SoC: litex-boards' one reads the SRAM in a cycle, which is too fast for 100 MHz, so this one has a controller of its own.
    `verilog_directory`: where the Verilog of the accelerator of `config` goes."""

    def __init__(self, config, verilog_directory, toolchain, sys_clk_freq, **settings):
        platform = digilent_cmod_a7.Platform(toolchain=toolchain)
        self.crg = _CRG(platform, sys_clk_freq)
        super().__init__(platform, sys_clk_freq, ident="SPARCNet on LiteX, Cmod A7", uart_with_dynamic_baudrate=True, **settings)
        add_sram(self, replace(BOARDS["cmod_a7"], clock_hz=int(sys_clk_freq)))
        self.main_ram.connect_pads(platform.request("issiram"))
        add_accelerator(self, config, verilog_directory)
        self.leds = LedChaser(pads=platform.request_all("user_led"), sys_clk_freq=sys_clk_freq)


def _add_options(parser):
    parser.add_target_argument("--flash", action="store_true", help="write the bitstream to the board's SPI flash")


def _check(arguments):
    if arguments.toolchain != "vivado":
        raise UserError(f"--toolchain {arguments.toolchain} is not supported for this board: use --toolchain vivado")


def _program(soc, builder, arguments):
    litex_board.program(builder, soc.platform.create_programmer(), arguments, "build it first, with --build on a machine that has Vivado")


BOARD = litex_board.Board(
    target="cmod_a7", title="the Cmod A7-35T", platform=digilent_cmod_a7.Platform, top="digilent_cmod_a7", add_options=_add_options,
    device=lambda arguments: "cmod_a7", check=_check, soc=CmodSoC, build=vivado_build.build, program=_program, clocks=_CRG)
run = partial(litex_board.run, BOARD)
