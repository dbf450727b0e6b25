# SPDX-License-Identifier: BSD-2-Clause
"""Computes what of an ONNX graph does not depend on the image, by onnx's own evaluator."""

import numpy as np
import onnx
from onnx import helper, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

from accel.errors import UserError
from nets.importers.onnx_node import initialisers, shapes_of

# Operators that stay: the scales of quantised weights must stay visible, and random numbers are no constants.
_KEPT = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "Bernoulli", "Multinomial")


def fold_constants(model):
    """Return the onnx.ModelProto with every operator on constants replaced by its result, an initialiser; a Shape of a known shape is a constant.

    The model's shapes must be inferred. What a Shape gives lets more be inferred, so both are repeated until nothing changes.
    """
    while True:
        changed = _pass(model)
        if not changed:
            return model
        model = shape_inference.infer_shapes(model, data_prop=True)


def _pass(model):
    """Fold once through the graph, in place; returns whether anything was."""
    graph = model.graph
    constants = initialisers(model)
    shapes = shapes_of(model)
    kept, found = [], {}
    for node in graph.node:
        results = _results(node, constants, shapes, model.opset_import)
        if results is None:
            kept.append(node)
        else:
            constants |= results
            found |= results
    del graph.node[:]
    graph.node.extend(kept)
    used = {name for node in kept for name in node.input} | {info.name for info in graph.output}
    graph.initializer.extend(numpy_helper.from_array(np.asarray(value, order="C"), name) for name, value in found.items() if name in used)
    return bool(found)


def _results(node, constants, shapes, opset_imports):
    """Return {output: array} of an operator on constants, or None for one that stays."""
    if node.op_type in _KEPT or node.op_type.startswith("Random") or node.domain not in ("", "ai.onnx") or _has_graphs(node):
        return None
    if node.op_type == "Shape" and node.input[0] in shapes:
        inputs = {node.input[0]: np.broadcast_to(np.int8(0), shapes[node.input[0]])}
    elif all(name in constants for name in node.input if name):
        inputs = {name: constants[name] for name in node.input if name}
    else:
        return None
    try:
        outputs = ReferenceEvaluator(_alone(node, inputs, opset_imports)).run(None, inputs)
    except Exception as error:  # The evaluator raises whatever its operators do.
        raise UserError(f"operator {node.op_type} {node.name or node.output[0]!r} on constants cannot be computed: {error}") from error
    return {name: np.asarray(value) for name, value in zip(filter(None, node.output), outputs, strict=True)}


def _alone(node, inputs, opset_imports):
    """Return the model of one operator: only in a model does the evaluator follow the operator set's version."""
    sources = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape) for name, value in inputs.items()]
    targets = [helper.make_empty_tensor_value_info(name) for name in node.output if name]
    return helper.make_model(helper.make_graph([node], "constant", sources, targets), opset_imports=opset_imports)


def _has_graphs(node):
    return any(one.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS) for one in node.attribute)
