# SPDX-License-Identifier: BSD-2-Clause
"""`--run --port PORT`: a model on a board whose firmware answers at a serial port, by the frames of firmware.session."""

import argparse
import contextlib
import os
import sys
from pathlib import Path

import numpy as np

from accel.config import CONFIGS, load_config
from accel.errors import UserError
from compiler.expectation import expect, first_difference
from firmware.link import FIRST_BAUD, open_port
from firmware.serial_boot import BootFile, SerialBoot
from firmware.session import Session, place_of
from targets.console import console, progress
from targets.inference_options import add_options, work_of
from targets.run_model import conclude, judge_cpu, run_batches
from targets.running_soc import FIRMWARE_ADDRESS

ROOT = Path(__file__).resolve().parents[1]
GATEWARE = ("--build", "--load", "--flash", "--resources")
# What FTDI's chip and the UART make exactly of their clocks.
RAISED_BAUD = 1_000_000
# The firmware's slowest, and what the fastest of FTDI's chips can.
BAUD_RATES = range(1200, 12_000_001)
# A board answers a request within milliseconds; the simulation is slow, but loses nothing.
PATIENCE, SIMULATED_SILENCE, SIMULATED_PATIENCE, RESET_PATIENCE = 10, 60, 600, 120


def add_board_options(parser, firmware):
    """Add what only a board has to an argparse parser; `firmware` is the default path of what --boot sends."""
    group = parser.add_argument_group("board")
    group.add_argument("--port", help="serial port of the board, such as /dev/ttyUSB1, or of a simulation that --target sim --serve runs")
    group.add_argument("--uart-baudrate", type=int, default=FIRST_BAUD, metavar="N",
                       help="the rate that the line begins with, as --build was given it for the gateware (default: %(default)s)")
    group.add_argument("--baud", type=int, default=RAISED_BAUD, metavar="N",
                       help="the rate that the line is raised to, where gateware and line can have it (default: %(default)s)")
    group.add_argument("--boot", choices=["uart"], help="first send the firmware by LiteX's serial boot, for which the BIOS asks after a reset")
    group.add_argument("--firmware", metavar="FILE", default=str(firmware), help="the firmware that --boot sends (default: %(default)s)")
    group.add_argument("--reset", action="store_true", help="first make the firmware forget its model and turn every filter on; alone, do only that")
    group.add_argument("--step", action="store_true", help="run the first image step by step, on a terminal one for each Enter; with --cpu layer by "
                                                           "layer by the CPU's kernels")
    group.add_argument("--dump", nargs=2, action="append", default=[], metavar=("TENSOR", "FILE.npy"),
                       help="write a tensor as the last image of --run left it, or of --step alone the first image; may be given more than once")


def is_meant(words):
    """Return whether a command line (a list of words) asks for what a board does, not for gateware."""
    return any(word.partition("=")[0] in ("--run", "--step", "--reset", "--boot", "--port") for word in words)


def run(words, board):
    """Do what a command line that `is_meant` says on a targets.litex_board.Board; returns the exit status."""
    target = board.target
    parser = argparse.ArgumentParser(prog=f"./build.py --target {target}", description=__doc__, allow_abbrev=False)
    add_options(parser)
    parser.set_defaults(config=board.hardware.config)
    add_board_options(parser, ROOT / "build" / target / "firmware" / "firmware.bin")
    for name in GATEWARE:
        if name in words:
            raise UserError(f"{name} is about the gateware: give it first, on a command line of its own")
    arguments = parser.parse_args(words)
    if arguments.port is None:
        raise UserError("a board is reached through a serial port: give --port PORT, such as /dev/ttyUSB1")
    wants_model = arguments.run or arguments.step
    if not (wants_model or arguments.reset or arguments.boot):
        raise UserError("nothing to do at the port: give --run, --step, --reset or --boot uart")
    if arguments.step and arguments.batch > 1:
        raise UserError("--step goes through one image: leave out --batch")
    if arguments.dump and not wants_model:
        raise UserError("--dump writes what a model has left in memory: give --run or --step")
    _check_rate("--baud", arguments.baud)
    _check_rate("--uart-baudrate", arguments.uart_baudrate)
    with contextlib.closing(open_port(arguments.port, arguments.uart_baudrate)) as port:
        work = work_of(arguments, board.hardware) if wants_model else None
        for name, path in arguments.dump:
            _check_dump(work, name, path)
        with progress() as bar:
            if arguments.boot:
                boot(port, arguments.firmware, bar)
            session = _session(port)
        check_config(session.identity.config, load_config(arguments.config))
        try:
            if arguments.reset:
                session.reset()
                print("the firmware has forgotten its model; every filter is on")
            return _run_model(session, work, arguments, target) if wants_model else 0
        finally:
            with contextlib.suppress(UserError):  # of a line that is gone, which has been told already
                session.lower()


def _check_rate(option, baud):
    if baud not in BAUD_RATES:
        raise UserError(f"{option} {baud}: no line has this rate; give {BAUD_RATES[0]:,} to {BAUD_RATES[-1]:,} baud, such as {option} 115200")


