# SPDX-License-Identifier: BSD-2-Clause
"""The operators that stand between DequantizeLinear and QuantizeLinear: what each makes of its Views and constants.

Each function takes the Graph, the Node and the values of its inputs (None for one left out) and returns a View or a Pending.
"""

import numpy as np

from nets.importers import qdq_layers as layers
from nets.importers import qdq_moves as moves
from nets.importers.onnx_window import window
from nets.importers.qdq_graph import Pending, View, unquantised
from nets.importers.qdq_numbers import Constant


def view_of(node, value):
    """Return `value` if it is a View. Raises UserError where it is anything else."""
    if not isinstance(value, View):
        raise unquantised(f"operator {node.op} {node.name!r}") if isinstance(value, Pending) else node.refuse("one of its inputs must not be a constant")
    return value


def _map_of(node, value):
    view = view_of(node, value)
    if view.flat and max(view.shape[:2]) > 1:
        raise node.refuse("it reads a map that was flattened")
    return view


def array_of(node, value):
    """Return the array of a constant, float64 of a quantised one. Raises UserError where `value` depends on the image."""
    if isinstance(value, Constant):
        return value.real()
    if isinstance(value, np.ndarray):
        return value
    raise node.refuse("one of its inputs depends on the image, but must be a constant")


def _weights_of(node, value):
    if not isinstance(value, Constant):
        raise node.refuse("its weights are not quantised: put QuantizeLinear and DequantizeLinear behind them (a full quantize_static does)")
    return value


def _bias_of(node, values, index):
    value = values[index] if len(values) > index else None
    return value if value is None or isinstance(value, Constant) else array_of(node, value)


def convolution(graph, node, values):
    """Conv."""
    view, weights = _map_of(node, values[0]), _weights_of(node, values[1])
    numbers = weights.symmetric()
    stride, padding = window(node, view.shape[:2], numbers.shape[2:])
    groups = node.attributes.get("group", 1)
    if numbers.shape[1] * groups != view.shape[2]:
        raise node.refuse(f"its weights want {numbers.shape[1] * groups} channels, but it reads {view.shape[2]}")
    return layers.convolution(graph, node.name, view, numbers.transpose(0, 2, 3, 1), weights.scales(len(numbers), 0), _bias_of(node, values, 2), stride,
                              padding, groups)


def gemm(graph, node, values):
    """Gemm and MatMul: a flat view times constant weights."""
    view, weights = view_of(node, values[0]), _weights_of(node, values[1])
    attributes, transposed = node.attributes, node.attributes.get("transB", 0)
    if attributes.get("alpha", 1.0) != 1 or attributes.get("beta", 1.0) != 1 or attributes.get("transA", 0):
        raise node.refuse("only alpha = beta = 1 and an input that is not transposed are supported")
    if not view.flat or weights.numbers.ndim != 2:
        raise node.refuse("only [N, numbers] times constant weights of two dimensions is supported: flatten before it")
    numbers, axis = weights.symmetric(), 0 if transposed else 1
    numbers = numbers if transposed else numbers.T
    return layers.dense(graph, node.name, view, numbers, weights.scales(len(numbers), axis), _bias_of(node, values, 2))


def _per_channel(node, view, value):
    """Return float64 [C] of a constant that is broadcast over a view's channels."""
    values, channels = np.asarray(array_of(node, value), np.float64), view.shape[2]
    axis = -1 if view.flat and max(view.shape[:2]) == 1 else -3
    expected = {1} if view.flat and max(view.shape[:2]) > 1 else {1, channels}
    if values.size not in expected or (values.size > 1 and (values.ndim < -axis or values.shape[axis] != channels)):
        raise node.refuse(f"a constant of the shape {values.shape} beside a map of {channels} channels: only one number, or one a channel, is supported")
    return np.broadcast_to(values.reshape(-1), channels)


def _with_constant(node, values):
    """Return (View, constant) of a node with two inputs, or None where neither is a constant."""
    constants = [isinstance(value, (Constant, np.ndarray)) for value in values]
    if not any(constants):
        return None
    return view_of(node, values[constants.index(False)] if False in constants else values[0]), values[constants.index(True)]


def add(graph, node, values):
    """Add: of two views, or of a view and a constant for each channel."""
    found = _with_constant(node, values)
    if found is None:
        return layers.addition(graph, node.name, view_of(node, values[0]), view_of(node, values[1]))
    offsets = _per_channel(node, *found)
    return layers.affine(graph, node.name, found[0], np.ones(len(offsets)), offsets)


