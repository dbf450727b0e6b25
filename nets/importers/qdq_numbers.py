# SPDX-License-Identifier: BSD-2-Clause
"""What the integers of a quantised ONNX model stand for: real = scale * (number - zero point). uint8 becomes int8 by taking 128 off both."""

from dataclasses import dataclass

import numpy as np

from accel.errors import UserError

_UINT8_BIAS = 128


def activation_numbers(where, scale, zero_point):
    """Return (scale, zero point of int8) of an activation by the arrays of a QuantizeLinear or DequantizeLinear; zero_point None is uint8's 0.

    Raises UserError where they are one a channel, of another type than int8 and uint8, or no scale.
    """
    zero_point = np.zeros((), np.uint8) if zero_point is None else zero_point
    if scale.size != 1 or zero_point.size != 1:
        raise UserError(f"{where} has a scale for each of {scale.size} channels of an activation: quantise activations per tensor")
    if zero_point.dtype not in (np.int8, np.uint8):
        raise UserError(f"{where} quantises activations to {zero_point.dtype}: quantise them to int8 or uint8")
    real = float(scale.reshape(()))
    if not 0 < real < np.inf:
        raise UserError(f"{where} has the scale {real}, which must be positive and finite")
    return real, int(zero_point.reshape(())) - (_UINT8_BIAS if zero_point.dtype == np.uint8 else 0)


def quantise_constant(values, scale, zero_point, axis):
    """Return the integers of the type of `zero_point` that QuantizeLinear makes of an array: halves go to even, what lies outside saturates."""
    zero_point = np.zeros((), np.uint8) if zero_point is None else zero_point
    limits = np.iinfo(zero_point.dtype)
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
    """A quantised constant: integers with a scale and zero point, one for all or one for each index of `axis`."""

    where: str
    numbers: np.ndarray
    scale: np.ndarray
    zero_point: np.ndarray
    axis: int

    def real(self):
        """Return what it stands for, float64."""
        dimensions = self.numbers.ndim
        difference = self.numbers.astype(np.float64) - _along(self.zero_point, self.axis, dimensions)
        return difference * _along(self.scale.astype(np.float64), self.axis, dimensions)

    def symmetric(self):
        """Return int8 numbers whose zero point is 0. Raises UserError where they are asymmetric or neither int8 nor uint8."""
        if self.numbers.dtype not in (np.int8, np.uint8):
            raise UserError(f"{self.where} has weights of {self.numbers.dtype}: quantise weights to int8")
        middle = _UINT8_BIAS if self.numbers.dtype == np.uint8 else 0
        if (self.zero_point != middle).any():
            raise UserError(f"{self.where} has asymmetric weights (zero point {self.zero_point.reshape(-1)[0]}): quantise weights symmetrically "
                            "(onnxruntime: extra_options={'WeightSymmetric': True} or weight_type QInt8)")
        return (self.numbers.astype(np.int16) - middle).astype(np.int8)

    def scales(self, outputs, axis):
        """Return float64 [outputs], the scale of each output channel, which are along `axis`. Raises UserError where they run along another."""
        if self.scale.size != 1 and (self.axis % self.numbers.ndim != axis or self.scale.size != outputs):
            raise UserError(f"{self.where} has weights with {self.scale.size} scales along axis {self.axis}: quantise them per tensor or per output channel")
        scales = np.broadcast_to(self.scale.astype(np.float64).reshape(-1), outputs)
        if not ((scales > 0) & np.isfinite(scales)).all():
            raise UserError(f"{self.where} has a weight scale that is not positive and finite")
        return scales


def dequantised(where, numbers, scale, zero_point, axis):
    """Return the Constant of a DequantizeLinear of the array `numbers`."""
    return Constant(where, numbers, scale, np.zeros((), numbers.dtype) if zero_point is None else zero_point, axis)


def bias_numbers(where, bias, scales):
    """Return int32 numbers of a bias (Constant, array or None) for sums of `scales` float64 [outputs]. Raises UserError where they exceed int32."""
    if bias is None:
        return np.zeros(len(scales), np.int32)
    if isinstance(bias, Constant) and bias.numbers.dtype == np.int32 and not bias.zero_point.any() and _close(bias.scale, scales):
        numbers = bias.numbers.astype(np.float64)
    else:
        numbers = np.rint((bias.real() if isinstance(bias, Constant) else bias).astype(np.float64).reshape(-1) / scales)
    numbers = np.broadcast_to(numbers.reshape(-1), scales.shape)
    if np.abs(numbers).max() >= 1 << 31:
        raise UserError(f"{where} has a bias that exceeds int32 at the scale of its sums: its weights or input have too small a scale")
    return numbers.astype(np.int32)


def _close(one, other):
    return one.size in (1, len(other)) and np.allclose(one.reshape(-1), other, rtol=1e-5, atol=0)
