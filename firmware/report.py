# SPDX-License-Identifier: BSD-2-Clause
"""What a run says: the JSON object of the command line, and the tables and pictures that people read."""

from rich.box import SIMPLE_HEAD
from rich.columns import Columns
from rich.table import Table
from rich.text import Text

from firmware.inference import TIME_FIELDS
from firmware.pruning_report import pruned_image, pruning_fields

RAMP = " .:-=+*#%@"
TOP = 5


def median_run(runs):
    """Return the run with the (lower) median of cycles."""
    return sorted(runs, key=lambda run: run.cycles)[(len(runs) - 1) // 2]


def dram_bytes(record):
    """Return the (read, written) bytes of a record."""
    return record["load_bytes"] + record["weight_bytes"] + record["fetch_bytes"], record["store_bytes"]


def layer_object(layer, config):
    """Return the object that --json writes of a LayerRun. A layer of the CPU has its measured cycles, no prediction, and counters of 0."""
    read, written = dram_bytes(layer.record)
    return {
        "name": layer.name, "op": layer.op, "where": "cpu" if layer.on_cpu else "accel", "cycles": layer.cycles, "cycles_predicted": layer.predicted,
        "macs": layer.macs, "macs_done": layer.record["macs"], "utilisation": round(layer.record["macs"] / layer.cycles / config.macs_per_cycle, 6),
        **{name: layer.record[name] for name in TIME_FIELDS}, "dram_read_bytes": read, "dram_write_bytes": written,
        "idle_before": layer.record["edges"] & 0xFFFF, "idle_after": layer.record["edges"] >> 16, **pruning_fields(layer)}


def report_object(target, network, config, clock_hz, runs, accuracy, batch=1, count=None):
    """Return the object that --json writes; all figures but `exact`, `count` (of images) and `accuracy` are of the median run.

    `cycles` count from the accelerator's first doorbell to its last done, the CPU's layers in between included. CPU layers before and after that,
    such as a softmax at the end, are in `cycles_end_to_end` only, though among `layers` like all others.
    Each of `runs` is one of `batch` images; `count`: how many images were asked for (default: a run each).
    """
    run = median_run(runs)
    layers = [layer_object(layer, config) for layer in run.layers]
    total = {name: sum(layer[name] for layer in layers) for name in ("macs", "macs_done", "dram_read_bytes", "dram_write_bytes")}
    return {
        "target": target, "config": config.name, "model": network.name, "clock_hz": clock_hz, "count": count or len(runs), "batch": batch,
        "exact": all(run.exact for run in runs), "accuracy": accuracy, "cycles": run.cycles, "cycles_per_image": round(run.cycles / batch),
        "cycles_end_to_end": run.end_to_end,
        "macs": total["macs"], "macs_done": total["macs_done"], "macs_per_cycle": round(total["macs_done"] / run.cycles, 4),
        "utilisation": round(total["macs_done"] / run.cycles / config.macs_per_cycle, 6),
        "dram_read_bytes": total["dram_read_bytes"], "dram_write_bytes": total["dram_write_bytes"],
        "pruned_images": [pruned_image(one) for one in runs] if any(layer.pruning for layer in run.layers) else None, "layers": layers}


def image_object(network, output, name=None):
    """Return the object that --json writes of an image: the file's `name` or None, and the TOP classes of its output (numbers [N]), best first.

    A score is the real value of the output's number.
    """
    tensor = network.tensors[network.output]
    best = sorted(range(len(output)), key=lambda number: -int(output[number]))[:TOP]
    return {"name": name, "top": [{"class": number, "label": network.labels[number] if network.labels else None,
                                   "score": round(float(tensor.scale * (int(output[number]) - tensor.zero_point)), 6)} for number in best]}


def _said(found):
    return f"{found['label'] or found['class']} ({found['score']:.3g})"


def classes_table(report, labels=None):
    """Return the table of what each image was taken for, of a report object; labels: the right classes [N], or None."""
    table = Table("image", "class", f"top {TOP}, with the output's value", title=f"what {report['model']} says", box=SIMPLE_HEAD)
    for number, image in enumerate(report["images"]):
        first = image["top"][0]
        wrong = labels is not None and labels[number] != first["class"]
        said = Text(str(first["label"] or first["class"]), "bold red" if wrong else "")
        table.add_row(image["name"] or str(number), said + f", but is {labels[number]}" if wrong else said, ", ".join(map(_said, image["top"])))
    return table


def _table(title, heads, report, row_of):
    """Return a table with a row for each layer and one for all of them, at most 80 columns wide; row_of gives a row's cells."""
    table = Table("layer", title=title, box=SIMPLE_HEAD)
    for head in heads:
        table.add_column(head, justify="right")
    for layer in report["layers"]:
        table.add_row(layer["name"] + (" (CPU)" if layer["where"] == "cpu" else ""), *row_of(layer))
    table.add_section()
    total = {name: sum(layer[name] for layer in report["layers"]) for name in TIME_FIELDS}
    table.add_row("all", *row_of({**report, **total}))
    return table


def work_table(report):
    """Return the table of what each layer did, of a report object."""
    unit = "image" if report["batch"] == 1 else "batch"
    return _table(f"{report['model']} on {report['config']}, the median {unit}", ("cycles", "MACs dense", "MACs done", "utilisation"), report,
                  lambda row: [*(f"{row[name]:,}" for name in ("cycles", "macs", "macs_done")), f"{row['utilisation']:.1%}"])


def time_table(report):
    """Return the table of where each layer's cycles went, of a report object."""
    return _table("where the cycles went: busy, and stalls by cause", [name.removeprefix("stall_") for name in TIME_FIELDS], report,
                  lambda row: [f"{row[name]:,}" for name in TIME_FIELDS])


def picture(image, label, prediction, name=str):
    """Return a grey image [H, W] in 0..1 as text, with its label and prediction below."""
    rows = ["".join(2 * RAMP[min(int(value * len(RAMP)), len(RAMP) - 1)] for value in row) for row in image]
    text = Text("\n".join(rows) + "\n")
    return text.append(f"is {name(label)}, said {name(prediction)}", "green" if label == prediction else "bold red")


def pictures(samples, predictions, labels):
    """Return the renderable with all pictures, side by side."""
    return Columns([picture(image, int(label), int(guess), lambda i: labels[i] if labels else str(i))
                    for image, label, guess in zip(samples.pictures, samples.labels, predictions, strict=True)], padding=(1, 3))
