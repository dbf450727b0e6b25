# SPDX-License-Identifier: BSD-2-Clause
"""Cells are told apart by the names that MyHDL gives to what they drive."""

import pytest

from targets.blocks import UNKNOWN, block_of, blocks_of_cells, resources_by_block
from targets.netlist import Netlist


@pytest.mark.parametrize("name, block", [
    ("compute_engine0_pe_grid0_cluster_grid0_pe_column0_total", "compute_engine/pe_grid/cluster_grid"),
    ("sparcnet_core.compute_engine0_walker0_first_1[3]", "compute_engine/walker"),
    ("block_fifo0_fifo7_memory.0.1", "block_fifo/fifo"),
    ("control0_fault_5_valid", "control"),
    ("store_engine0_valid_1", "store_engine"),
    ("axi_rdata[7]", "top"),
    ("clk", "top"),
])
def test_a_name_says_its_block(name, block):
    assert block_of(name, 3) == block


def test_blocks_are_cut_at_the_depth_asked_for():
    assert block_of("compute_engine0_pe_grid0_cluster_grid0_pe_column0_total", 1) == "compute_engine"


def cell(kind, given, taken):
    return {"type": kind, "connections": {"I": given, "O": taken}, "port_directions": {"I": "input", "O": "output"}}


NETLIST = Netlist({
    "$1": cell("LUT1", [1], [2]), "$2": cell("LUT2", [2], [3]), "$3": cell("FDRE", [3], [4]), "$4": cell("LUT3", [4], [5]),
    "fetch0_memory.0.0": cell("RAM32M", [4], [6]), "$5": cell("LUT4", [1], []),
}, frozenset(), {4: "load_engine0_left[2]", 5: "dispatch0_ready"})


def test_a_cell_without_a_name_belongs_to_the_nearest_behind_it():
    assert blocks_of_cells(NETLIST, 3) == {
        "$1": "load_engine", "$2": "load_engine", "$3": "load_engine", "$4": "dispatch", "fetch0_memory.0.0": "fetch", "$5": UNKNOWN}


def test_blocks_come_with_the_largest_first_and_add_up():
    rows = resources_by_block(NETLIST)
    assert [(block, taken.lut) for block, taken in rows] == [("fetch", 4), ("load_engine", 2), ("dispatch", 1), (UNKNOWN, 1)]
