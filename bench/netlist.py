# SPDX-License-Identifier: BSD-2-Clause
"""Reads a netlist of mapped Xilinx cells: what it takes of the device, and its longest path between registers."""

import json
from collections import Counter
from dataclasses import dataclass
from graphlib import TopologicalSorter

# Cells whose outputs follow their inputs without a clock: their input pins that count. All other cells begin and end paths.
_LUT_PINS = {f"LUT{n}": {f"I{i}" for i in range(n)} for n in range(1, 7)}
_COMBINATIONAL = {
    **_LUT_PINS,
    "INV": {"I"}, "MUXF7": {"I0", "I1", "S"}, "MUXF8": {"I0", "I1", "S"}, "CARRY4": {"CI", "CYINIT", "DI", "S"},
    "RAM32M": {"ADDRA", "ADDRB", "ADDRC"}, "RAM64M": {"ADDRA", "ADDRB", "ADDRC"},
    "RAM32X1D": {"DPRA0", "DPRA1", "DPRA2", "DPRA3", "DPRA4", "A0", "A1", "A2", "A3", "A4"},
    "RAM64X1D": {f"{port}{i}" for port in ("DPRA", "A") for i in range(6)},
}
# LUTs that a cell of distributed memory or a shift register takes (7 Series CLB user guide, UG474).
_MEMORY_LUTS = {"RAM32M": 4, "RAM64M": 4, "RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4, "SRL16E": 1, "SRLC32E": 1}
_LOGIC_LUTS = {name: 1 for name in _LUT_PINS}
_BLOCK_RAMS = {"RAMB36E1": 1.0, "RAMB18E1": 0.5}


@dataclass(frozen=True)
class Resources:
    """LUTs (those used as memory included, `lut_ram` of them), flip-flops, multipliers and 36 Kbit memories."""

    lut: int
    lut_ram: int
    flip_flop: int
    dsp: int
    bram36: float


def read_netlist(path, top):
    """Return {cell name: cell} of module `top` in a JSON netlist that Yosys wrote, flattened and mapped."""
    return json.loads(path.read_text())["modules"][top]["cells"]


def count(cells):
    """Return the Resources of the cells."""
    kinds = Counter(cell["type"] for cell in cells.values())
    memory = sum(kinds[name] * luts for name, luts in _MEMORY_LUTS.items())
    return Resources(
        lut=memory + sum(kinds[name] for name in _LOGIC_LUTS), lut_ram=memory,
        flip_flop=sum(number for name, number in kinds.items() if name.startswith("FD")), dsp=kinds["DSP48E1"],
        bram36=sum(kinds[name] * share for name, share in _BLOCK_RAMS.items()))


def longest_path(cells):
    """Return the names of the cells of the longest path between registers, the register that begins it left out."""
    drivers = {bit: name for name, cell in cells.items() if cell["type"] in _COMBINATIONAL
               for port, bits in cell["connections"].items() if cell["port_directions"][port] == "output" for bit in bits}
    graph = {}
    for name, cell in cells.items():
        pins = _COMBINATIONAL.get(cell["type"])
        if pins is not None:
            graph[name] = {drivers[bit] for pin in pins for bit in cell["connections"].get(pin, ()) if bit in drivers}
    depth, before = {}, {}
    for name in TopologicalSorter(graph).static_order():
        before[name] = max(graph[name], key=depth.get, default=None)
        depth[name] = 1 + (depth[before[name]] if before[name] else 0)
    path, name = [], max(depth, key=depth.get, default=None)
    while name:
        path.append(name)
        name = before[name]
    return path[::-1]
