# SPDX-License-Identifier: BSD-2-Clause
"""What the integers of a quantised ONNX model stand for: real = scale * (number - zero point). uint8 becomes int8 by taking 128 off both."""

from dataclasses import dataclass, replace

import numpy as np
from onnx import TensorProto, helper

from nets.importers.onnx_node import Node

_MIDDLE = {np.dtype(np.int8): 0, np.dtype(np.uint8): 128}


def given_dtype(node):
    """Return the dtype of the integers that a QuantizeLinear without zero point makes: its output_dtype, without that uint8."""
    return helper.tensor_dtype_to_np_dtype(node.attributes.get("output_dtype", 0) or TensorProto.UINT8)


def activation_numbers(node, scale, zero_point):
    """Return (scale, zero point of int8) of an activation by the arrays of a QuantizeLinear or DequantizeLinear.

    Raises UserError where they are one a channel, of another type than int8 and uint8, or no scale.
    """
    if zero_point.dtype not in _MIDDLE:
        raise node.refuse(f"it makes activations {zero_point.dtype}: quantise them to int8 or uint8")
    if scale.size != 1 or zero_point.size != 1:
        raise node.refuse(f"it has {scale.size} scales for an activation: quantise activations per tensor")
    _check_scales(node, scale)
    return float(scale.reshape(())), int(zero_point.reshape(())) - _MIDDLE[zero_point.dtype]


def _check_scales(node, scale):
    if not ((scale > 0) & np.isfinite(scale)).all():
        raise node.refuse("a scale must be positive and finite")


def quantise_constant(node, values, scale, zero_point):
    """Return the integers that a QuantizeLinear makes of an array: halves go to even, what lies outside saturates."""
    if zero_point.dtype.kind not in "iu":
        raise node.refuse(f"it makes constants {zero_point.dtype}: quantise weights to int8")
    limits, axis = np.iinfo(zero_point.dtype), node.attributes.get("axis", 1)
    numbers = np.rint(values / _along(scale, axis, values.ndim)) + _along(zero_point, axis, values.ndim).astype(np.float64)
    return np.clip(numbers, limits.min, limits.max).astype(zero_point.dtype)


def _along(values, axis, dimensions):
    """Return `values` such that they broadcast along `axis` of an array."""
    if values.size == 1:
        return values.reshape(())
    shape = [1] * dimensions
    shape[axis] = values.size
    return values.reshape(shape)


@dataclass(frozen=True, eq=False)
class Constant:
    """A quantised constant: integers with a scale and zero point, one for all or one for each index of `axis`; `node` dequantises it."""

    node: Node
    numbers: np.ndarray
    scale: np.ndarray
    zero_point: np.ndarray
    axis: int

    def real(self):
        """Return what it stands for: float64, in which a product of an integer and a float32 is exact."""
        dimensions = self.numbers.ndim
        difference = self.numbers.astype(np.float64) - _along(self.zero_point, self.axis, dimensions).astype(np.float64)
        return difference * _along(self.scale.astype(np.float64), self.axis, dimensions)

    def transposed(self, permutation):
        """Return the Constant with its axes in the order `permutation`."""
        axis = permutation.index(self.axis % self.numbers.ndim) if self.scale.size != 1 or self.zero_point.size != 1 else self.axis
        return replace(self, numbers=self.numbers.transpose(permutation), axis=axis)

    def check_symmetric(self):
        """Raise UserError where they cannot be weights: where they are neither int8 nor uint8, or zero is not their middle."""
        if self.numbers.dtype not in _MIDDLE:
            raise self.node.refuse(f"its weights are {self.numbers.dtype}: quantise weights to int8")
        wrong = np.flatnonzero(self.zero_point.reshape(-1) != _MIDDLE[self.numbers.dtype])
        if len(wrong):
            raise self.node.refuse(f"its weights are asymmetric (zero point {self.zero_point.reshape(-1)[wrong[0]]}): quantise weights symmetrically "
                                   "(onnxruntime: weight_type QInt8, extra_options={'WeightSymmetric': True})")

    def scales(self, outputs, axis):
        """Return float64 [outputs], the scale of each output channel, which lie along `axis`. Raises UserError where the scales lie along another."""
        if self.scale.size != 1 and self.axis % self.numbers.ndim != axis:
            raise self.node.refuse(f"its weights have {self.scale.size} scales along axis {self.axis}: "
                                   "quantise them per tensor or per output channel")
        return np.broadcast_to(self.scale.astype(np.float64).reshape(-1), outputs)


def dequantised(node, numbers, scale, zero_point):
    """Return the Constant of a DequantizeLinear of the array `numbers`.

    Raises UserError where its scales are none, or not one an index of the axis.
    """
    axis = node.attributes.get("axis", 1)
    if numbers.dtype.kind not in "iu":
        raise node.refuse(f"its constant is {numbers.dtype}: quantise weights to int8")
    for values in (scale, zero_point):
        if values.size != 1 and not (-numbers.ndim <= axis < numbers.ndim and values.size == numbers.shape[axis]):
            raise node.refuse(f"it has {values.size} scales or zero points along axis {axis} of a constant of the shape {list(numbers.shape)}")
    _check_scales(node, scale)
    return Constant(node, numbers, scale, zero_point, axis)
