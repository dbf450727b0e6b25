# SPDX-License-Identifier: BSD-2-Clause
"""Counts and longest paths of hand-made netlists whose answers are known, and of one that Yosys maps."""

import gzip
import json

import pytest

from targets.netlist import Netlist, Resources, count, longest_path, lut_ram_bits, read_netlist
from targets.synthesis import synthesise


def cell(kind, inputs, outputs):
    """Return a cell as Yosys writes it; inputs and outputs are {port: bits}."""
    directions = {**dict.fromkeys(inputs, "input"), **dict.fromkeys(outputs, "output")}
    return {"type": kind, "connections": {**inputs, **outputs}, "port_directions": directions}


def register(given, taken):
    return cell("FDRE", {"D": [given], "C": [0], "CE": ["1"], "R": ["0"]}, {"Q": [taken]})


def lut(inputs, taken):
    return cell(f"LUT{len(inputs)}", {f"I{i}": [bit] for i, bit in enumerate(inputs)}, {"O": [taken]})


def kinds(cells, outputs=(), names=None):
    path = longest_path(Netlist(cells, frozenset(outputs), names or {}))
    return [step.kind for step in path.cells]


def test_a_path_ends_at_registers():
    cells = {"a": register(9, 1), "f": lut([1], 2), "b": register(2, 3), "g": lut([3, 1], 4), "h": lut([4], 5), "c": register(5, 6)}
    path = longest_path(Netlist(cells, frozenset(), {1: "a_out", 3: "b_out", 4: "between", 6: "c_out"}))
    assert (path.begin, path.end) == ("b_out", "c_out")
    assert [(step.cell, step.net, step.beside) for step in path.cells] == [("g", "between", ("a_out",)), ("h", "", ())]


def test_a_carry_counts_for_each_cell_and_a_multiplexer_for_one():
    cells = {
        "a": register(9, 1), "f": lut([1], 2), "low": cell("CARRY4", {"CI": ["0"], "DI": ["0"], "S": [2]}, {"O": [10], "CO": [3]}),
        "high": cell("CARRY4", {"CI": [3], "DI": ["0"], "S": ["0"]}, {"O": [4], "CO": [5]}),
        "mux": cell("MUXF7", {"I0": [4], "I1": ["0"], "S": [1]}, {"O": [6]}), "b": register(6, 7),
    }
    assert kinds(cells) == ["LUT1", "CARRY4", "CARRY4", "MUXF7"]


def test_reading_lut_ram_is_on_the_path_and_writing_ends_it():
    ram = cell("RAM32M", {"ADDRA": [2], "ADDRD": [4], "DIA": [4], "WE": [4]}, {"DOA": [5]})
    cells = {"a": register(9, 1), "f": lut([1], 2), "g": lut([2], 3), "h": lut([3], 4), "ram": ram, "b": register(5, 6)}
    assert kinds(cells) == ["LUT1", "LUT1", "LUT1"]
    assert longest_path(Netlist(cells, frozenset(), {5: "read"})).end == "read"
    cells["ram"]["connections"]["ADDRA"] = [4]
    assert kinds(cells) == ["LUT1", "LUT1", "LUT1", "RAM32M"]


def test_the_write_port_of_lut_ram_is_on_the_path_only_where_it_is_read():
    ram = cell("RAM64X1D", {"A0": [4], "DPRA0": [1], "D": ["0"], "WE": ["1"]}, {"SPO": [7], "DPO": [5]})
    cells = {"a": register(9, 1), "f": lut([1], 3), "g": lut([3], 4), "ram": ram, "b": register(5, 6)}
    assert kinds(cells) == ["LUT1", "LUT1"]
    cells["c"] = register(7, 8)
    assert kinds(cells) == ["LUT1", "LUT1", "RAM64X1D"]


def test_a_shift_register_of_fixed_length_is_a_register():
    fixed = {f"A{i}": ["1"] for i in range(4)}
    cells = {"line": cell("SRL16E", {"D": [1], "CE": ["1"], **fixed}, {"Q": [2]}), "f": lut([2], 3), "b": register(3, 4)}
    assert kinds(cells) == ["LUT1"]
    cells["line"]["connections"]["A0"] = [1]
    assert kinds(cells) == ["SRL16E", "LUT1"]


