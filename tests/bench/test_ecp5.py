# SPDX-License-Identifier: BSD-2-Clause
"""The harness keeps all of a core's ports at registers, and nextpnr's report is read as a clock and a path through blocks."""

import json
import subprocess

import pytest

from accel.core import core_ports
from bench.ecp5 import CONFIG, Delay, harness, read_report, route


def test_the_harness_fits_the_ports_of_a_core(tmp_path):
    ports = core_ports(CONFIG)
    declared = ", ".join(f"{way}put [{bits - 1}:0] {name}" for name, (bits, way) in ports.items())
    (tmp_path / "harness.v").write_text(f"{harness(ports)}module sparcnet_core({declared}); endmodule\n")
    result = subprocess.run(["verilator", "--lint-only", "--top-module", "harness", tmp_path / "harness.v"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-3000:]


def test_every_port_is_connected_once():
    ports = {"clk": (1, "in"), "a": (3, "in"), "q": (5, "out"), "b": (2, "in"), "r": (1, "out")}
    text = harness(ports)
    for connection in (".clk(clk)", ".a(given[0 +: 3])", ".b(given[3 +: 2])", ".q(taken[0 +: 5])", ".r(taken[5 +: 1])"):
        assert text.count(connection) == 1
    assert "reg [4:0] given" in text and "wire [5:0] taken" in text


def step(kind, delay, cell):
    return {"type": kind, "delay": delay, "from": {"cell": "x", "loc": [1, 1], "port": "Q"}, "to": {"cell": cell, "loc": [1, 2], "port": "A"}}


def test_a_report_gives_the_clock_and_the_path_within_it():
    inside = [step("clk-to-q", 0.5, "sparcnet_core.fetch0_valid_TRELLIS_FF_Q"), step("routing", 1.0, "sparcnet_core.fetch0_valid_LUT4_A"),
              step("logic", 0.2, "sparcnet_core.fetch0_valid_LUT4_A"), step("routing", 2.0, "sparcnet_core.dispatch0_ready_TRELLIS_FF_Q"),
              step("setup", 0.0, "sparcnet_core.dispatch0_ready_TRELLIS_FF_Q")]
    report = {"critical_paths": [{"from": "<async>", "to": "posedge clk", "path": []}, {"from": "posedge clk", "to": "posedge clk", "path": inside}],
              "fmax": {"clk": {"achieved": 72.5, "constraint": 100}}, "utilization": {}}
    timing = read_report(json.dumps(report))
    assert timing.mhz == 72.5
    assert timing.path[1] == Delay("routing", 1.0, "sparcnet_core.fetch0_valid_LUT4_A")
    assert timing.blocks == ["fetch", "dispatch"]


@pytest.mark.parametrize(("cell", "block"), [
    ("walker0_left_TRELLIS_FF_Q_5", "walker"),
    ("compute_engine0_walker0_take_LUT4_Z", "compute_engine/walker"),
    ("compute_engine0_step_loader0_any_step_LUT4_Z_1", "compute_engine/step_loader"),
    ("fifo0_memory_0_", "fifo"),
    ("step_loader0_step_prepared_LUT4_C", None),
    ("compute_engine0_keeps_TRELLIS_FF_Q_CE_LUT4_Z_D_LUT4_C_Z_LUT4_Z_1", None),
    ("delayed_start0_under_way_LUT4_B_Z_LUT4_Z", None),
])
def test_a_cell_is_in_the_block_of_the_signal_that_it_drives_and_in_none_where_its_name_is_that_of_another(cell, block):
    assert Delay("logic", 0.2, f"sparcnet_core.{cell}").block == block


SMALL_CORE = """
module sparcnet_core(input clk, input [15:0] a, input [15:0] b, output reg [31:0] q);
  reg [31:0] walker0_total;
  reg [15:0] fetch0_a, fetch0_b;
  always @(posedge clk) begin
    fetch0_a <= a;
    fetch0_b <= b;
    walker0_total <= fetch0_a * fetch0_b;
    q <= q + walker0_total;
  end
endmodule
"""


def test_nextpnr_finds_the_multiplier_between_two_blocks(tmp_path):
    (tmp_path / "core.v").write_text(SMALL_CORE)
    timing = read_report(route(tmp_path, "core.v", {"clk": (1, "in"), "a": (16, "in"), "b": (16, "in"), "q": (32, "out")}).read_text())
    assert 60 < timing.mhz < 400
    assert [delay.kind for delay in timing.path] == ["clk-to-q", "routing", "logic", "routing", "setup"]
    assert sum(delay.nanoseconds for delay in timing.path) == pytest.approx(1000 / timing.mhz, rel=0.01)
    assert timing.blocks == ["fetch", "walker"]


def test_the_grid_is_that_of_a_multiplier_for_each_product():
    assert (CONFIG.clusters, CONFIG.columns, CONFIG.lanes, CONFIG.macs_per_multiplier) == (1, 16, 4, 1)
