# SPDX-License-Identifier: BSD-2-Clause
"""Leaves out the arithmetic on shapes by which converters let a RESHAPE keep an open batch: all shapes are fixed here."""

from dataclasses import replace

_KINDS = ("PACK", "SHAPE", "STRIDED_SLICE")


def without_shape_arithmetic(graph):
    """Return (graph without the operators that only tell a RESHAPE its shape, the operators left out). Others of their kinds stay."""
    gone = set()
    for operator in reversed(graph.operators):
        readers = [(reader, place) for reader in graph.operators for place, number in enumerate(reader.inputs) if number in operator.outputs]
        only_shapes = all(reader.number in gone or (reader.kind == "RESHAPE" and place == 1) for reader, place in readers)
        if operator.kind in _KINDS and readers and only_shapes:
            gone.add(operator.number)
    left_out = tuple(operator for operator in graph.operators if operator.number in gone)
    return replace(graph, operators=tuple(operator for operator in graph.operators if operator.number not in gone)), left_out
