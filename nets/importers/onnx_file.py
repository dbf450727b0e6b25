# SPDX-License-Identifier: BSD-2-Clause
"""Opens an ONNX file: checked, one image a batch, functions inlined, constants computed, the shape of each tensor inferred."""

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError, EncodeError
from onnx import inliner, shape_inference

from accel.errors import UserError
from nets.importers.onnx_simplify import fold_constants

# The oldest operator set whose operators are read.
OLDEST_OPSET = 7
_QUANTISED = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger")


def read_onnx(path):
    """Return the onnx.ModelProto of file `path`: one input whose batch is 1, one output, shapes inferred, constants as initialisers.

    Raises UserError where the file cannot be read or is no valid model, and for dynamic shapes, several inputs or outputs, a batch other than 1.
    """
    path = Path(path)
    try:
        model = onnx.load(path)
        for info in model.graph.output:
            # The check wants a shape; whichever it is, it is inferred anew below.
            info.type.tensor_type.shape.SetInParent()
        onnx.checker.check_model(model)
        if model.functions:
            model = inliner.inline_local_functions(model)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error
    except (DecodeError, EncodeError, ValueError, TypeError, onnx.checker.ValidationError) as error:
        raise UserError(f"{path} is no valid ONNX model, or not all of one: {_first_line(error)}") from error
    _check_opset(path, opset_of(model))
    _set_batch(path, model)
    try:
        return infer_all(path, fold_constants(infer_all(path, model)))
    except (ValueError, TypeError, shape_inference.InferenceError) as error:  # Names that are no text, constants longer than their shape.
        raise UserError(f"{path} is damaged, or not all of a model: {_first_line(error)}") from error


def _check_opset(path, opset):
    newest = onnx.defs.onnx_opset_version()
    if not OLDEST_OPSET <= opset <= newest:
        word, limit = ("oldest", OLDEST_OPSET) if opset < OLDEST_OPSET else ("newest", newest)
        raise UserError(f"{path} is of operator set {opset}, but {limit} is the {word} that is read: convert it by onnx.version_converter")


def opset_of(model):
    """Return the version of ONNX's own operators that `model` uses, 0 where it uses none."""
    return max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)


def is_quantised(model):
    """Whether an onnx.ModelProto is quantised already: with Q and DQ operators, or with QLinearConv and the like."""
    return any(node.op_type in _QUANTISED or node.op_type.startswith("QLinear") for node in model.graph.node)


def graph_input(model):
    """Return the onnx.ValueInfoProto of the one input that is no constant."""
    known = {tensor.name for tensor in model.graph.initializer}
    return next(info for info in model.graph.input if info.name not in known)


def _first_line(error):
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _set_batch(path, model):
    known = {tensor.name for tensor in model.graph.initializer}
    inputs = [info for info in model.graph.input if info.name not in known]
    for kind, infos in (("inputs", inputs), ("outputs", model.graph.output)):
        if len(infos) != 1:
            names = ", ".join(info.name for info in infos) or "none"
            raise UserError(f"{path} has {len(infos)} {kind} ({names}), but one is what can be run: cut the model to one")
    dims = inputs[0].type.tensor_type.shape.dim
    name, shown = inputs[0].name, [dim.dim_value if dim.HasField("dim_value") else dim.dim_param or "?" for dim in dims]
    if len(dims) < 2 or not all(dim.HasField("dim_value") and dim.dim_value > 0 for dim in dims[1:]):
        raise UserError(f"{path}: the input {name!r} is of the dynamic shape {shown}: export the model with fixed sizes; only the batch may be open")
    if dims[0].HasField("dim_value") and dims[0].dim_value not in (0, 1):
        raise UserError(f"{path}: the input {name!r} is of the shape {shown}: export the model for a batch of 1, or with the batch open")
    dims[0].dim_value = 1
    # What was inferred for another batch would contradict.
    del model.graph.value_info[:]
    for info in model.graph.output:
        info.type.tensor_type.ClearField("shape")


def infer_all(path, model):
    """Return the onnx.ModelProto of file `path` with the shape of each tensor inferred. Raises UserError where they do not fit together."""
    try:
        return shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    except shape_inference.InferenceError as error:
        raise UserError(f"{path}: the shapes of its operators do not fit together: {_first_line(error)}") from error
