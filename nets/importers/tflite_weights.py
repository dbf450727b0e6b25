# SPDX-License-Identifier: BSD-2-Clause
"""Weights and biases of a TFLite operator as the network wants them: int8 about zero, int32."""

import numpy as np

_EXPORT = "quantise the model anew to int8, whose weights are symmetric"


def weights_of(translation, operator, axis, dimensions=4):
    """Return (int8 weights of the shape in the file, float32 scales [outputs]) of input 1, which has `dimensions`, its `axis` for the outputs.

    uint8 weights with zero point 128 are symmetric and become int8 exactly; others are refused.
    """
    tensor = translation.tensor(operator.inputs[1])
    if tensor.dtype not in ("int8", "uint8") or tensor.scales is None:
        translation.refuse(operator, f"has {tensor.dtype} weights, quantised by {0 if tensor.scales is None else len(tensor.scales)} scales", _EXPORT)
    if tensor.data is None or tensor.sparse:
        translation.refuse(operator, "has weights that are computed or compressed", "export the model with plain constant weights")
    if len(tensor.shape) != dimensions:
        translation.refuse(operator, f"has weights of the shape {list(tensor.shape)}, but {dimensions} dimensions are right", "export the model anew")
    if (tensor.zero_points != tensor.offset).any():
        wrong = tensor.zero_points[tensor.zero_points != tensor.offset][0]
        translation.refuse(operator, f"has asymmetric weights, with the zero point {wrong} and not {tensor.offset}", _EXPORT)
    outputs = tensor.shape[axis]
    if len(tensor.scales) not in (1, outputs) or (len(tensor.scales) > 1 and tensor.axis != axis):
        translation.refuse(operator, f"has {len(tensor.scales)} scales along axis {tensor.axis} for {outputs} outputs along axis {axis}", _EXPORT)
    return (tensor.data.astype(np.int16) - tensor.offset).astype(np.int8), np.broadcast_to(tensor.scales, outputs)


def bias_of(translation, operator, outputs):
    """Return the int32 bias [outputs] of input 2; zeros where it is left out."""
    if len(operator.inputs) < 3 or operator.inputs[2] < 0:
        return np.zeros(outputs, np.int32)
    tensor = translation.tensor(operator.inputs[2])
    if tensor.data is None or tensor.dtype != "int32" or tensor.data.shape != (outputs,):
        translation.refuse(operator, f"has a bias that is no constant of {outputs} int32 numbers", _EXPORT)
    return tensor.data
