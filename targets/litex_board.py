# SPDX-License-Identifier: BSD-2-Clause
"""What all targets that are boards share: LiteX's command line and ours, the project that is written, `--resources`."""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from litex.build.parser import LiteXArgumentParser
from litex.soc.integration.builder import Builder

from accel.config import load_config
from accel.errors import UserError
from soc.boards import BOARDS
from targets import board_run
from targets.clocks import check_clock
from targets.console import console
from targets.netlist import read_netlist
from targets.programming import programming
from targets.resources import device_table, verdict
from targets.synthesis import project_netlist

ROOT = Path(__file__).resolve().parents[1]
_SOURCES = ("accel/[!p]*.py", "accel/hdl/*.py", "soc/*.py", "targets/litex_board.py", "targets/synthesis.py")


@dataclass(frozen=True)
class Board:
    """A target: what differs from one board to the next.

    target: its name on the command line and in soc.boards. title: the board's. platform: LiteX's class, whose toolchains the command line
    offers. top: name of the project's files and of its top module. soc: class of the SoC, called with (config, verilog_directory, the
    toolchain, the clock, `soc_options`, settings of LiteX's SoC); soc_options: those of the board's own options that it takes.
    add_options(parser): adds the board's own options. device(arguments): the key in targets.resources.DEVICES. check(arguments): raises
    UserError for what LiteX would accept but the accelerator cannot have. build(board, builder, parser, arguments): does what --build says.
    program(soc, builder, arguments): does what --load and --flash say. clocks: LiteX's class that makes the SoC's clocks, as
    targets.clocks.check_clock calls it. defaults: (name, value) of LiteX's options. variants: (what --variant says, its configuration's name, its
    folder in build/) of a board of which there are several, the first one being meant where nothing is said.
    """

    target: str
    title: str
    platform: type
    top: str
    add_options: Callable
    device: Callable
    soc: type
    check: Callable
    build: Callable
    program: Callable
    clocks: type
    soc_options: tuple = ()
    defaults: tuple = ()
    variants: tuple = ()

    @property
    def hardware(self):
        """What the board is: a Board of soc.boards."""
        return BOARDS[self.target]


def _variant(board, words):
    """Return (configuration's name, folder in build/) that are the defaults of the variant that a list of words asks for."""
    if not board.variants:
        return board.hardware.config, board.target
    # LiteX's parser parses only once, and wants to know its defaults before it does.
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--variant", nargs="?")
    asked = parser.parse_known_args(words)[0].variant
    return next((variant[1:] for variant in board.variants if variant[0] == asked), board.variants[0][1:])


def _parser(board, words):
    config, folder = _variant(board, words)
    parser = LiteXArgumentParser(platform=board.platform)
    # LiteX's parser takes what it is given for argparse's first argument.
    parser.prog = f"./build.py --target {board.target}"
    parser.description = f"SPARCNet on LiteX for {board.title}: gateware and firmware. What runs a model on the board is listed by --run --help."
    parser.add_target_argument("--resources", action="store_true", help="print what the SoC takes of the device, by Yosys (minutes, once)")
    parser.add_target_argument("--sys-clk-freq", default=float(board.hardware.clock_hz), type=float, help="system clock frequency")
    parser.add_target_argument("--config", default=config, help="accelerator configuration, by name or .toml file")
    if names := [variant[0] for variant in board.variants]:
        parser.add_target_argument("--variant", default=names[0], choices=names, help="board variant: --config and --output-dir follow it")
    board.add_options(parser)
    parser.set_defaults(output_dir=str(ROOT / "build" / folder), timer_uptime=True, no_ident_version=True, **dict(board.defaults))
    return parser


def parse(board, words):
    """Return (LiteX's parser, its arguments) for a list of words. Raises UserError for what the board cannot have."""
    # LiteX's parser reads sys.argv itself, besides what it is given.
    sys.argv = [f"build.py --target {board.target}", *words]
    parser = _parser(board, words)
    arguments = parser.parse_args()
    if arguments.cpu_type not in (None, "vexriscv"):
        raise UserError(f"--cpu-type {arguments.cpu_type} is not supported: the firmware is for vexriscv")
    if arguments.integrated_main_ram_size:
        raise UserError("the accelerator needs the board's own memory: leave --integrated-main-ram-size out")
    if arguments.build_backend != "litex":
        raise UserError(f"--build-backend {arguments.build_backend} is not supported: leave it out")
    board.check(arguments)
    check_clock(board.clocks, board.platform, arguments.sys_clk_freq)
    return parser, arguments


