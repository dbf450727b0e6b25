# SPDX-License-Identifier: BSD-2-Clause
"""What comes back from the firmware becomes layer figures that add up, or an error that says what is wrong."""

from types import SimpleNamespace

import pytest

from accel.errors import UserError
from accel.registers import RECORD_FIELDS
from compiler.steps import CompiledLayer, CpuStep, Program
from firmware.inference import TIME_FIELDS, layer_runs, program_runs
from firmware.report import median_run

LAYERS = [CompiledLayer(name, "conv2d", i, name, 10, cycles_predicted=90) for i, name in enumerate(("first", "second"))]


def record(**values):
    return [values.get(name, 0) for name, _ in RECORD_FIELDS]


def test_a_layer_lasts_from_the_end_of_the_one_before_and_the_last_one_to_the_end_of_the_job():
    first, second = program_runs(LAYERS, [record(end=100, busy=60, stall_sync=40), record(end=250, busy=150)], 260)
    assert (first.cycles, second.cycles) == (100, 160)
    assert first.predicted == 90
    assert second.record["stall_store"] == 10
    for run in (first, second):
        assert sum(run.record[name] for name in TIME_FIELDS) == run.cycles


def test_counters_that_do_not_add_up_fail_the_run_with_the_layers_name():
    with pytest.raises(UserError, match="layer 'second': busy and stalls add up to 159 cycles, but the layer took 160"):
        program_runs(LAYERS, [record(end=100, busy=100), record(end=250, busy=149)], 260)


def test_layers_of_the_cpu_stand_between_those_of_the_programs_with_their_own_cycles():
    layers = [LAYERS[0], CompiledLayer("table", "lookup", None, "table", 0), LAYERS[1]]
    model = SimpleNamespace(layers=layers, steps=(Program(0, (), range(1)), CpuStep(None, range(1, 2)), Program(0, (), range(2, 3))))
    first, table, second = layer_runs(model, [record(end=90, busy=90), record(end=50, busy=50)], [100, 777, 60])
    assert [run.name for run in (first, table, second)] == ["first", "table", "second"]
    assert [run.cycles for run in (first, table, second)] == [100, 777, 60]
    assert (first.record["stall_store"], second.record["stall_store"]) == (10, 10)
    assert [run.on_cpu for run in (first, table, second)] == [False, True, False]
    assert table.predicted is None and set(table.record.values()) == {0}


@pytest.mark.parametrize("cycles, median", [([5], 5), ([9, 3], 3), ([4, 8, 6], 6), ([1, 2, 3, 4], 2)])
def test_the_figures_are_those_of_the_lower_median(cycles, median):
    assert median_run([SimpleNamespace(cycles=count) for count in cycles]).cycles == median
