# SPDX-License-Identifier: BSD-2-Clause
"""Where each layer of a network runs, and why there."""

from dataclasses import dataclass

from compiler.ir import AveragePool2D, Concat, Conv2D, FullyConnected, MaxPool2D
from compiler.traffic import Traffic, traffic

ACCELERATOR, CPU = "accelerator", "CPU"


@dataclass(frozen=True)
class Placed:
    """One layer, or a copy that the compiler put in: `cycles` predicted and `traffic` are of the unit that it begins, None where it has none."""

    name: str
    op: str
    where: str
    why: str
    cycles: int | None = None
    traffic: Traffic | None = None


def place_layers(network, model):
    """Return the Placed of each layer of `network`, in its order, with the copies before their readers; `model` is its CompiledModel."""
    layers = {layer.name: layer for layer in network.layers}
    numbers, moved = {name: number for number, name in enumerate(layers)}, traffic(model.config, model.words)
    rows, at = [], len(layers)
    for unit in reversed(model.layers):
        known = [layers[name] for name in unit.members]
        at = min((numbers[layer.name] for layer in known), default=at)
        first = _unit_row(unit, known, moved[unit.record])
        rows.append((at, bool(known), first))
        rows += [(numbers[layer.name], True, Placed(layer.name, layer.op, ACCELERATOR, f"in the drain of {known[0].name}")) for layer in known[1:]]
    rows += [(numbers[layer.name], True, Placed(layer.name, layer.op, ACCELERATOR, "by addressing: the layers before write side by side"))
             for layer in network.layers if isinstance(layer, Concat)]
    return tuple(row for _, _, row in sorted(rows, key=lambda row: row[:2]))


def _unit_row(unit, known, moved):
    if not known:
        return Placed(unit.name, "copy", ACCELERATOR, "its readers need the tensor to lie otherwise", unit.cycles_predicted, moved)
    return Placed(known[0].name, known[0].op, ACCELERATOR, _why(known[0]), unit.cycles_predicted, moved)


def _why(layer):
    if isinstance(layer, FullyConnected):
        return "a convolution of one pixel"
    if isinstance(layer, Conv2D):
        window = f"{layer.kernel[0]} x {layer.kernel[1]} convolution"
        return f"depthwise {window}" if layer.depthwise else f"{window}{f' in {layer.groups} groups' if layer.groups > 1 else ''}"
    if isinstance(layer, MaxPool2D):
        return f"{layer.kernel[0]} x {layer.kernel[1]} maximum, a pass of its own"
    if isinstance(layer, AveragePool2D):
        return f"{layer.kernel[0]} x {layer.kernel[1]} mean, a depthwise convolution with weights of 1"
    return "requantisation and clamp alone, a depthwise convolution"
