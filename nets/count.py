# SPDX-License-Identifier: BSD-2-Clause
"""`python -m nets.count NETWORK ...`: multiply-accumulates, parameters and bytes of networks, counted from their definitions."""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from math import prod

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from accel.errors import UserError
from nets.paper import BASELINES, NETWORKS, define

_BIAS_BYTES = 4


@dataclass(frozen=True)
class Count:
    """Of a layer or a network: multiply-accumulates of an image, parameters (weights and biases, batch norm folded in), bytes (int8, int32)."""

    macs: int = 0
    parameters: int = 0
    bytes: int = 0

    def __add__(self, other):
        return Count(self.macs + other.macs, self.parameters + other.parameters, self.bytes + other.bytes)


def count_layers(definition, masks=None):
    """Return {layer: Count} of the layers with weights of a Definition.

    masks: {layer: bool [outputs, inputs of a group]}, the connections that pruning left, for some layers or none; the others count whole. Of a
    Dense layer the inputs are those of all places, [outputs, height * width * channels].
    """
    counts = {}
    for layer in definition.weighted:
        outputs, *_ = shape = definition.weights_shape(layer)
        weights, mask = prod(shape), (masks or {}).get(layer.name)
        if mask is not None:
            weights = weights // mask.size * int(np.count_nonzero(mask))
        pixels = prod(definition.shapes[layer.output][:2])
        counts[layer.name] = Count(pixels * weights, weights + outputs, weights + _BIAS_BYTES * outputs)
    return counts


def count(definition, masks=None):
    """Return the Count of a whole Definition; masks as in `count_layers`."""
    return sum(count_layers(definition, masks).values(), Count())


def reduction(small, large):
    """Return {what: share by which Count `small` is less than `large`}."""
    return {name: 1 - getattr(small, name) / getattr(large, name) for name in ("macs", "parameters", "bytes")}


def _rows(names, layers):
    """Return a dict a network, as --json writes it."""
    rows = []
    for name in names:
        definition = define(name)
        row = {"network": name, **asdict(count(definition))}
        if name in BASELINES:
            row |= {"baseline": BASELINES[name], "fewer": reduction(count(definition), count(define(BASELINES[name])))}
        if layers:
            row["layers"] = [{"name": layer, **asdict(one)} for layer, one in count_layers(definition).items()]
        rows.append(row)
    return rows


def _table(rows):
    table = Table(title="Counted from the definitions", box=box.SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("network", "MMAC", "parameters", "kB", "fewer\nMACs", "fewer\nparameters", "than"):
        table.add_column(heading, justify="left" if heading in ("network", "than") else "right", no_wrap=True)
    for row in rows:
        fewer = [f"{row['fewer'][key]:.1%}" for key in ("macs", "parameters")] if "fewer" in row else ["", ""]
        table.add_row(row["network"], *_figures(row), *fewer, row.get("baseline", ""), end_section="layers" in row)
        for layer in row.get("layers", ()):
            table.add_row(f"  {layer['name']}", *_figures(layer), style="dim")
    return table


def _figures(row):
    return f"{row['macs'] / 1e6:,.2f}", f"{row['parameters']:,}", f"{row['bytes'] / 1000:,.1f}"


def main(arguments=None):
    """Print the table that the command line asks for; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m nets.count", description=__doc__)
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help=f"default: all of {', '.join(NETWORKS)}")
    parser.add_argument("--layers", action="store_true", help="each layer too")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    chosen = parser.parse_args(arguments)
    try:
        rows = _rows(chosen.networks or NETWORKS, chosen.layers)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if chosen.json:
        print(json.dumps(rows, indent=1))
    else:
        Console().print(_table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
