# SPDX-License-Identifier: BSD-2-Clause
"""A quantised network as a file: an .npz of its arrays, and a JSON header that says what they are."""

import json
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np

from accel.errors import UserError
from compiler.ir import (
    Add, AveragePool2D, Concat, Conv2D, FullyConnected, Lookup, MaxPool2D, Network, Padding, Rescale, Softmax, Sums, TensorInfo)
from nets.unreadable import UNREADABLE, reason

FORMAT = "sparcnet-network-1"
_KINDS = {kind.op: kind for kind in (Add, AveragePool2D, Concat, Conv2D, FullyConnected, Lookup, MaxPool2D, Rescale, Softmax, Sums)}


def save_network(network, path):
    """Write `network` to `path`."""
    arrays, layers = {}, []
    for layer in network.layers:
        values = {"op": layer.op, **vars(layer)}
        if "padding" in values:
            values["padding"] = asdict(layer.padding)
        arrays |= {f"{layer.name}.{name}": value for name, value in values.items() if isinstance(value, np.ndarray)}
        layers.append({name: value for name, value in values.items() if not isinstance(value, np.ndarray)})
    header = {"format": FORMAT, "name": network.name, "input": network.input, "output": network.output, "labels": list(network.labels),
              "tensors": [asdict(tensor) for tensor in network.tensors.values()], "layers": layers}
    with Path(path).open("wb") as file:
        np.savez_compressed(file, header=np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays)


def load_network(path):
    """Return the Network of a file. Raises UserError where it cannot be read or is no network."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            header = json.loads(stored["header"].tobytes())
            if header.get("format") != FORMAT:
                raise UserError(f"{path} has the format {header.get('format')!r}, but {FORMAT!r} is what can be read")
            layers = tuple(_layer(values, stored) for values in header["layers"])
            tensors = {values["name"]: TensorInfo(**values) for values in header["tensors"]}
            return Network(header["name"], header["input"], header["output"], tensors, layers, tuple(header["labels"]))
    except UNREADABLE as error:
        raise UserError(f"{path} is no network file: {reason(error)}") from error


def _layer(values, stored):
    values = dict(values)
    kind = _KINDS[values.pop("op")]
    if "padding" in values:
        values["padding"] = Padding(**values["padding"])
    for name in ("stride", "window", "inputs"):
        if name in values:
            values[name] = tuple(values[name])
    places = {field.name: f"{values['name']}.{field.name}" for field in fields(kind)}
    return kind(**values, **{name: stored[place] for name, place in places.items() if place in stored})
