# SPDX-License-Identifier: BSD-2-Clause
"""`./build.py --target arty`: the same SoC on Digilent's Arty A7. LiteX's own options keep their names and meaning."""

import json
import subprocess
import sys
from pathlib import Path

from litex.soc.integration.builder import Builder
from litex.build.parser import LiteXArgumentParser
from litex_boards.platforms import digilent_arty
from litex_boards.targets.digilent_arty import BaseSoC

from accel.config import load_config
from accel.errors import UserError
from soc.accelerator import add_accelerator
from targets.console import console
from targets.netlist import read_netlist
from targets.resources import device_table
from targets.synthesis import project_netlist

ROOT = Path(__file__).resolve().parents[1]
L2_BYTES = 2048
TOP = "digilent_arty"
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
    parser.add_target_argument("--resources", action="store_true", help="print what the SoC takes of the device, by Yosys (minutes, once)")
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


def _arguments(words):
    # LiteX's parser reads sys.argv itself, besides what it is given.
    sys.argv = ["build.py --target arty", *words]
    parser = _parser()
    arguments = parser.parse_args()
    _check(arguments)
    return parser, arguments


def soc_netlist(words):
    """Return (Netlist, variant, config) of the whole SoC that the command line `words` asks for, its BIOS in the ROM. Minutes, the first time.

    Raises UserError where the words ask for something that a netlist is not, or where a tool fails.
    """
    _, arguments = _arguments(words)
    for name in ("build", "load", "flash", "no_compile", "no_compile_software"):
        if getattr(arguments, name):
            raise UserError(f"--{name.replace('_', '-')} and --resources cannot be had at once: give one of them")
    config = load_config(arguments.config)

    def write_project(folder):
        options = ["--build", "--no-compile-gateware", "--output-dir", folder, "--gateware-dir", folder / "gateware", "--software-dir",
                   folder / "software"]
        project = [word for word in words if word != "--resources"]
        result = subprocess.run([sys.executable, ROOT / "build.py", "--target", "arty", *project, *options], capture_output=True, text=True)
        if result.returncode:
            raise UserError(f"the project could not be written; the last words were:\n{(result.stdout + result.stderr)[-2000:]}")

    facts = {name: str(value) for name, value in sorted(vars(arguments).items()) if name not in ("config", "resources") and not name.endswith("_dir")}
    path = project_netlist(f"{arguments.variant}-{config.name}", json.dumps(facts) + repr(config), write_project, TOP)
    return read_netlist(path, TOP), arguments.variant, config


def run(words):
    """Do what the command line (a list of words) says; returns the exit status."""
    for name in ("--run", "--model"):
        if any(word == name or word.startswith(name + "=") for word in words):
            raise UserError(f"{name} on the board is not there yet: --target sim runs models")
    parser, arguments = _arguments(words)
    if arguments.resources:
        netlist, variant, config = soc_netlist(words)
        console().print(device_table(netlist, variant, f"the whole SoC, {config.name}"))
        return 0
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
