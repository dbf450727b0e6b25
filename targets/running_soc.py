# SPDX-License-Identifier: BSD-2-Clause
"""The simulated SoC with a model in its memory, booted: what the command line, bench/ and tests share."""

import contextlib

from accel.config import CONFIGS
from accel.errors import UserError
from accel.hdl.requantise_lane import ROUNDING
from compiler.binary import build_binary
from compiler.layout import align
from compiler.memory_map import FIRMWARE_ADDRESS, MODEL_ADDRESS
from firmware.build import build_firmware
from firmware.built_for import BuiltFor
from firmware.serial_boot import BootFile, SerialBoot, write_boot_files
from nets.images import Samples
from nets.model import Model
from soc.boards import BOARDS
from targets.inference_options import Work
from targets.simulator import Simulation, build_simulator, software_directory

# jalr x0, 0(x0): the BIOS, which runs what lies here when no one answers its request for a serial boot, begins anew and asks again.
BIOS_AGAIN = (0x67).to_bytes(4, "little")


def work_for(network, images, config=CONFIGS["arty-35"], cpu=False, batch=1, pruning=None):
    """Return the Work of running int8 `images` [N, H, W, C] through `network`, `batch` at a time; cpu: the CPU's kernels can run it too. pruning: as
    compile_network has it."""
    return Work(config, Model(network), Samples(images), build_binary(network, config, cpu, batch, pruning))


def place_images(work):
    """Return (addresses, bytes): where the images of each batch lie behind the model, and the bytes from the first address on.

    Raises UserError where model and images exceed the board's memory.
    """
    batches = work.batches
    size = align(batches[0].nbytes)
    first = align(work.binary.end)
    if first + size * len(batches) > FIRMWARE_ADDRESS + work.board.memory_bytes:
        raise UserError(f"firmware, model and {len(work.samples.images)} images of {batches[0][0].nbytes} bytes do not fit the memory of "
                        f"{work.board.memory_bytes:,} bytes: lower --count, or choose a smaller model")
    data = b"".join(images.tobytes().ljust(size, b"\0") for images in batches)
    return [first + i * size for i in range(len(batches))], data


def boot_files(work, firmware, fault=None):
    """Return the BootFiles of a run, the firmware last, and the batches' addresses."""
    addresses, images = place_images(work)
    model = _flip_weight_bit(work) if fault == "weight" else work.binary.data
    return [BootFile("model.bin", MODEL_ADDRESS, model), BootFile("images.bin", addresses[0], images),
            BootFile("firmware.bin", FIRMWARE_ADDRESS, firmware)], addresses


def _flip_weight_bit(work):
    """Return the model binary's bytes with one bit of the last channel's weight flipped in the last layer that has weights.

    Nothing after it can hide it.
    """
    layer = next(layer for layer in reversed(work.binary.model.layers) if layer.plan is not None and layer.plan.last_weight is not None)
    place = layer.stream_address - MODEL_ADDRESS + layer.plan.last_weight
    data = bytearray(work.binary.data)
    data[place] ^= 0x40
    return bytes(data)


def build_soc(config, jobs=2, on_wait=lambda: None, rounding=ROUNDING, board=BOARDS["arty"]):
    """Build what is missing; returns (directory of the simulator, bytes of the firmware). Arguments are build_simulator's."""
    directory = build_simulator(config, jobs, on_wait, rounding, board)
    return directory, build_firmware(config, software_directory(directory), directory / "firmware", jobs, BuiltFor(board.clock_hz)).read_bytes()


@contextlib.contextmanager
def booted_soc(directory, files, boot="ram", arrived=lambda count: None):
    """Yield the Link of a simulation that has booted: from DRAM that holds `files` ("ram"), or that they were sent to serially ("uart").

    arrived: called with how many bytes the serial boot has moved.
    """
    contents = [(FIRMWARE_ADDRESS, BIOS_AGAIN)] if boot == "uart" else [(file.address, file.data) for file in files]
    with Simulation(directory, contents) as simulation:
        link = simulation.link()
        try:
            if boot == "uart":
                write_boot_files(directory / "firmware", files)
                # The line loses nothing: silence only means that the machine is busy.
                SerialBoot(link.serial, simulation.check_alive, silence=60).load(files, arrived)
            link.wait_ready()
            yield link
        finally:
            link.close()


@contextlib.contextmanager
def running_soc(work, boot="ram"):
    """Yield (link, addresses of the batches) of a simulated SoC that has booted with `work` in its memory."""
    directory, firmware = build_soc(work.config, board=work.board)
    files, addresses = boot_files(work, firmware)
    with booted_soc(directory, files, boot) as link:
        yield link, addresses