@pytest.mark.parametrize("kind", ["DSP48E1", "RAMB36E1", "FDSE"])
def test_multipliers_and_block_rams_cut_a_path(kind):
    cells = {"a": register(9, 1), "f": lut([1], 2), "cut": cell(kind, {"A": [2]}, {"P": [3]}), "g": lut([3], 4), "h": lut([4], 5),
             "b": register(5, 6)}
    assert [step.cell for step in longest_path(Netlist(cells, frozenset(), {})).cells] == ["g", "h"]


def test_what_nobody_takes_is_no_path():
    cells = {"a": register(9, 1), "f": lut([1], 2), "g": lut([2], 3), "b": register(2, 4)}
    assert kinds(cells) == ["LUT1"]
    assert kinds(cells, outputs=[3]) == ["LUT1", "LUT1"]


def test_a_netlist_of_registers_alone_has_no_path():
    assert longest_path(Netlist({"a": register(1, 2)}, frozenset(), {})) is None


def test_cells_count_as_what_they_take_of_the_device():
    kinds_ = ["LUT1", "LUT6", "INV", "CARRY4", "RAM32M", "RAM64X1D", "RAM128X1S", "SRL16E", "FDRE", "FDSE", "DSP48E1", "RAMB36E1", "RAMB18E1"]
    cells = {str(i): {"type": kind} for i, kind in enumerate(kinds_)}
    assert count(cells) == Resources(lut=2 + 4 + 2 + 2 + 1, lut_ram=9, flip_flop=2, dsp=1, bram36=1.5)


def test_bits_of_lut_ram_are_counted_by_the_name_of_their_memory():
    three = cell("RAM32M", {}, {"DOA": [1, 2], "DOB": [3, 4], "DOC": [5, 6]})
    cells = {"top0_pe_grid0_sums.0.0": {"type": "RAM64X1D"}, "top0_pe_grid0_sums.0.1": three, "top0_pe_grid0_f": {"type": "LUT6"},
             "top0_fifo0_memory.0.0": three, "top0_bank0_sums.0.0": cell("RAM32M", {}, {f"DO{port}": [9] for port in "ABCD"})}
    assert lut_ram_bits(cells, ["pe_grid"]) == 64 + 192
    assert lut_ram_bits(cells, ["pe_grid", "sums"]) == 64 + 192 + 256


def test_names_are_the_shortest_with_the_bit_of_a_vector(tmp_path):
    nets = {"deep_inside_x": {"bits": [2, 3]}, "x": {"bits": [2]}, "$1": {"bits": [4], "hide_name": 1}}
    module = {"cells": {}, "ports": {"q": {"direction": "output", "bits": [3]}, "d": {"direction": "input", "bits": [2]}}, "netnames": nets}
    with gzip.open(tmp_path / "netlist.json.gz", "wt") as file:
        json.dump({"modules": {"top": module}}, file)
    netlist = read_netlist(tmp_path / "netlist.json.gz", "top")
    assert netlist == Netlist({}, frozenset([3]), {2: "x", 3: "deep_inside_x[1]"})


VERILOG = """
module counter(input clk, input [3:0] step, input [4:0] place, output reg [15:0] total, output reg [7:0] found);
  reg [7:0] memory [0:31];
  reg [3:0] grown;
  always @(posedge clk) begin
    grown <= step;
    total <= total + grown;
    memory[place] <= total[7:0];
    found <= memory[place ^ 5'd3];
  end
endmodule
"""


def test_yosys_maps_an_adder_to_one_lut_and_its_carries(tmp_path):
    (tmp_path / "counter.v").write_text(VERILOG)
    netlist = read_netlist(synthesise(tmp_path, ["counter.v"], "counter", pads=False), "counter")
    path = longest_path(netlist)
    assert [step.kind for step in path.cells] == ["LUT2", *4 * ["CARRY4"]]
    assert path.begin.startswith(("total[", "grown["))
    assert path.end.startswith("total[")
    taken = count(netlist.cells)
    assert (taken.lut_ram, taken.dsp, taken.bram36) == (8, 0, 0)
    assert lut_ram_bits(netlist.cells, ["memory"]) == 2 * 192
