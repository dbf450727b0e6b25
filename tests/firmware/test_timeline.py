# SPDX-License-Identifier: BSD-2-Clause
"""The timeline is a trace that viewers read, and each cycle of a run lies in exactly one row below the layers."""

import json
from dataclasses import replace

import pytest

from accel.config import CONFIGS
from firmware.inference import TIME_FIELDS
from firmware.timeline import CPU, LAID_OUT, TRAFFIC, timeline
from tests.support.image_runs import random_run
from tests.support.traces import check_trace, slices

CONFIG = CONFIGS["arty-35"]


def trace_of(run, clock_hz=100_000_000):
    """The trace as a viewer reads it."""
    return json.loads(json.dumps(timeline("net", CONFIG, clock_hz, run)))


@pytest.mark.parametrize("seed", range(8))
def test_every_cycle_of_a_layer_lies_in_one_row_and_the_counters_say_which(seed):
    run = random_run(seed, layers=1 + 3 * seed, idle=(2,))
    trace = trace_of(run)
    check_trace(trace, run.cycles)
    for layer in run.layers:
        below = [event["args"] for event in slices(trace) if event["args"].get("layer") == layer.name]
        assert {args["counter"]: args["cycles"] for args in below} == {name: layer.record[name] for name in TIME_FIELDS if layer.record[name]}
        assert sum(args["share"] for args in below) == pytest.approx(1, abs=1e-5)


def test_a_layer_of_the_cpu_lies_in_a_row_of_its_own_where_it_was_computed():
    run = random_run(5, layers=3)
    conv, middle, last = run.layers
    nothing = dict.fromkeys(middle.record, 0)
    run = replace(run, layers=(replace(conv, record=nothing, on_cpu=True), middle, replace(last, record=nothing, on_cpu=True)))
    below = [event for event in slices(trace_of(run)) if "layer" in event["args"]]
    on_cpu = [event["args"] for event in below if event["tid"] == CPU]
    assert [(args["layer"], args["begin_cycle"], args["cycles"]) for args in on_cpu] == [
        (conv.name, 0, conv.cycles), (last.name, conv.cycles + middle.cycles, last.cycles)]
    assert {event["args"]["layer"] for event in below if event["tid"] != CPU} == {middle.name}


def test_every_cause_that_the_counters_know_has_its_row():
    assert sorted(field for _, field in LAID_OUT) == sorted(TIME_FIELDS)


def test_rows_are_named_and_in_the_order_of_the_machine():
    events = trace_of(random_run(1, layers=2))["traceEvents"]
    named = [event for event in events if event["name"] == "thread_name"]
    assert [event["args"]["name"].split(":")[0] for event in named] == ["layers", "cpu", "fetch", "load", "weights", "compute", "drain", "store"]
    order = {event["tid"]: event["args"]["sort_index"] for event in events if event["name"] == "thread_sort_index"}
    assert [order[event["tid"]] for event in named] == sorted(order.values())
    assert [event["args"]["name"] for event in events if event["name"] == "process_name"] == ["net on arty-35"]


def test_microseconds_follow_the_clock():
    run = random_run(2, layers=3)
    for clock_hz, microseconds in ((100_000_000, 0.01), (50_000_000, 0.02)):
        layers = [event for event in slices(trace_of(run, clock_hz)) if "layer" not in event["args"]]
        assert [event["dur"] for event in layers] == pytest.approx([microseconds * layer.cycles for layer in run.layers])
        assert layers[-1]["ts"] + layers[-1]["dur"] == pytest.approx(microseconds * run.cycles)


def test_the_counter_tracks_hold_each_layers_bytes_and_macs_and_end_at_zero():
    run = random_run(3, layers=4)
    tracks = {}
    for event in trace_of(run)["traceEvents"]:
        if event["ph"] == "C":
            tracks.setdefault(event["name"].split()[0], []).append(event["args"])
    assert list(tracks) == ["DRAM", "MACs/cycle,"]
    for layer, traffic, macs in zip(run.layers, tracks["DRAM"], tracks["MACs/cycle,"]):
        for series, field in TRAFFIC.items():
            assert traffic[series] == pytest.approx(layer.record[field] / layer.cycles, abs=1e-4)
        assert macs["done"] == pytest.approx(layer.record["macs"] / layer.cycles, abs=1e-4)
    for track in tracks.values():
        assert len(track) == len(run.layers) + 1 and not any(track[-1].values())


def test_the_trace_says_what_is_measured_and_what_is_laid_out():
    run = random_run(4, layers=2)
    facts = trace_of(run)["otherData"]
    assert {name: facts[name] for name in ("model", "config", "clock_hz", "cycles")} == {
        "model": "net", "config": "arty-35", "clock_hz": 100_000_000, "cycles": run.cycles}
    assert facts["note"].startswith("Measured:") and "Laid out:" in facts["note"]
