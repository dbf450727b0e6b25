# SPDX-License-Identifier: BSD-2-Clause
"""A quantised network as a file: an .npz of its arrays, and a JSON header that says what they are."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from accel.errors import UserError
from compiler.ir import Add, AveragePool2D, Concat, Conv2D, FullyConnected, MaxPool2D, Network, Padding, Rescale, TensorInfo

FORMAT = "sparcnet-network-1"
_KINDS = {kind.op: kind for kind in (Add, AveragePool2D, Concat, Conv2D, FullyConnected, MaxPool2D, Rescale)}
_ARRAYS = ("weights", "bias", "multipliers", "shifts")
_MASK = "dynamic_mask"


def save_network(network, path):
    """Write `network` to `path`."""
    arrays, layers = {}, []
    for layer in network.layers:
        values = {"op": layer.op, **vars(layer)}
        if "padding" in values:
            values["padding"] = asdict(layer.padding)
        for name in _ARRAYS:
            if name in values:
                arrays[f"{layer.name}.{name}"] = values.pop(name)
        mask = values.pop(_MASK, None)
        if mask is not None:
            arrays[f"{layer.name}.{_MASK}"] = mask
        layers.append(values)
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
            names, labels = (header["name"], header["input"], header["output"]), tuple(header["labels"])
    except (OSError, EOFError, KeyError, ValueError, TypeError) as error:
        raise UserError(f"{path} is no network file: {error}") from error
    return Network(*names, tensors, layers, labels)


def _layer(values, stored):
    values = dict(values)
    kind = _KINDS[values.pop("op")]
    if "padding" in values:
        values["padding"] = Padding(**values["padding"])
    for name in ("stride", "window", "inputs"):
        if name in values:
            values[name] = tuple(values[name])
    if issubclass(kind, Conv2D):
        values |= {name: stored[f"{values['name']}.{name}"] for name in _ARRAYS}
        if f"{values['name']}.{_MASK}" in stored:
            values[_MASK] = stored[f"{values['name']}.{_MASK}"]
    return kind(**values)
