# SPDX-License-Identifier: BSD-2-Clause
"""Reads a netlist of mapped cells: what it takes of the device (Xilinx or ECP5), and its longest path between registers (Xilinx)."""

import gzip
import json
from collections import Counter
from dataclasses import dataclass
from graphlib import TopologicalSorter

# Cells whose outputs follow inputs without a clock, as pairs (outputs, inputs that they follow). Whatever is not listed, write pins of
# memories included, begins and ends paths.
_LUT_PINS = {f"LUT{n}": ((("O",), tuple(f"I{i}" for i in range(n))),) for n in range(1, 7)}
_MUX_PINS = ((("O",), ("I0", "I1", "S")),)
_FOUR_PORTS = tuple(((f"DO{port}",), (f"ADDR{port}",)) for port in "ABCD")
_COMBINATIONAL = {
    **_LUT_PINS,
    "INV": ((("O",), ("I",)),), "MUXF7": _MUX_PINS, "MUXF8": _MUX_PINS,
    "CARRY4": ((("O", "CO"), ("CI", "CYINIT", "DI", "S")),),
    "RAM32M": _FOUR_PORTS, "RAM64M": _FOUR_PORTS,
    "RAM32X1D": ((("DPO",), tuple(f"DPRA{i}" for i in range(5))), (("SPO",), tuple(f"A{i}" for i in range(5)))),
    "RAM64X1D": ((("DPO",), tuple(f"DPRA{i}" for i in range(6))), (("SPO",), tuple(f"A{i}" for i in range(6)))),
    "RAM128X1D": ((("DPO",), ("DPRA",)), (("SPO",), ("A",))),
    "RAM64X1S": ((("O",), tuple(f"A{i}" for i in range(6))),), "RAM128X1S": ((("O",), tuple(f"A{i}" for i in range(7))),),
    "RAM256X1S": ((("O",), ("A",)),),
    "SRL16E": ((("Q",), ("A0", "A1", "A2", "A3")),), "SRLC32E": ((("Q",), ("A",)),),
}
# LUTs that a cell of distributed memory or a shift register takes (7 Series CLB user guide, UG474), and the bits it holds.
_MEMORY_LUTS = {"RAM32M": 4, "RAM64M": 4, "RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4, "RAM64X1S": 1, "RAM128X1S": 2, "RAM256X1S": 4,
                "SRL16E": 1, "SRLC32E": 1, "TRELLIS_DPR16X4": 4}
_MEMORY_BITS = {"RAM32X1D": 32, "RAM64X1D": 64, "RAM128X1D": 128, "RAM64X1S": 64, "RAM128X1S": 128, "RAM256X1S": 256}
_FOUR_PORT_BITS = {"RAM32M": 64, "RAM64M": 64}  # of each port that is read
_LOGIC_LUTS = {**{name: 1 for name in _LUT_PINS}, "CCU2C": 2}
_BLOCK_RAMS = {"RAMB36E1": 1.0, "RAMB18E1": 0.5, "DP16KD": 1}
_MULTIPLIERS = ("DSP48E1", "MULT18X18D")


@dataclass(frozen=True)
class Resources:
    """LUTs (those used as memory included, `lut_ram` of them), flip-flops, multipliers, and block RAMs of 36 Kbit, of an ECP5 18 Kbit.

    Yosys's inverters (INV) are not among the LUTs: see `inverters`.
    """

    lut: int
    lut_ram: int
    flip_flop: int
    dsp: int
    bram36: float


@dataclass(frozen=True)
class Netlist:
    """A flattened, mapped module: `cells` {name: cell as Yosys writes it}, `outputs`: bits of its output ports, `names` {bit: readable name}."""

    cells: dict
    outputs: frozenset = frozenset()
    names: dict = None


@dataclass(frozen=True)
class PathCell:
    """A cell of a path; `net`: the readable name of what it drives there, or ""; `beside`: readable names of what it reads besides the path."""

    cell: str
    kind: str
    net: str
    beside: tuple


@dataclass(frozen=True)
class RegisterPath:
    """A path: the net where it begins (or ""), its PathCells, and the register, memory or port that ends it."""

    begin: str
    cells: tuple
    end: str


