# SPDX-License-Identifier: BSD-2-Clause
"""`./build.py --target arty`: the same SoC on Digilent's Arty A7. LiteX's own options keep their names and meaning."""

import sys
from pathlib import Path

from litex.soc.integration.builder import Builder
from litex.build.parser import LiteXArgumentParser
from litex_boards.platforms import digilent_arty
from litex_boards.targets.digilent_arty import BaseSoC

from accel.config import load_config
from accel.errors import UserError
from soc.accelerator import add_accelerator

ROOT = Path(__file__).resolve().parents[1]
L2_BYTES = 2048
FREE_TOOLCHAINS = ("yosys+nextpnr", "openxc7", "f4pga")


class ArtySoC(BaseSoC):
    """LiteX's SoC for the board, with the accelerator of `config`, whose Verilog is written to `verilog_directory`."""

    def __init__(self, config, verilog_directory, **kwargs):
        super().__init__(**kwargs)
        if not hasattr(self, "sdram"):
            raise UserError("the accelerator needs the board's DDR3: leave --integrated-main-ram-size out")
        add_accelerator(self, config, verilog_directory)


def _parser():
    parser = LiteXArgumentParser(platform=digilent_arty.Platform, description="SPARCNet on LiteX for the Arty A7")
    parser.add_target_argument("--flash", action="store_true", help="write the bitstream to the board's SPI flash")
    parser.add_target_argument("--variant", default="a7-35", choices=["a7-35", "a7-100"], help="board variant")
    parser.add_target_argument("--sys-clk-freq", default=100e6, type=float, help="system clock frequency")
    parser.add_target_argument("--config", default="arty-35", help="accelerator configuration, by name or .toml file")
    parser.set_defaults(output_dir=str(ROOT / "build" / "arty"), l2_size=L2_BYTES, timer_uptime=True, no_ident_version=True)
    return parser


def _check(arguments):
    if arguments.toolchain in FREE_TOOLCHAINS:
        raise UserError(f"--toolchain {arguments.toolchain} cannot build the DDR3 that the accelerator needs: use --toolchain vivado")
    if arguments.cpu_type not in (None, "vexriscv"):
        raise UserError(f"--cpu-type {arguments.cpu_type} is not supported: the firmware is for vexriscv")


def run(words):
    """Do what the command line (a list of words) says; returns the exit status."""
    for name in ("--run", "--model"):
        if any(word == name or word.startswith(name + "=") for word in words):
            raise UserError(f"{name} on the board is not there yet: --target sim runs models")
    # LiteX's parser reads sys.argv itself, besides what it is given.
    sys.argv = ["build.py --target arty", *words]
    parser = _parser()
    arguments = parser.parse_args()
    _check(arguments)
    config = load_config(arguments.config)
    builder_arguments = parser.builder_argdict
    gateware = Path(builder_arguments.get("gateware_dir") or Path(builder_arguments["output_dir"]) / "gateware")
    settings = {name: value for name, value in parser.soc_argdict.items() if name != "ident"}
    soc = ArtySoC(config, gateware, variant=arguments.variant, toolchain=arguments.toolchain, sys_clk_freq=arguments.sys_clk_freq,
                       **settings)
    builder = Builder(soc, **builder_arguments)
    if arguments.build:
        builder.build(**parser.toolchain_argdict)
        print(f"the project with configuration {config.name} is in {builder.gateware_dir}")
    if arguments.load:
        soc.platform.create_programmer().load_bitstream(_bitstream(builder, "sram"))
    if arguments.flash:
        soc.platform.create_programmer().flash(0, _bitstream(builder, "flash"))
    return 0


def _bitstream(builder, mode):
    path = builder.get_bitstream_filename(mode=mode)
    if not Path(path).exists():
        raise UserError(f"there is no bitstream {path}: build it first, with --build on a machine that has Vivado")
    return path
