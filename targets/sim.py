# SPDX-License-Identifier: BSD-2-Clause
"""`./build.py --target sim`: the whole SoC, cycle by cycle, in litex_sim."""

import argparse
import time

from accel.config import load_config
from accel.errors import UserError
from accel.hdl.requantise_lane import ROUNDING
from soc.boards import BOARDS, board_of
from targets.console import progress
from targets.inference_options import add_options, work_of
from targets.run_model import conclude, run_cpu, run_model
from targets.running_soc import BIOS_AGAIN, FIRMWARE_ADDRESS, booted_soc, boot_files, build_soc, place_images
from targets.simulator import Simulation


def _build(config, board, arguments, bar):
    task = bar.add_task(f"building the simulator of {config.name} (minutes the first time)", total=None)
    rounding = 0 if arguments.fault == "rounding" else ROUNDING
    directory, firmware = build_soc(config, arguments.jobs, lambda: bar.update(task), rounding, board)
    bar.remove_task(task)
    return directory, firmware


def simulate(work, arguments):
    """Build what is missing, run the images, report; returns the exit status."""
    place_images(work)  # refuses what does not fit before anything is built
    with progress() as bar:
        directory, firmware = _build(work.config, work.board, arguments, bar)
        files, addresses = boot_files(work, firmware, arguments.fault)
        serial = arguments.boot == "uart"
        task = bar.add_task("loading through the UART" if serial else "booting", total=sum(len(file.data) for file in files) if serial else None)
        with booted_soc(directory, files, arguments.boot, lambda count: bar.advance(task, count)) as link:
            bar.update(task, description="images on the accelerator", total=len(addresses), completed=0)
            runs = run_model(link, work, addresses, lambda: bar.advance(task))
            cpu_run = None
            if arguments.cpu:
                bar.update(task, description="one image by the CPU alone", total=None)
                cpu_run = run_cpu(link, work, addresses[0])
            link.command("exit")
    return conclude(arguments, work, "sim", work.board.clock_hz, runs, cpu_run)


def serve(config, board, arguments):
    """Boot the SoC of a Board without a model and leave its serial port to others, until the simulation ends; returns the exit status."""
    with progress() as bar:
        directory, firmware = _build(config, board, arguments, bar)
    contents = BIOS_AGAIN if arguments.boot == "uart" else firmware
    with Simulation(directory, [(FIRMWARE_ADDRESS, contents)]) as simulation:
        if arguments.boot == "ram":
            link = simulation.link()
            link.wait_ready()
            link.close()
        waits = f"the BIOS asks for a serial boot; the firmware is {directory / 'firmware' / 'firmware.bin'}" if arguments.boot == "uart" \
            else "the firmware listens"
        print(f"serial port: {simulation.port}\n{waits}", flush=True)
        while simulation.process.poll() is None:
            time.sleep(0.2)
    print("the simulation has ended")
    return 0


def run(arguments):
    """Do what the command line (a list of words) says; returns the exit status."""
    parser = argparse.ArgumentParser(prog="./build.py --target sim", description=__doc__, allow_abbrev=False)
    add_options(parser)
    parser.add_argument("--build", action="store_true", help="build the simulator only")
    parser.add_argument("--serve", action="store_true", help="boot without a model, print the path of the serial port, and run until Ctrl-C: "
                        "what talks to a board (--target arty --run --port PORT) talks to it alike")
    parser.add_argument("--jobs", type=int, default=2, help="compilers at a time (default: %(default)s)")
    parser.add_argument("--boot", choices=["ram", "uart"], default="ram",
                        help="how firmware, model and images get into DRAM: they are there from the start, or LiteX's serial boot takes them "
                             "through the simulated UART, about half a minute for the digits (default: %(default)s)")
    parser.add_argument("--fault", choices=["weight", "rounding"],
                        help="put a fault in, to see that it is found: flip one bit of a weight in DRAM, or build a requantiser that rounds wrongly")
    parser.add_argument("--board", default="arty", help=f"whose memory and clock: {', '.join(BOARDS)} (default: %(default)s)")
    arguments = parser.parse_args(arguments)
    board = board_of(arguments.board)
    if arguments.jobs < 1:
        raise UserError(f"--jobs must be at least 1, not {arguments.jobs}")
    if arguments.run and arguments.serve:
        raise UserError("--run and --serve cannot be had at once: give one of them")
    if arguments.run:
        return simulate(work_of(arguments, board), arguments)
    if arguments.serve:
        if arguments.model is not None:
            raise UserError("--serve boots without a model, which comes through the serial port: leave out --model")
        return serve(load_config(arguments.config or board.config), board, arguments)
    if not arguments.build:
        raise UserError("nothing to do: give --run to run a model, --serve to leave the serial port to others, or --build to build the simulator "
                        "only")
    with progress() as bar:
        directory, _ = _build(load_config(arguments.config or board.config), board, arguments, bar)
    print(f"the simulator is in {directory}")
    return 0
