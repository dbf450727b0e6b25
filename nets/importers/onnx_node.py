# SPDX-License-Identifier: BSD-2-Clause
"""What the importers read of an ONNX graph: its constants, its shapes, an operator and the sentence with which it is refused."""

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import numpy_helper

from accel.errors import UserError

# The types of tensors that become float32.
FLOATS = {onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16}
# What to do about operators that people do bring.
_HINTS = {
    "Sigmoid": "use ReLU or ReLU6, or end the model before it",
    "HardSwish": "train with ReLU or ReLU6",
    "HardSigmoid": "train with ReLU or ReLU6",
    "LeakyRelu": "train with ReLU or ReLU6",
    "PRelu": "train with ReLU or ReLU6",
    "Elu": "train with ReLU or ReLU6",
    "Gelu": "train with ReLU or ReLU6",
    "Tanh": "train with ReLU or ReLU6",
    "ConvTranspose": "use a convolution",
    "Resize": "use strides and pools, or end the model before it",
    "LSTM": "recurrent networks are not supported",
    "GRU": "recurrent networks are not supported",
    "LRN": "train without it, or with batch norm",
    "InstanceNormalization": "train with batch norm, which folds into convolutions",
    "LayerNormalization": "train with batch norm, which folds into convolutions",
    "ArgMax": "end the model before it: the scores' largest is found by whoever reads them",
}


def _plain(value):
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value.tolist() if isinstance(value, np.ndarray) else list(value) if isinstance(value, (list, tuple)) else value


def initialisers(model):
    """Return {name: array} of the constants of an onnx.ModelProto."""
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def shapes_of(model):
    """Return {tensor: tuple of int} of all tensors of an onnx.ModelProto whose shape is known, batch included."""
    found = {}
    for info in (*model.graph.input, *model.graph.value_info, *model.graph.output):
        dims = info.type.tensor_type.shape.dim
        if info.type.tensor_type.HasField("shape") and all(dim.HasField("dim_value") for dim in dims):
            found[info.name] = tuple(dim.dim_value for dim in dims)
    return found


@dataclass(frozen=True)
class Node:
    """An operator: `op`, `name`, names of `inputs` ("" where one is left out) and `outputs`, `attributes` {name: Python value}."""

    op: str
    name: str
    inputs: tuple
    outputs: tuple
    attributes: dict

    @classmethod
    def of(cls, proto):
        """Return the Node of an onnx.NodeProto; one without a name takes that of its first output. Operators of other domains carry theirs."""
        attributes = {one.name: _plain(onnx.helper.get_attribute_value(one)) for one in proto.attribute}
        op = f"{proto.domain}.{proto.op_type}" if proto.domain not in ("", "ai.onnx") else proto.op_type
        return cls(op, proto.name or proto.output[0], tuple(proto.input), tuple(proto.output), attributes)

    def refuse(self, why):
        """Return the UserError that says what this operator is, and `why` it cannot be done and what to change."""
        shown = ", ".join(f"{name}={value if len(str(value)) < 60 else '...'}" for name, value in self.attributes.items())
        return UserError(f"operator {self.op} {self.name!r} ({shown or 'no attributes'}): {why}")

    def unknown(self):
        """Return the UserError for an operator that there is no reading of at all."""
        hint = _HINTS.get(self.op, "express it by operators that are supported, or end the model before it")
        return self.refuse(f"neither the accelerator nor the CPU can do this operator; {hint}")

    def has(self, index):
        """Whether input `index` is given."""
        return index < len(self.inputs) and self.inputs[index] != ""
