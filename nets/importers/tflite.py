# SPDX-License-Identifier: BSD-2-Clause
"""Brings an int8 or uint8 .tflite model in, so that every tensor equals the one that TFLite's reference kernels compute."""

from nets.importers.tflite_checks import check_graph
from nets.importers.tflite_file import read_tflite
from nets.importers.tflite_operators import OPERATORS
from nets.importers.tflite_shapes import without_shape_arithmetic
from nets.importers.tflite_translation import Translation


def import_tflite(path):
    """Return the Model of the TFLite file at `path`: `indices` has the file's number of each of the network's tensors.

    uint8 numbers become int8 by subtracting 128. Raises UserError, a sentence with what to change, for a file that is damaged, for a model that is
    not of 8 bits or not of one fixed shape, and for an operator, or a use of one, that neither accelerator nor CPU can compute exactly.
    """
    graph, shapes = without_shape_arithmetic(read_tflite(path))
    check_graph(graph, OPERATORS)
    translation = Translation(graph)
    if graph.tensors[graph.inputs[0]].dtype != "float32":
        translation.declare_input(graph.inputs[0])
    if any(tensor.dtype == "uint8" for tensor in graph.tensors):
        translation.notes.append("uint8 numbers became int8 by subtracting 128")
    for operator in shapes:
        translation.note(operator, "is left out: shapes are fixed")
    for operator in graph.operators:
        try:
            OPERATORS[operator.kind](translation, operator)
        except (ValueError, ArithmeticError) as error:
            translation.refuse(operator, f"has scales or sizes that do not fit, since {error}", "quantise the model anew with representative images")
    return translation.model()
