# SPDX-License-Identifier: BSD-2-Clause
"""`./build.py --target sim`: the whole SoC, cycle by cycle, in litex_sim."""

import argparse

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from accel.config import load_config
from accel.errors import UserError
from accel.hdl.requantise_lane import ROUNDING
from compiler.binary import MODEL_ADDRESS
from compiler.layout import align
from firmware.build import build_firmware
from firmware.link import Link
from targets.inference_options import add_options, work_of
from targets.run_model import conclude, run_cpu, run_model
from targets.simulator import Simulation, build_simulator, software_directory

CLOCK_HZ = 100_000_000
FIRMWARE_ADDRESS = 0x4000_0000
DRAM_END = 0x5000_0000


def place_images(work):
    """Return (addresses, bytes): where each image lies behind the model, and the bytes from the first address on.

    Raises UserError where model and images exceed the DRAM.
    """
    size = align(work.samples.images[0].nbytes)
    first = align(work.binary.end)
    if first + size * len(work.samples.images) > DRAM_END:
        raise UserError(f"the model and {len(work.samples.images)} images of {size} bytes do not fit the DRAM of {DRAM_END - FIRMWARE_ADDRESS} bytes: "
                        "lower --count")
    data = b"".join(image.tobytes().ljust(size, b"\0") for image in work.samples.images)
    return [first + i * size for i in range(len(work.samples.images))], data


def dram_contents(work, firmware, fault=None):
    """Return the (address, bytes) pairs that DRAM holds at the start, and the images' addresses."""
    addresses, images = place_images(work)
    model = _flip_weight_bit(work) if fault == "weight" else work.binary.data
    return [(FIRMWARE_ADDRESS, firmware), (MODEL_ADDRESS, model), (addresses[0], images)], addresses


def _flip_weight_bit(work):
    """Return the model binary's bytes with one bit of the last channel's weight flipped in the last layer that has weights: nothing after it can hide it."""
    layer = next(layer for layer in reversed(work.binary.model.layers) if layer.plan is not None and layer.plan.last_weight is not None)
    place = layer.stream_address - MODEL_ADDRESS + layer.plan.last_weight
    data = bytearray(work.binary.data)
    data[place] ^= 0x40
    return bytes(data)


def _progress():
    return Progress(SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), transient=True)


def _build(config, arguments, progress):
    task = progress.add_task(f"building the simulator of {config.name} (minutes the first time)", total=None)
    rounding = 0 if arguments.fault == "rounding" else ROUNDING
    directory = build_simulator(config, arguments.jobs, lambda: progress.update(task), rounding)
    firmware = build_firmware(config, software_directory(directory), directory / "firmware", arguments.jobs).read_bytes()
    progress.remove_task(task)
    return directory, firmware


def simulate(work, arguments):
    """Build what is missing, run the images, report; returns the exit status."""
    place_images(work)  # refuses what does not fit before anything is built
    with _progress() as progress:
        directory, firmware = _build(work.config, arguments, progress)
        contents, addresses = dram_contents(work, firmware, arguments.fault)
        task = progress.add_task("booting", total=None)
        with Simulation(directory, contents) as simulation:
            link = Link(simulation.port, simulation.check_alive)
            link.wait_ready()
            progress.update(task, description="images on the accelerator", total=len(addresses))
            runs = run_model(link, work, addresses, lambda: progress.advance(task))
            cpu_run = None
            if arguments.cpu:
                progress.update(task, description="one image by the CPU alone", total=None)
                cpu_run = run_cpu(link, work, addresses[0])
            link.command("exit")
            link.close()
    return conclude(arguments, work, "sim", CLOCK_HZ, runs, cpu_run)


def run(arguments):
    """Do what the command line (a list of words) says; returns the exit status."""
    parser = argparse.ArgumentParser(prog="./build.py --target sim", description=__doc__, allow_abbrev=False)
    add_options(parser)
    parser.add_argument("--build", action="store_true", help="build the simulator only")
    parser.add_argument("--fault", choices=["weight", "rounding"],
                        help="put a fault in, to see that it is found: flip one bit of a weight in DRAM, or build a requantiser that rounds wrongly")
    arguments = parser.parse_args(arguments)
    if arguments.run:
        return simulate(work_of(arguments), arguments)
    if not arguments.build:
        raise UserError("nothing to do: give --run to run a model, or --build to build the simulator only")
    with _progress() as progress:
        directory, _ = _build(load_config(arguments.config), arguments, progress)
    print(f"the simulator is in {directory}")
    return 0
