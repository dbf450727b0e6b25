# SPDX-License-Identifier: BSD-2-Clause
"""Writes .tflite files by flatbuffers: tensors and operators as asked, right or wrong."""

from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

_TYPES = {"int8": schema.TensorType.INT8, "uint8": schema.TensorType.UINT8, "int16": schema.TensorType.INT16, "int32": schema.TensorType.INT32,
          "float32": schema.TensorType.FLOAT32}


class TFLiteBuilder:
    """Collects the tensors and operators of one subgraph; `write` makes the file."""

    def __init__(self):
        self.graph, self.model = schema.SubGraphT(), schema.ModelT()
        self.graph.tensors, self.graph.operators, self.model.operatorCodes = [], [], []
        self.model.buffers = [schema.BufferT()]

    def tensor(self, shape, scale=None, zero_point=0, dtype="int8", data=None, name=None, axis=0, signature=None):
        """Add a tensor and return its number. scale, zero_point: one number or one a channel along `axis`; data: its constant values, or None."""
        tensor = schema.TensorT()
        tensor.shape, tensor.shapeSignature, tensor.type = list(shape), signature, _TYPES[dtype]
        tensor.name = name or f"tensor_{len(self.graph.tensors)}"
        if scale is not None:
            tensor.quantization = schema.QuantizationParametersT()
            scales = np.atleast_1d(np.asarray(scale, np.float32))
            tensor.quantization.scale = scales
            tensor.quantization.zeroPoint = np.broadcast_to(np.asarray(zero_point, np.int64), scales.shape)
            tensor.quantization.quantizedDimension = axis
        if data is not None:
            tensor.buffer = len(self.model.buffers)
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data, dtype).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def operator(self, kind, inputs, outputs, options=None, version=1, **values):
        """Add an operator: `kind` as in BuiltinOperator, its `options` table by name without "Options", and the table's fields."""
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, kind)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = version
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.inputs, operator.outputs = len(self.model.operatorCodes), list(inputs), list(outputs)
        self.model.operatorCodes.append(code)
        if options:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, options + "Options")
            operator.builtinOptions = getattr(schema, options + "OptionsT")()
            for name, value in values.items():
                if name not in vars(operator.builtinOptions):
                    raise ValueError(f"{options}Options has no field {name!r}")
                setattr(operator.builtinOptions, name, value)
        self.graph.operators.append(operator)

    def write(self, path, inputs, outputs, subgraphs=1):
        """Write the file and return its path; subgraphs: how often the graph is in it."""
        self.graph.inputs, self.graph.outputs = list(inputs), list(outputs)
        self.model.version, self.model.subgraphs, self.model.description = 3, [self.graph] * subgraphs, "a test"
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        Path(path).write_bytes(builder.Output())
        return path
