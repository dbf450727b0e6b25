# SPDX-License-Identifier: BSD-2-Clause
"""What a run says of dynamic feature pruning: the fields of the JSON object, and the table that people read."""

from rich.box import SIMPLE_HEAD
from rich.table import Table


def pruning_fields(layer):
    """Return what a layer's object says of dynamic feature pruning: all null where it is not done."""
    pruning = layer.pruning
    names = ("maps", "maps_skipped", "macs_skipped", "cycles_without", "pruned")
    if pruning is None:
        return dict.fromkeys(names)
    return dict(zip(names, (pruning.maps, layer.maps_skipped, layer.macs_skipped, pruning.cycles_without, verdict(layer)), strict=True))


def verdict(layer):
    """Return in words what a LayerRun gained by leaving out feature maps, or why it left out none; the cycles without are those predicted."""
    pruning = layer.pruning
    if pruning.note is not None:
        return pruning.note
    gained = 1 - layer.cycles / pruning.cycles_without
    if layer.maps_skipped == 0:
        return f"no map skipped: lost {max(0, -gained):.1%}"
    return f"gained {gained:.1%}" if gained > 0 else f"lost {-gained:.1%}: too few maps skipped"


def pruned_image(run):
    """Return what an ImageRun's image left out by dynamic feature pruning."""
    layers = [layer for layer in run.layers if layer.maps_skipped is not None]
    return {"cycles": run.cycles, **{name: sum(getattr(layer, name) for layer in layers) for name in ("maps_skipped", "macs_skipped")}}


def pruning_table(report):
    """Return the table of what dynamic feature pruning did to each convolution, of a report object of a run with it."""
    table = Table("layer", title="feature maps left out, and what that gained", box=SIMPLE_HEAD)
    for head in ("maps", "skipped", "MACs skipped", "cycles", "without"):
        table.add_column(head, justify="right")
    table.add_column("")
    for layer in report["layers"]:
        if layer["pruned"] is not None:
            done = layer["maps_skipped"] is not None
            numbers = [f"{layer[name]:,}" if done else "" for name in ("maps", "maps_skipped", "macs_skipped")]
            table.add_row(layer["name"], *numbers, f"{layer['cycles']:,}", f"{layer['cycles_without']:,}", layer["pruned"])
    return table
