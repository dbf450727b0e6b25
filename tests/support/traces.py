# SPDX-License-Identifier: BSD-2-Clause
"""What must hold for every trace that --timeline writes."""


def slices(trace):
    """Return the trace's complete events."""
    return [event for event in trace["traceEvents"] if event["ph"] == "X"]


def check_trace(trace, cycles):
    """Check a parsed trace of a job of `cycles`: legal events, the layers side by side over the whole job, each one's cycles once in the rows below."""
    rows = {event["tid"] for event in trace["traceEvents"] if event["ph"] == "M" and event["name"] == "thread_name"}
    for event in trace["traceEvents"]:
        assert event["ph"] in "MXC" and isinstance(event["name"], str) and event["pid"] == 1 and isinstance(event["args"], dict), event
        assert event["ph"] == "C" or event["tid"] in rows, event
        assert event["ph"] == "M" or event["ts"] >= 0, event
        assert event["ph"] != "C" or all(isinstance(value, int | float) for value in event["args"].values()), event
    spans = {}
    for event in slices(trace):
        microseconds = 1e6 / trace["otherData"]["clock_hz"]
        begin, length = event["args"]["begin_cycle"], event["args"]["cycles"]
        assert abs(event["ts"] - begin * microseconds) < 1e-5 and abs(event["dur"] - length * microseconds) < 1e-5, event
        assert length > 0 and begin + length <= cycles, event
        spans.setdefault(event["args"].get("layer"), []).append((begin, begin + length, event["name"]))
    layers = spans.pop(None)
    _check_side_by_side(layers, 0, cycles)
    assert set(spans) == {name for _, _, name in layers}
    for begin, end, name in layers:
        _check_side_by_side(sorted(spans[name]), begin, end)


def _check_side_by_side(spans, begin, end):
    for first, last, name in spans:
        assert first == begin, name
        begin = last
    assert begin == end
