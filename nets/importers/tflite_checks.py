# SPDX-License-Identifier: BSD-2-Clause
"""Refuses what cannot be imported, before any of it is translated: one sentence, with what to change in the model."""

import numpy as np

from accel.errors import UserError
from nets.importers.tflite_numbers import ACTIVATIONS

# What numbers of these attributes mean.
_WORDS = {"padding": ("SAME", "VALID"), "fused_activation_function": ACTIVATIONS}
_EXPORT = "export it with full integer quantisation to int8 (a representative dataset; inference input and output type int8)"

_STRIDES = ("stride_h", "stride_w")
_POOL = (*_STRIDES, "filter_height", "filter_width")
# Of operators that need more than one input and no options: how many inputs, and which options, all positive. A bias may be left out.
_FORMS = {"ADD": (2, ()), "AVERAGE_POOL_2D": (1, _POOL), "CONV_2D": (2, _STRIDES), "DEPTHWISE_CONV_2D": (2, _STRIDES), "FULLY_CONNECTED": (2, ()),
          "MAX_POOL_2D": (1, _POOL), "MEAN": (2, ()), "MUL": (2, ()), "PAD": (2, ())}


def short_name(graph, operator):
    """Return the name of an operator's output, of several that a converter joined the first."""
    return graph.tensors[operator.outputs[0]].name.split(";", 1)[0] if operator.outputs else ""


def describe(graph, operator):
    """Return the operator as sentences name it: its kind, number, output's name and attributes."""
    attributes = ", ".join(f"{key} {_word(key, value)}" for key, value in operator.options.items())
    return f"{graph.path}: operator {operator.number}, {operator.kind} {short_name(graph, operator)!r}" + (f" ({attributes})" if attributes else "")


def _word(key, value):
    words = _WORDS.get(key, ())
    return words[value] if isinstance(value, int) and 0 <= value < len(words) else value


def refuse(graph, operator, problem, cure):
    """Raise the UserError that says what is wrong with an operator and what to change in the model."""
    raise UserError(f"{describe(graph, operator)} {problem}: {cure}")


def check_graph(graph, supported):
    """Raise UserError where `graph` is no single int8 (or uint8) network of fixed shapes whose operators are all in `supported`."""
    if graph.subgraphs != 1:
        raise UserError(f"{graph.path} has {graph.subgraphs} subgraphs, but a network is one: export it without control flow and with one signature")
    for word, numbers in (("input", graph.inputs), ("output", graph.outputs)):
        if len(numbers) != 1:
            raise UserError(f"{graph.path} has {len(numbers)} {word}s, but one is what can be run: cut the model so that it has one {word}")
        if numbers[0] < 0:
            raise UserError(f"{graph.path} is damaged, for its {word} is no tensor: fetch or export it anew")
    if not graph.operators:
        raise UserError(f"{graph.path} has no operator, so there is nothing to run: export the trained model")
    for operator in graph.operators:
        if len(operator.outputs) != 1 or operator.outputs[0] < 0:
            refuse(graph, operator, f"has {len(operator.outputs)} outputs, or one that is no tensor", "export the model anew, one output is right")
    _check_types(graph)
    for operator in graph.operators:
        if operator.kind not in supported:
            refuse(graph, operator, "is an operator that neither the accelerator nor the CPU has",
                   f"replace it or cut the model before it; there are {', '.join(sorted(supported))}")
        _check_form(graph, operator)
    for number in dict.fromkeys((*graph.inputs, *(operator.outputs[0] for operator in graph.operators))):
        _check_activation(graph, graph.tensors[number])


def _check_form(graph, operator):
    """Refuse an operator without the inputs or the options that its kind needs: a file can be damaged and still be read."""
    least, positive = _FORMS.get(operator.kind, (1, ()))
    given = sum(number >= 0 for number in operator.inputs[:least])
    if given < least:
        refuse(graph, operator, f"has {given} of the {least} inputs that it needs", "the file is damaged, export the model anew")
    for name in positive:
        if operator.options.get(name, 0) < 1:
            refuse(graph, operator, f"has no positive {name}", "the file is damaged, export the model anew")
    if positive and operator.options["padding"] not in (0, 1):
        refuse(graph, operator, "has a padding that is neither SAME nor VALID", "the file is damaged, export the model anew")


def _check_types(graph):
    """Refuse models of other numbers than int8 and uint8 by what they are, before their operators are looked at."""
    edges = [tensor.number for tensor in _edges(graph)]
    written = [graph.tensors[operator.outputs[0]] for operator in graph.operators]
    inner = [tensor for tensor in (graph.tensors[graph.inputs[0]], *written) if tensor.number not in edges]
    constants = [graph.tensors[number] for operator in graph.operators for number in operator.inputs
                 if number >= 0 and graph.tensors[number].data is not None]
    if any(tensor.dtype == "int16" for tensor in inner):
        raise UserError(f"{graph.path} has int16 activations, but the accelerator's are of 8 bits: {_EXPORT}")
    floats = [tensor for tensor in inner if tensor.dtype in ("float32", "float16")]
    if floats and len(floats) == len(inner) and not any(tensor.dtype == "int8" for tensor in constants):
        raise UserError(f"{graph.path} is a float model, but integers are what the accelerator computes: {_EXPORT}, or give the model as float ONNX, "
                        "which is quantised here")
    if floats:
        raise UserError(f"{graph.path} is a hybrid model: {floats[0].name!r} is {floats[0].dtype}, though other tensors are int8: {_EXPORT}")
    for tensor in inner:
        if tensor.dtype not in ("int8", "uint8"):
            raise UserError(f"{graph.path}: the tensor {tensor.name!r} is {tensor.dtype}, but activations must be int8 or uint8: {_EXPORT}")


def _edges(graph):
    """Return the float tensors at the edges: an input that only a QUANTIZE reads, an output that a DEQUANTIZE writes."""
    first, last = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    readers = [operator for operator in graph.operators if first.number in operator.inputs]
    writers = [operator for operator in graph.operators if last.number in operator.outputs]
    for tensor, operators, kind in ((first, readers, "QUANTIZE"), (last, writers, "DEQUANTIZE")):
        if tensor.dtype == "float32" and [operator.kind for operator in operators] == [kind]:
            yield tensor


def _check_activation(graph, tensor):
    where = f"{graph.path}: the tensor {tensor.name!r}"
    if any(size < 0 for size in tensor.signature[1:]) or any(size < 1 for size in tensor.shape):
        raise UserError(f"{where} has the dynamic shape {list(tensor.signature)}: export the model with a fixed height, width and channels")
    if not 2 <= len(tensor.shape) <= 4 or tensor.shape[0] != 1:
        raise UserError(f"{where} has the shape {list(tensor.shape)}, but maps of one image, [1, height, width, channels], are what can be run: "
                        "export the model for a batch of 1")
    if tensor.dtype == "float32":
        return
    if tensor.scales is None or len(tensor.scales) != 1:
        raise UserError(f"{where} has {0 if tensor.scales is None else len(tensor.scales)} scales, but an activation has one: {_EXPORT}")
    if not (np.isfinite(tensor.scale) and tensor.scale > 0) or not -128 <= tensor.zero_point <= 127:
        numbers = f"scale {tensor.scale} and zero point {tensor.zero_points[0]}"
        raise UserError(f"{where} has the {numbers}, which no {tensor.dtype} tensor can have: {_EXPORT}")
