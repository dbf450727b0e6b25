# SPDX-License-Identifier: BSD-2-Clause
"""Reads ONNX models that are quantised to int8 or uint8 already, statically: with QuantizeLinear and DequantizeLinear around their operators, or with
QLinearConv and the like, which mean the same.

The pairs are stripped off: what remains is read as a float model is, and becomes int8 with the numbers that the pairs gave. Each layer's output
differs from onnxruntime's, which computes it in float32 or scales its sums by float32, by at most 1.
"""

from pathlib import Path

from accel.errors import UserError
from nets.float_network import FloatActivation, FloatConcat, FloatMaxPool, FloatNetwork
from nets.float_rewrite import Rewrite
from nets.float_simplify import fuse
from nets.importers.onnx_file import infer_all, read_onnx
from nets.importers.qdq_layers import int8_network
from nets.importers.qdq_strip import strip
from nets.importers.qoperator import without_qoperators
from nets.model import Model


def import_qdq(path, model=None):
    """Return the Model of the quantised ONNX file `path`. Tensors have the names that their reals have in the file, uint8 ones 128 taken off.

    model: what read_onnx gave of `path`, where it is at hand; it is changed.

    Raises UserError where the file cannot be read, has an operator that cannot be done, is quantised in another way (dynamically, to int16, with
    asymmetric weights or scales for each channel of an activation), or has operators that read what is not quantised.
    """
    path = Path(path)
    stripped = strip(path, infer_all(path, without_qoperators(model or read_onnx(path))))
    graph = stripped.graph
    network = FloatNetwork(path.stem, stripped.source, stripped.output, graph.tensors, tuple(graph.layers))
    network = _fused(network, stripped.numbers)
    return Model(int8_network(network, _completed(network, stripped.numbers), stripped.scales), path, notes=tuple(graph.notes))


def _fused(network, numbers):
    """Return the FloatNetwork with each activation in the layer before it, where the tensor between has no numbers of its own."""
    work = Rewrite(network)
    for layer in network.layers:
        if isinstance(layer, FloatActivation) and layer.input not in numbers and work.only_reader(layer.input) is layer:
            fuse(work, layer, work.writer(layer.input))
    return work.finish()


def _completed(network, numbers):
    """Return {tensor: (scale, zero point)} of all tensors.

    What becomes integers only behind an activation, a maximum, a concatenation or a selection takes these integers' numbers: rounding first gives
    the same. What a selection or a maximum of integers gives has their numbers.
    """
    given, numbers = numbers, dict(numbers)
    for layer in reversed(network.layers):
        if layer.output in numbers and (isinstance(layer, (FloatActivation, FloatMaxPool, FloatConcat)) or _selects(layer)):
            for name in layer.inputs:
                if name not in given and numbers.setdefault(name, numbers[layer.output]) != numbers[layer.output]:
                    raise UserError(f"tensor {name!r} is not quantised, and what reads it is, in different ways: put QuantizeLinear and "
                                    "DequantizeLinear behind it")
    for layer in network.layers:
        numbers.setdefault(layer.output, numbers[layer.inputs[0]])
    return numbers


def _selects(layer):
    """Whether a layer moves numbers, or 0: a convolution of which each filter has one weight, 1, or none."""
    weights = getattr(layer, "weights", None)
    if weights is None or layer.bias.any():
        return False
    rows = weights.reshape(len(weights), -1)
    return ((rows == 0) | (rows == 1)).all() and (rows.sum(axis=1) <= 1).all()
