# SPDX-License-Identifier: BSD-2-Clause
"""The one place that converts MyHDL to Verilog: every warning but one is an error, and files change only when their text does."""

import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from myhdl import ToVerilogWarning, _block
from myhdl.conversion._misc import _error

from accel.core import core, core_ports
from accel.hdl.requantise_lane import ROUNDING
from accel.hdl.interfaces import flag, unsigned


def core_signals(config):
    """Return {port: new signal} for one instance of the core."""
    return {name: flag() if bits == 1 else unsigned(bits) for name, (bits, _) in core_ports(config).items()}


def convert_block(instance, name, directory):
    """Convert an instance to `directory`/`name`.v and return its path. Raises ToVerilogWarning where MyHDL warns."""
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("error", ToVerilogWarning)
        # Not every user of a bundle reads all of it; synthesis drops what nobody reads.
        warnings.filterwarnings("ignore", _error.UnreadSignal, ToVerilogWarning)
        instance.convert(hdl="Verilog", path=scratch, name=name, testbench=False, no_myhdl_header=True, initial_values=True)
        text = (Path(scratch) / f"{name}.v").read_text()
    path = Path(directory) / f"{name}.v"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    return path


def convert_core(config, directory, rounding=ROUNDING):
    """Write the core of `config` as Verilog module `sparcnet_core`; returns the file's path. rounding: see accel.hdl.requantise_lane."""
    # For every block MyHDL looks up the source of each frame on the stack: a thread of its own has few, a test runner's has many.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_convert_core, config, directory, rounding).result()


def _convert_core(config, directory, rounding):
    # MyHDL numbers blocks over the whole process; the text must not depend on what was converted before.
    _block._inst_name_set.clear()
    _block._name_set.clear()
    return convert_block(core(**core_signals(config), config=config, rounding=rounding), "sparcnet_core", directory)
