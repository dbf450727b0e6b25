# SPDX-License-Identifier: BSD-2-Clause
"""`./build.py --target arty`: the same SoC on Digilent's Arty A7. LiteX's own options keep their names and meaning."""

from functools import partial
from pathlib import Path

from litex.soc.cores.gpio import GPIOIn
from litex_boards.platforms import digilent_arty
from litex_boards.targets.digilent_arty import BaseSoC, _CRG

from accel.config import load_config
from accel.errors import UserError
from compiler.binary import build_binary
from soc.accelerator import add_accelerator
from targets import litex_board, vivado_build
from targets.flash import FIRMWARE_OFFSET, boot_image, describe, flash_image, flash_parts, write_parts
from targets.inference_options import Work
from targets.model_options import add_image_options, add_model_options, model_of, samples_of

L2_BYTES = 2048
FREE_TOOLCHAINS = ("yosys+nextpnr", "openxc7", "f4pga")
NO_BITSTREAM = "build it first, with --build on a machine that has Vivado"


class ArtySoC(BaseSoC):
    """LiteX's SoC for the board, with the accelerator of `config`, whose Verilog is written to `verilog_directory`; the UART's rate can be
    raised, the firmware has the LEDs, and sees the buttons. with_spi_flash: the BIOS boots what lies in the flash."""

    def __init__(self, config, verilog_directory, with_spi_flash=False, **kwargs):
        super().__init__(uart_with_dynamic_baudrate=True, with_spi_flash=with_spi_flash, **kwargs)
        add_accelerator(self, config, verilog_directory)
        self.buttons = GPIOIn(self.platform.request_all("user_btn"))
        if with_spi_flash:
            self.add_constant("FLASH_BOOT_ADDRESS", self.bus.regions["spiflash"].origin + FIRMWARE_OFFSET)


def _add_options(parser):
    parser.add_target_argument("--flash", action="store_true", help="write the bitstream to the board's SPI flash; with --with-spi-flash "
                               "the firmware too, and with --model a model and images, which the board then classifies after power-on, without a PC")
    parser.add_target_argument("--flash-image", metavar="FILE", help="write what --flash would write to FILE, from the flash's first byte on")
    parser.add_target_argument("--with-spi-flash", action="store_true",
                               help="put in what reads the SPI flash: the board boots its firmware from there")
    add_model_options(parser)
    add_image_options(parser)
    parser.add_argument("--count", type=int, help="how many images of the set go to the flash (default: as --run)")


def _check(arguments):
    if arguments.toolchain in FREE_TOOLCHAINS:
        raise UserError(f"--toolchain {arguments.toolchain} cannot build the DDR3 that the accelerator needs: use --toolchain vivado")
    if arguments.model is not None and not (arguments.flash or arguments.flash_image):
        raise UserError("--model is for --run --port PORT, or for --flash: give one of them")
    if arguments.model is not None and not arguments.with_spi_flash:
        raise UserError("a model in the flash wants gateware that reads it: give --with-spi-flash, with --build as with --flash")
    if arguments.model is None and (arguments.images or arguments.count is not None):
        raise UserError("--images and --count are for a --model: give one, or leave them out")


def _program(soc, builder, arguments):
    if arguments.load:
        litex_board.load(builder, soc.platform.create_programmer(), NO_BITSTREAM)
    if arguments.flash or arguments.flash_image:
        _flash(soc, builder, arguments)


def _flash(soc, builder, arguments):
    """Write what --flash says to the board, or to the file of --flash-image."""
    bitstream, firmware, work = Path(litex_board.bitstream(builder, "flash", NO_BITSTREAM)), None, None
    if arguments.with_spi_flash:
        path = Path(builder.output_dir) / "firmware" / "firmware.bin"
        if not path.exists():
            raise UserError(f"there is no firmware {path}: write it with --build, and the same options")
        firmware = boot_image(path, path.parent)
    if arguments.model is not None:
        config = load_config(arguments.config)
        noted = vivado_build.noted_config(bitstream.with_suffix(""))
        if noted and noted["hash"] != config.hash:
            raise UserError(f"the bitstream {bitstream} has the accelerator {noted['name']}, not {config.name}, for which the model is to be: "
                            f"give --config {noted['name']}, or --build it again")
        model = model_of(arguments)
        samples = samples_of(arguments, model.network, arguments.count)
        work = Work(config, model, samples, build_binary(model.network, config))
    parts = flash_parts(bitstream.read_bytes(), firmware, work)
    print(describe(parts))
    if arguments.flash:
        write_parts(parts, soc.platform.create_programmer(), builder.output_dir)
    if arguments.flash_image:
        try:
            Path(arguments.flash_image).write_bytes(flash_image(parts))
        except OSError as error:
            raise UserError(f"cannot write {arguments.flash_image}: {error.strerror}") from error


BOARD = litex_board.Board(
    target="arty", title="the Arty A7", platform=digilent_arty.Platform, top="digilent_arty", add_options=_add_options,
    device=lambda arguments: arguments.variant, check=_check, soc=ArtySoC, soc_options=("variant", "with_spi_flash"),
    build=vivado_build.build, program=_program, clocks=_CRG, defaults=(("l2_size", L2_BYTES),),
    variants=(("a7-35", "arty-35", "arty"), ("a7-100", "arty-100", "arty-a7-100")))
run = partial(litex_board.run, BOARD)
