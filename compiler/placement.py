# SPDX-License-Identifier: BSD-2-Clause
"""Where each layer of a network runs, and why there."""

from dataclasses import dataclass

from compiler.ir import Add, AveragePool2D, Concat, Conv2D, FullyConnected, MaxPool2D
from compiler.traffic import Traffic, traffic

ACCELERATOR, CPU = "accelerator", "CPU"
# Layer of the CPU -> what of it the accelerator does not have.
_WHY_CPU = {"lookup": "a table: the accelerator scales and clamps, but has no other function", "softmax": "the accelerator has no exponential",
            "sums": "its output are int32 sums: the accelerator stores int8"}


@dataclass(frozen=True)
class Placed:
    """One layer, or a copy that the compiler put in: `cycles` predicted and `traffic` are of the unit of the accelerator that it begins, None where
    it begins none."""

    name: str
    op: str
    where: str
    why: str
    cycles: int | None = None
    traffic: Traffic | None = None


def place_layers(network, model):
    """Return the Placed of each layer of `network`, in its order, with the copies before their readers; `model` is its CompiledModel."""
    layers, moved = {layer.name: layer for layer in network.layers}, {}
    for program in model.programs:
        moved |= traffic(model.config, program.words)
    order, rows = {layer.name: number for number, layer in enumerate(model.lowered.layers)}, {}
    for unit in model.layers:
        first, *others = [layers[name] for name in unit.members] or [None]
        rows[first.name if first else unit.name] = _unit_row(unit, first, moved.get(unit.record))
        rows |= {layer.name: Placed(layer.name, layer.op, ACCELERATOR, f"in the drain of {first.name}") for layer in others}
    rows |= {layer.name: Placed(layer.name, layer.op, ACCELERATOR, "by addressing: its inputs lie side by side")
             for layer in network.layers if isinstance(layer, Concat)}
    return tuple(rows[name] for name in sorted(rows, key=order.get))


def _unit_row(unit, first, moved):
    if first is None:
        return Placed(unit.name, "copy", ACCELERATOR, "its readers need the tensor to lie otherwise", unit.cycles_predicted, moved)
    if unit.on_cpu:
        return Placed(first.name, first.op, CPU, _WHY_CPU[first.op])
    return Placed(first.name, first.op, ACCELERATOR, _why(first), unit.cycles_predicted, moved)


def _why(layer):
    if isinstance(layer, Add):
        return "in the drain of a copy of one of its inputs"
    if isinstance(layer, FullyConnected):
        return "a convolution of one pixel"
    if isinstance(layer, Conv2D):
        window = f"{layer.kernel[0]} x {layer.kernel[1]} convolution"
        return f"depthwise {window}" if layer.depthwise else f"{window}{f' in {layer.groups} groups' if layer.groups > 1 else ''}"
    if isinstance(layer, MaxPool2D):
        return f"{layer.kernel[0]} x {layer.kernel[1]} maximum, a pass of its own"
    if isinstance(layer, AveragePool2D):
        return f"{layer.kernel[0]} x {layer.kernel[1]} mean, as a depthwise convolution"
    return "scale and clamp alone, as a depthwise convolution"