def multiply(graph, node, values):
    """Mul by a constant for each channel."""
    found = _with_constant(node, values)
    if found is None:
        raise node.refuse("a product of two maps is not supported; one with a constant for each channel is")
    factors = _per_channel(node, *found)
    return layers.affine(graph, node.name, found[0], factors, np.zeros(len(factors)))


def batch_norm(graph, node, values):
    """BatchNormalization, as trained: a factor and an offset for each channel."""
    view = view_of(node, values[0])
    gamma, beta, mean, variance = (np.asarray(array_of(node, value), np.float64) for value in values[1:5])
    factors = gamma / np.sqrt(variance + node.attributes.get("epsilon", 1e-5))
    return layers.affine(graph, node.name, view, factors, beta - mean * factors)


def clip(graph, node, values):
    """Relu and Clip; behind an operator whose output is not quantised yet they cost nothing."""
    low, high = (0.0, np.inf) if node.op == "Relu" else (node.attributes.get("min", -np.inf), node.attributes.get("max", np.inf))
    for index, value in enumerate(values[1:]):
        limit = None if value is None else float(np.asarray(array_of(node, value)).reshape(()))
        low, high = (low if limit is None else limit, high) if index == 0 else (low, high if limit is None else limit)
    if not low <= high:
        raise node.refuse(f"it clips to {low} to {high}, which is no range")
    value = values[0]
    return (value if isinstance(value, Pending) else layers.identity(graph, view_of(node, value))).clipped(low, high)


def concatenation(graph, node, values):
    """Concat over channels."""
    views = [view_of(node, value) for value in values]
    if node.attributes.get("axis") not in ((1, -1) if views[0].flat else (1, -3)):
        raise node.refuse("only channels can be concatenated (axis 1)")
    flat = {view.flat for view in views}
    if len({view.shape[:2] for view in views}) > 1 or len(flat) > 1 or (True in flat and max(views[0].shape[:2]) > 1):
        raise node.refuse(f"its inputs have the shapes {', '.join(str(view.shape) for view in views)}: all must have the same height and width")
    return layers.concatenation(graph, node.name, views)


def max_pool(graph, node, values):
    """MaxPool."""
    view, kernel = _map_of(node, values[0]), tuple(node.attributes["kernel_shape"])
    if len([name for name in node.outputs if name]) > 1:
        raise node.refuse("the indices of a MaxPool are not supported: leave its second output out")
    return layers.max_pool(graph, node.name, view, kernel, *window(node, view.shape[:2], kernel, ceil=True))


def average_pool(graph, node, values):
    """AveragePool."""
    view, kernel = _map_of(node, values[0]), tuple(node.attributes["kernel_shape"])
    stride, padding = window(node, view.shape[:2], kernel, ceil=True)
    include = bool(node.attributes.get("count_include_pad", 0))
    if include and node.attributes.get("ceil_mode", 0) and padding != window(node, view.shape[:2], kernel)[1]:
        raise node.refuse("ceil_mode with count_include_pad is not supported: the last windows would count places that are neither map nor padding")
    return layers.average_pool(graph, node.name, view, kernel, stride, padding, include)


def global_average(graph, node, values):
    """GlobalAveragePool, and ReduceMean over rows and columns."""
    view = _map_of(node, values[0])
    flat = False
    if node.op == "ReduceMean":
        axes = values[1].tolist() if len(values) > 1 and values[1] is not None else node.attributes.get("axes", ())
        if view.flat or sorted(axis % 4 for axis in axes) != [2, 3]:
            raise node.refuse(f"a mean over the axes {list(axes)} is not supported, only one over rows and columns (2 and 3)")
        flat = not node.attributes.get("keepdims", 1)
    pending = layers.average_pool(graph, node.name, view, view.shape[:2], (1, 1), layers.Padding(), False)
    return moves.flatten("", pending) if flat else pending


def softmax(graph, node, values):
    """Softmax over channels."""
    view = view_of(node, values[0])
    old = graph.opset < 13
    axis, pixel = node.attributes.get("axis", 1 if old else -1), max(view.shape[:2]) == 1
    # Up to operator set 12 softmax is over all dimensions from the axis on.
    if axis not in ((1, -1) if view.flat else (1, -3)) or (not pixel and (old or view.flat)):
        raise node.refuse("only a softmax over channels is supported (axis 1)")
    return layers.softmax(graph, node.name, view)