def boot(port, path, bar):
    """Send the firmware at `path` by LiteX's serial boot on a pyserial port, telling a rich Progress how far it is."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"cannot read the firmware {path} ({error.strerror}): write it with --build, or name it by --firmware FILE") from error
    task = bar.add_task("firmware through the serial boot: reset the board", total=len(data))
    SerialBoot(port).load([BootFile("firmware.bin", FIRMWARE_ADDRESS, data)], lambda count: bar.advance(task, count), RESET_PATIENCE)
    bar.remove_task(task)


def _session(port):
    """Return the Session at a port; it waits as long as the line needs."""
    session = Session(port, patience=PATIENCE)
    if not session.identity.baud:
        session.silence, session.patience = SIMULATED_SILENCE, SIMULATED_PATIENCE
    return session


def check_config(found, config):
    """Raise UserError where the board's accelerator, of configuration hash `found`, is not of AccelConfig `config`."""
    if found == config.hash:
        return
    known = next((other.name for other in CONFIGS.values() if other.hash == found), None)
    raise UserError(f"the board's accelerator is {known}, not {config.name}: give --config {known}" if known else
                    f"the board's accelerator is of another configuration (hash 0x{found:08x}) than {config.name}: give --config the one that it was "
                    "built with, or build the gateware again")


def raise_baud(session, baud):
    """Raise the line's rate where that can be; returns a note where it cannot, else None."""
    if not session.identity.baud or baud == session.identity.baud:
        return None
    try:
        if session.change_baud(baud):
            return None
        return f"the line does not carry {baud:,} baud: it stays at {session.identity.baud:,}"
    except UserError as error:
        return f"{error}; the line stays at {session.identity.baud:,} baud"


def _run_model(session, work, arguments, target):
    notes = [raise_baud(session, arguments.baud)]
    with progress() as bar:
        task = bar.add_task("the model to the board", total=len(work.binary.data))
        session.load_model(work.binary, lambda count: bar.advance(task, count))
        bar.remove_task(task)
        if arguments.run:
            task = bar.add_task("images on the accelerator", total=len(work.batches))
            runs = run_batches(lambda images, expectation: session.judged_run(work.network, expectation, images), work, lambda: bar.advance(task))
            # What follows runs the first image again.
            dumped = _dump(session, arguments.dump)
            cpu_run = None
            if arguments.cpu:
                bar.update(task, description="one image by the CPU alone", total=None)
                cpu_run = judge_cpu(session.run_by_cpu(work.samples.images[0]), work)
    for note in filter(None, notes):
        print(f"note: {note}")
    status = 0
    if arguments.step:
        status = _step(session, work, arguments.cpu)
    if not arguments.run:
        dumped = _dump(session, arguments.dump)
    for sentence in dumped:
        print(sentence)
    if arguments.run:
        status = max(status, conclude(arguments, work, target, session.identity.clock_hz, runs, cpu_run, classes=not arguments.pictures))
    return status


def _step(session, work, by_cpu):
    """Run the first image step by step, saying after each what it took and whether what it wrote is right; returns the exit status."""
    model, image, screen = work.binary.model, work.samples.images[0], console()
    written = {layer.name: layer.output for layer in (model.lowered.layers if by_cpu else model.layers)}
    expected = expect(work.network, model, image).tensors
    session.start(image, by_cpu)
    status, last = 0, False
    while not last:
        step = session.step()
        name, last = written[step.layers[-1]], step.last
        difference = first_difference(expected[name], session.tensor(name)) if name in expected else None
        screen.print(f"step {step.number}: {', '.join(step.layers)}: {step.cycles:,} cycles, {name} "
                     + ("NOT EXACT at {}: expected {}, got {}".format(*difference) if difference else "as expected"), highlight=False)
        status = max(status, int(difference is not None))
        if not last and not _goes_on():
            break
    return status


def _goes_on():
    """Wait for Enter where someone is there to press it; returns whether the next step is wanted: Ctrl-D ends the stepping."""
    if not sys.stdin.isatty():
        return True
    try:
        input("Enter for the next step, Ctrl-D to end: ")
    except EOFError:
        print()
        return False
    return True


def _check_dump(work, name, path):
    """Raise UserError where --dump could not be done once the model has run."""
    place_of(work.binary.model, name)
    path = Path(path)
    folder = path.resolve().parent
    if not folder.is_dir():
        raise UserError(f"--dump {name} {path}: there is no folder {folder}")
    if path.is_dir() or not os.access(path if path.exists() else folder, os.W_OK):
        raise UserError(f"--dump {name} {path}: no file can be written there; name another")


def _dump(session, dumps):
    """Write the tensors (name, path) as they lie in memory; returns a sentence about each."""
    sentences = []
    for name, path in dumps:
        tensor = session.tensor(name)
        try:
            with open(path, "wb") as file:  # by its name np.save would put .npy behind any other ending
                np.save(file, tensor)
        except OSError as error:
            raise UserError(f"cannot write {path}: {error}") from error
        sentences.append(f"{name}: {tensor.dtype} {' x '.join(map(str, tensor.shape))}, in {path}")
    return sentences
