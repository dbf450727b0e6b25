# SPDX-License-Identifier: BSD-2-Clause
"""A run as a trace for Chrome's trace viewer or Perfetto, made from the layers' records."""

from firmware.report import layer_object

PROCESS = 1

# Row -> the fields whose cycles lie in it, in the order in which a layer's time is laid out from left to right.
_ROWS = {
    "layers": (),
    "cpu: computed the layer": (),
    "fetch: waited for instructions": ("stall_fetch",),
    "load: waited for activations": ("stall_activations",),
    "weights: waited for weights": ("stall_weights",),
    "compute: set-up (sync), then at work (busy)": ("stall_sync", "busy"),
    "drain: waited for the requantiser": ("stall_drain",),
    "store: waited for the output FIFO or the last write": ("stall_store",),
}
# Perfetto takes thread 0 for the idle thread, so rows count from 1.
ROWS = tuple(enumerate(_ROWS, 1))
LAYERS, CPU = 1, 2
LAID_OUT = tuple((row, field) for row, title in ROWS for field in _ROWS[title])

# Series of the byte counter -> field of the record.
TRAFFIC = {"program": "fetch_bytes", "activations": "load_bytes", "weights": "weight_bytes", "outputs": "store_bytes"}
BYTES_TRACK, MACS_TRACK = "DRAM bytes/cycle, mean of the layer", "MACs/cycle, mean of the layer"

_NOTE = ("Measured: where each layer ends, and how many of its cycles went to each row. Laid out: the order of a layer's slices, which no counter "
         "knows. A layer's bytes may have moved before it began.")


def timeline(name, config, clock_hz, run):
    """Return the JSON object (Chrome's trace event format, times in microseconds) of the ImageRun `run` of the network called `name`.

    Row "layers" has each layer from the end of the one before to its own, the first from time 0 on. Below it every cycle lies in exactly one row:
    that of the engine which worked or was waited for, or the CPU's. Two counters give the bytes of DRAM and the MACs of each layer by its cycles.
    """
    microseconds = 1_000_000 / clock_hz
    events = [_metadata("process_name", LAYERS, name=f"{name} on {config.name}")]
    for row, title in ROWS:
        events += [_metadata("thread_name", row, name=title), _metadata("thread_sort_index", row, sort_index=row)]
    begin = 0
    for layer in run.layers:
        figures = {key: value for key, value in layer_object(layer, config).items() if key != "name"}
        events.append(_slice(layer.name, LAYERS, begin, layer.cycles, microseconds, figures))
        at = begin
        if layer.on_cpu:
            events.append(_slice(f"{layer.name} on the CPU", CPU, begin, layer.cycles, microseconds, {"layer": layer.name, "cycles": layer.cycles}))
        for row, field in LAID_OUT:
            cycles = layer.record[field]
            if cycles:
                share = round(cycles / layer.cycles, 6)
                events.append(_slice(f"{layer.name} {field.removeprefix('stall_')}", row, at, cycles, microseconds,
                                     {"layer": layer.name, "counter": field, "cycles": cycles, "share": share}))
            at += cycles
        traffic = {series: layer.record[field] for series, field in TRAFFIC.items()}
        events += _counters(begin, microseconds, {series: round(count / layer.cycles, 4) for series, count in traffic.items()},
                            round(layer.record["macs"] / layer.cycles, 4))
        begin += layer.cycles
    events += _counters(begin, microseconds, dict.fromkeys(TRAFFIC, 0), 0)
    return {"traceEvents": events, "displayTimeUnit": "ns",
            "otherData": {"model": name, "config": config.name, "clock_hz": clock_hz, "cycles": run.cycles, "end_to_end": run.end_to_end,
                          "note": _NOTE}}


def _metadata(kind, row, **arguments):
    return {"ph": "M", "name": kind, "pid": PROCESS, "tid": row, "args": arguments}


def _slice(name, row, begin, cycles, microseconds, arguments):
    """A complete event that begins `begin` cycles after the first layer does."""
    return {"ph": "X", "name": name, "pid": PROCESS, "tid": row, "ts": round(begin * microseconds, 6), "dur": round(cycles * microseconds, 6),
            "args": {"begin_cycle": begin, **arguments}}


def _counters(begin, microseconds, traffic, macs):
    """The two counters' values from cycle `begin` on, counted from the first layer's begin."""
    return [{"ph": "C", "name": track, "pid": PROCESS, "ts": round(begin * microseconds, 6), "args": values}
            for track, values in ((BYTES_TRACK, traffic), (MACS_TRACK, {"done": macs}))]
