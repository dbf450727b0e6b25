# SPDX-License-Identifier: BSD-2-Clause
"""Reads a .tflite flatbuffer into plain tensors and operators, by the package `tflite`."""

import re
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tflite

from accel.errors import UserError

_KINDS = {number: name for name, number in vars(tflite.BuiltinOperator).items() if isinstance(number, int)}
_TYPES = {number: name.lower() for name, number in vars(tflite.TensorType).items() if isinstance(number, int)}
_OPTIONS = {number: name for name, number in vars(tflite.BuiltinOptions).items() if isinstance(number, int)}
_ARRAYS = {"int8": np.int8, "uint8": np.uint8, "int16": np.int16, "int32": np.int32, "int64": np.int64, "float32": np.float32}


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor of the file: `dtype` as TFLite calls it, in small letters; `shape` of ints, `signature` the same with -1 where it may change.

    scales float32 [n] and zero_points int64 [n]: n is 1, or the length of `axis`; both None where the tensor is not quantised.
    data: the constant's array of `shape`, None for what is computed. sparse: whether the data is compressed.
    """

    number: int
    name: str
    shape: tuple
    signature: tuple
    dtype: str
    scales: np.ndarray | None
    zero_points: np.ndarray | None
    axis: int
    data: np.ndarray | None
    sparse: bool

    @property
    def offset(self):
        """What uint8 numbers have more than the int8 ones that stand for them: 128; 0 for other types."""
        return 128 if self.dtype == "uint8" else 0

    @property
    def scale(self):
        """The scale of a tensor that has one, a float32."""
        return self.scales[0]

    @property
    def zero_point(self):
        """The zero point of a tensor that has one, as an int8 number."""
        return int(self.zero_points[0]) - self.offset

    @property
    def map_shape(self):
        """(height, width, channels) of a shape with one image: missing dimensions before the channels are 1."""
        return (1, 1, 1, *self.shape[1:])[-3:]


@dataclass(frozen=True, eq=False)
class Operator:
    """An operator of the file: `inputs` and `outputs` are numbers of tensors, -1 where one is left out; `options` {name: value}."""

    number: int
    kind: str
    version: int
    inputs: tuple
    outputs: tuple
    options: dict


@dataclass(frozen=True, eq=False)
class Graph:
    """The first subgraph of a file; `subgraphs` says how many it has. `inputs` and `outputs` are numbers of tensors."""

    path: Path
    subgraphs: int
    tensors: tuple
    operators: tuple
    inputs: tuple
    outputs: tuple


def read_tflite(path):
    """Return the Graph of the file at `path`. Raises UserError where it cannot be read, is no TFLite file or ends too early."""
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    if content[4:8] != b"TFL3":
        raise UserError(f"{path} is no TFLite file: its bytes 4 to 7 are {content[4:8]!r}, not b'TFL3'")
    try:
        return _graph(path, tflite.Model.GetRootAsModel(content, 0))
    except (struct.error, IndexError, KeyError, TypeError, ValueError, AttributeError, OverflowError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is damaged or truncated: it has {len(content)} bytes, but points to what is not in them; "
                        "fetch or export it anew") from error


def _graph(path, model):
    # Every buffer is read, used or not: a file that was cut anywhere must not pass.
    buffers = [_bytes(model.Buffers(i)) for i in range(model.BuffersLength())]
    _text(model.Description())
    for i in range(model.MetadataLength()):
        _text(model.Metadata(i).Name())
    graph = model.Subgraphs(0)
    kinds = [_kind(model.OperatorCodes(i)) for i in range(model.OperatorCodesLength())]
    tensors = tuple(_tensor(i, graph.Tensors(i), buffers) for i in range(graph.TensorsLength()))
    operators = tuple(_operator(i, graph.Operators(i), kinds) for i in range(graph.OperatorsLength()))
    inputs, outputs = _ints(graph.InputsAsNumpy()), _ints(graph.OutputsAsNumpy())
    for number in (*inputs, *outputs, *(number for operator in operators for number in operator.outputs + operator.inputs)):
        if not -1 <= number < len(tensors):
            raise IndexError(number)
    return Graph(path, model.SubgraphsLength(), tensors, operators, inputs, outputs)


def _bytes(buffer):
    if buffer.Offset() > 1:
        raise ValueError("a buffer lies outside the flatbuffer")
    return buffer.DataAsNumpy() if buffer.DataLength() else None


def _text(stored):
    return (stored or b"").decode()


def _ints(stored):
    return tuple(int(number) for number in stored) if isinstance(stored, np.ndarray) else ()


def _kind(code):
    """Return (name, version) of an operator code. Numbers up to 127 were once stored in a byte, which later writers fill too."""
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    custom = number == tflite.BuiltinOperator.CUSTOM
    return f"CUSTOM {_text(code.CustomCode())}" if custom else _KINDS.get(number, f"operator code {number}"), code.Version()


def _tensor(number, stored, buffers):
    shape, dtype, numbers = _ints(stored.ShapeAsNumpy()), _TYPES[stored.Type()], stored.Quantization()
    axis, scales, zero_points, data = 0 if numbers is None else numbers.QuantizedDimension(), None, None, None
    if numbers is not None and numbers.ScaleLength():
        scales = numbers.ScaleAsNumpy()
        zero_points = numbers.ZeroPointAsNumpy() if numbers.ZeroPointLength() else np.zeros(len(scales), np.int64)
    buffer, sparse = buffers[stored.Buffer()], stored.Sparsity() is not None
    if buffer is not None and dtype in _ARRAYS:
        data = buffer.view(_ARRAYS[dtype])
        data = data if sparse else data.reshape(shape)
    return Tensor(number, _text(stored.Name()), shape, _ints(stored.ShapeSignatureAsNumpy()) or shape, dtype, scales, zero_points, axis, data, sparse)


def _operator(number, stored, kinds):
    name, options = _OPTIONS[stored.BuiltinOptionsType()], {}
    if stored.BuiltinOptions() is not None and hasattr(tflite, name):
        table = getattr(tflite, name)()
        table.Init(stored.BuiltinOptions().Bytes, stored.BuiltinOptions().Pos)
        options = _fields(table)
    return Operator(number, *kinds[stored.OpcodeIndex()], _ints(stored.InputsAsNumpy()), _ints(stored.OutputsAsNumpy()), options)


def _fields(table):
    """Return {field in snake case: number, text or tuple} of a generated flatbuffers table, whose methods bear the fields' names."""
    methods, fields = [name for name in dir(table) if name[0].isupper()], {}
    for name in methods:
        if name + "AsNumpy" in methods:
            fields[name] = _ints(getattr(table, name + "AsNumpy")())
        elif not re.search(r"^Init$|^GetRootAs|BufferHasIdentifier$|(Length|IsNone|AsNumpy)$", name) and name + "Length" not in methods:
            value = getattr(table, name)()
            fields[name] = value.decode() if isinstance(value, bytes) else value
    return {re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower(): value for name, value in fields.items()}