_FUNCTIONS = {
    "Sigmoid": lambda values, node: 1 / (1 + np.exp(-values)),
    "Tanh": lambda values, node: np.tanh(values),
    "LeakyRelu": lambda values, node: np.where(values < 0, values * node.attributes.get("alpha", 0.01), values),
    "HardSigmoid": lambda values, node: np.clip(values * node.attributes.get("alpha", 0.2) + node.attributes.get("beta", 0.5), 0, 1),
    "HardSwish": lambda values, node: values * np.clip(values / 6 + 0.5, 0, 1),
}


def table(graph, node, values):
    """A function of each number by itself: a table, looked up by the CPU."""
    function = _FUNCTIONS[node.op]
    return layers.lookup(graph, node.name, view_of(node, values[0]), lambda reals: function(reals, node))


def identity(graph, node, values):
    """Identity, and Dropout as it is after training."""
    return values[0]


def flatten(graph, node, values):
    """Flatten of all but the batch."""
    if node.attributes.get("axis", 1) != 1:
        raise node.refuse("only all dimensions but the batch can be flattened (axis 1)")
    return moves.flatten(f"operator {node.op} {node.name!r}", _image_value(node, values[0]))


def reshape(graph, node, values):
    """Reshape to a constant shape."""
    shape = array_of(node, values[1]).tolist()
    return moves.reshape(f"operator {node.op} {node.name!r}", _image_value(node, values[0]), shape)


def squeeze(graph, node, values):
    """Squeeze of a map of one pixel: [N, C, 1, 1] becomes [N, C]."""
    axes = values[1].tolist() if len(values) > 1 and values[1] is not None else node.attributes.get("axes", ())
    value = _image_value(node, values[0])
    if value.flat or max(value.shape[:2]) > 1 or sorted(axis % 4 for axis in axes) != [2, 3]:
        raise node.refuse("only the rows and columns of a map of one pixel can be squeezed (axes 2 and 3)")
    return moves.flatten("", value)


def _image_value(node, value):
    return value if isinstance(value, Pending) else view_of(node, value)


def pad(graph, node, values):
    """Pad with zeros."""
    mode, fill = node.attributes.get("mode", "constant"), values[2] if len(values) > 2 else None
    if mode != "constant" or (fill is not None and np.any(array_of(node, fill) != 0)) or node.attributes.get("value", 0.0) != 0 or len(values) > 3:
        raise node.refuse("only zeros around all of a map are supported (mode constant, value 0, no axes)")
    pads = array_of(node, values[1]).tolist() if len(values) > 1 else node.attributes.get("pads", ())
    return moves.pad(f"operator {node.op} {node.name!r}", view_of(node, values[0]), [int(number) for number in pads])


def take(graph, node, values):
    """Slice by constants."""
    view = view_of(node, values[0])
    starts, ends, axes, steps = (None if len(values) <= index or values[index] is None else array_of(node, values[index]).tolist() for index in range(1, 5))
    starts, ends = starts or node.attributes.get("starts", ()), ends or node.attributes.get("ends", ())
    axes = axes or node.attributes.get("axes", list(range(len(starts))))
    ranges = [slice(None)] * 4
    for start, end, axis, step in zip(starts, ends, axes, steps or [1] * len(starts), strict=True):
        ranges[axis % 4] = slice(start, end, step)
    if view.flat:
        raise node.refuse("only maps [N, C, H, W] can be sliced")
    return moves.take(f"operator {node.op} {node.name!r}", view, ranges)


OPERATORS = {"Conv": convolution, "Gemm": gemm, "MatMul": gemm, "Add": add, "Mul": multiply, "BatchNormalization": batch_norm, "Relu": clip, "Clip": clip,
             "Concat": concatenation, "MaxPool": max_pool, "AveragePool": average_pool, "GlobalAveragePool": global_average, "ReduceMean": global_average,
             "Softmax": softmax, "Identity": identity, "Dropout": identity, "Flatten": flatten, "Reshape": reshape, "Squeeze": squeeze, "Pad": pad,
             "Slice": take, **dict.fromkeys(_FUNCTIONS, table)}
# Those that may work on the integers themselves.
ON_INTEGERS = ("MaxPool", "Identity", "Flatten", "Reshape", "Squeeze")