def soc_netlist(board, words):
    """Return (Netlist, key of its device, config) of the whole SoC that the command line `words` asks for, its BIOS in the ROM. Minutes, the
    first time.

    Raises UserError where the words ask for something that a netlist is not, or where a tool fails.
    """
    _, arguments = parse(board, words)
    for name in ("build", "load", "flash", "no_compile", "no_compile_software"):
        if getattr(arguments, name):
            raise UserError(f"--{name.replace('_', '-')} and --resources cannot be had at once: give one of them")
    config, device = load_config(arguments.config), board.device(arguments)

    def write_project(folder):
        options = ["--build", "--no-compile-gateware", "--output-dir", folder, "--gateware-dir", folder / "gateware", "--software-dir",
                   folder / "software"]
        project = [word for word in words if word != "--resources"]
        result = subprocess.run([sys.executable, ROOT / "build.py", "--target", board.target, *project, *options], capture_output=True, text=True)
        if result.returncode:
            raise UserError(f"the project could not be written; the last words were:\n{(result.stdout + result.stderr)[-2000:]}")

    facts = {name: str(value) for name, value in sorted(vars(arguments).items()) if name not in ("config", "resources") and not name.endswith("_dir")}
    path = project_netlist(f"{device}-{config.name}", json.dumps(facts) + repr(config), write_project, board.top,
                           (*_SOURCES, f"targets/{board.target}.py"))
    return read_netlist(path, board.top), device, config


def print_resources(board, words):
    """Print what the whole SoC that the command line `words` asks for takes of its device; returns the exit status: 0 where it fits, else 1."""
    netlist, device, config = soc_netlist(board, words)
    console().print(device_table(netlist, device, f"the whole SoC, {config.name}"))
    fits, sentence = verdict(netlist, device)
    print(sentence)
    return 0 if fits else 1


def project(board, parser, arguments):
    """Return (SoC, LiteX's Builder) of what the command line asks for; nothing is built yet."""
    builder_arguments = parser.builder_argdict
    gateware = Path(builder_arguments.get("gateware_dir") or Path(builder_arguments["output_dir"]) / "gateware")
    settings = {name: value for name, value in parser.soc_argdict.items() if name != "ident"}
    settings.update((name, getattr(arguments, name)) for name in ("toolchain", "sys_clk_freq", *board.soc_options))
    config = load_config(arguments.config)
    try:
        soc = board.soc(config, gateware, **settings)
    except ValueError as error:
        # LiteDRAM raises it, often without a word, at a clock that its memory cannot have; at the usual clock it is something else.
        if arguments.sys_clk_freq == board.hardware.clock_hz:
            raise
        reason = str(error) or "the memory cannot have it"
        raise UserError(f"LiteX cannot make this board's SoC at {arguments.sys_clk_freq / 1e6:g} MHz ({reason}): its usual frequency is "
                        f"{board.hardware.clock_hz / 1e6:g} MHz") from error
    return soc, Builder(soc, **builder_arguments)


def run(board, words):
    """Do what the command line (a list of words) says; returns the exit status."""
    if board_run.is_meant(words):
        return board_run.run(words, board)
    parser, arguments = parse(board, words)
    if arguments.resources:
        return print_resources(board, words)
    soc, builder = project(board, parser, arguments)
    if arguments.build:
        board.build(board, builder, parser, arguments)
    board.program(soc, builder, arguments)
    return 0


def program(builder, programmer, arguments, remedy):
    """Do what --load and --flash say with one of LiteX's programmers. Raises UserError where there is no bitstream (remedy: what to do then), or
    the programmer's tool fails."""
    if arguments.load:
        load(builder, programmer, remedy)
    if arguments.flash:
        path = bitstream(builder, "flash", remedy)
        with programming(programmer):
            programmer.flash(0, path)


def load(builder, programmer, remedy):
    """Do what --load says, as `program`."""
    path = bitstream(builder, "sram", remedy)
    with programming(programmer):
        programmer.load_bitstream(path)


def bitstream(builder, mode, remedy):
    """Return the path of the project's bitstream for `mode`, LiteX's "sram" or "flash". Raises UserError, with the remedy, where there is none."""
    path = builder.get_bitstream_filename(mode=mode)
    if not Path(path).exists():
        raise UserError(f"there is no bitstream {path}: {remedy}")
    return path
