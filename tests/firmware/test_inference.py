# SPDX-License-Identifier: BSD-2-Clause
"""What comes back from the firmware becomes layer figures that add up, or an error that says what is wrong."""

from types import SimpleNamespace

import pytest

from accel.errors import UserError
from accel.registers import RECORD_FIELDS
from firmware.inference import TIME_FIELDS, layer_runs
from firmware.report import median_run

MODEL = SimpleNamespace(layers=[SimpleNamespace(name=name, op="conv2d", macs=10, cycles_predicted=90) for name in ("first", "second")])


def record(**values):
    return [values.get(name, 0) for name, _ in RECORD_FIELDS]


def test_a_layer_lasts_from_the_end_of_the_one_before_and_the_last_one_to_the_end_of_the_job():
    first, second = layer_runs(MODEL, [record(end=100, busy=60, stall_sync=40), record(end=250, busy=150)], 260)
    assert (first.cycles, second.cycles) == (100, 160)
    assert first.predicted == 90
    assert second.record["stall_store"] == 10
    for run in (first, second):
        assert sum(run.record[name] for name in TIME_FIELDS) == run.cycles


def test_counters_that_do_not_add_up_fail_the_run_with_the_layers_name():
    with pytest.raises(UserError, match="layer 'second': busy and stalls add up to 159 cycles, but the layer took 160"):
        layer_runs(MODEL, [record(end=100, busy=100), record(end=250, busy=149)], 260)


@pytest.mark.parametrize("cycles, median", [([5], 5), ([9, 3], 3), ([4, 8, 6], 6), ([1, 2, 3, 4], 2)])
def test_the_figures_are_those_of_the_lower_median(cycles, median):
    assert median_run([SimpleNamespace(cycles=count) for count in cycles]).cycles == median