def read_netlist(path, top):
    """Return the Netlist of module `top` in a JSON file (also .json.gz) that Yosys wrote."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt") as file:
        module = json.load(file)["modules"][top]
    names = {}
    for name, net in module["netnames"].items():
        if not net.get("hide_name"):
            wide = len(net["bits"]) > 1
            for i, bit in enumerate(net["bits"]):
                if bit not in names or len(name) < len(names[bit].partition("[")[0]):
                    names[bit] = f"{name}[{i}]" if wide else name
    outputs = frozenset(bit for port in module["ports"].values() if port["direction"] == "output" for bit in port["bits"])
    return Netlist(module["cells"], outputs, names)


def count(cells):
    """Return the Resources of {name: cell}."""
    kinds = Counter(cell["type"] for cell in cells.values())
    memory = sum(kinds[name] * luts for name, luts in _MEMORY_LUTS.items())
    return Resources(
        lut=memory + sum(kinds[name] for name in _LOGIC_LUTS), lut_ram=memory,
        flip_flop=sum(number for name, number in kinds.items() if name.startswith("FD") or name == "TRELLIS_FF"),
        dsp=sum(kinds[name] for name in _MULTIPLIERS),
        bram36=sum(kinds[name] * share for name, share in _BLOCK_RAMS.items()))


def inverters(cells):
    """Return how many INV cells there are. Most stand before a carry chain; there a slice has nothing but a LUT to make them of."""
    return sum(cell["type"] == "INV" for cell in cells.values())


def lut_ram_bits(cells, parts):
    """Return the bits that LUT RAM holds in cells with one of `parts` in their name: memories keep theirs when Yosys maps them."""
    return sum(_memory_bits(cell) for name, cell in cells.items() if any(part in name for part in parts))


def _memory_bits(cell):
    if cell["type"] in _FOUR_PORT_BITS:
        return _FOUR_PORT_BITS[cell["type"]] * sum(f"DO{port}" in cell["connections"] for port in "ABCD")
    return _MEMORY_BITS.get(cell["type"], 0)


def output_bits(cell):
    """Return the bits that a cell drives."""
    return [bit for port, bits in cell["connections"].items() if cell["port_directions"][port] == "output" for bit in bits]


def input_bits(cell):
    """Return the bits that a cell reads, constants left out."""
    return [bit for port, bits in cell["connections"].items() if cell["port_directions"][port] == "input" for bit in bits
            if isinstance(bit, int)]


def _bits(cell, pins):
    return [bit for pin in pins for bit in cell["connections"].get(pin, ()) if isinstance(bit, int)]


def _arcs(cells):
    """Return {(cell name, number of the arc): (bits driven, bits followed)} of all cells that have no clock between them.

    A shift register of fixed length follows nothing: it is a register.
    """
    arcs = {(name, i): (_bits(cell, outputs), _bits(cell, inputs)) for name, cell in cells.items()
            for i, (outputs, inputs) in enumerate(_COMBINATIONAL.get(cell["type"], ()))}
    return {arc: (driven, followed) for arc, (driven, followed) in arcs.items() if followed}


def _ends(netlist, arcs):
    """Return {bit: name of the register or port that takes it}."""
    names = netlist.names or {}
    ends = {bit: names.get(bit, "") for bit in netlist.outputs}
    followed = {}
    for (name, _), (_, bits) in arcs.items():
        followed.setdefault(name, set()).update(bits)
    for name, cell in netlist.cells.items():
        for bit in set(input_bits(cell)) - (followed.get(name, set()) if cell["type"] not in _MEMORY_LUTS else set()):
            ends[bit] = next((names[driven] for driven in output_bits(cell) if driven in names), name)
    return ends


def longest_path(netlist):
    """Return the RegisterPath with most cells between registers, or between one and a port of the module; None where no cell is without a clock."""
    arcs, names = _arcs(netlist.cells), netlist.names or {}
    drivers = {bit: arc for arc, (driven, _) in arcs.items() for bit in driven}
    ends = _ends(netlist, arcs)
    graph = {arc: {drivers[bit] for bit in followed if bit in drivers} for arc, (_, followed) in arcs.items()}
    depth, before = {}, {}
    for arc in TopologicalSorter(graph).static_order():
        before[arc] = max(sorted(graph[arc]), key=depth.get, default=None)
        depth[arc] = 1 + (depth[before[arc]] if before[arc] else 0)
    last = max((arc for arc, (driven, _) in arcs.items() if any(bit in ends for bit in driven)), key=depth.get, default=None)
    if last is None:
        return None
    path, arc = [last], last
    while before[arc]:
        arc = before[arc]
        path.append(arc)
    path.reverse()
    steps = []
    begin = next((names[bit] for bit in arcs[path[0]][1] if bit in names), "")
    for arc, following in zip(path, [*path[1:], None], strict=True):
        driven = [bit for bit in arcs[arc][0] if following is None or bit in arcs[following][1]]
        net = next((names[bit] for bit in driven if bit in names), "")
        beside = tuple(sorted({names[bit] for bit in arcs[arc][1] if bit in names} - {steps[-1].net if steps else begin}))
        steps.append(PathCell(arc[0], netlist.cells[arc[0]]["type"], net, beside))
    return RegisterPath(begin, tuple(steps), next(ends[bit] for bit in arcs[last][0] if bit in ends))
