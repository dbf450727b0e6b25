# SPDX-License-Identifier: BSD-2-Clause
"""The CPU's layers as its kernels compute them: over places, gaps and all, with the tables and weights that the model binary holds for them."""

import numpy as np

from compiler.flatten import in_memory_order
from compiler.ir import Lookup, Softmax
from compiler.numbers import wrap32
from compiler.reference import compute_on_cpu
from compiler.softmax import exp_table


def kernel_data(layer, info, placement):
    """Return the bytes that the kernel of one of the CPU's layers reads; `info` and `placement` are those of its input.

    lookup: the table from -128 on. softmax: int32 [256], see exp_table. sums: int32 [outputs], the bias with the input's zero point in it; then for
    each output a weight for each byte of the input.
    """
    if isinstance(layer, Lookup):
        return layer.table.tobytes()
    if isinstance(layer, Softmax):
        return exp_table(info.scale, layer.beta).astype("<i4").tobytes()
    bias = wrap32(layer.bias - info.zero_point * layer.weights.sum(axis=(1, 2, 3), dtype=np.int64))
    return bias.astype("<i4").tobytes() + in_memory_order(layer.weights, placement).tobytes()


def compute_in_memory(layer, network, placements, memory, base):
    """Compute one of the CPU's layers of the lowered `network` on `memory` (a bytearray from byte `base` on) as its kernel does.

    What only fills a plane is 0 in the output; but a Lookup of a planar map goes from byte to byte, whatever it is.
    """
    source, target = placements[layer.input], placements[layer.output]
    data = bytes(memory[source.address - base:source.address - base + source.bytes])
    if isinstance(layer, Lookup) and source.planar:
        output = layer.table[np.frombuffer(data, np.int8).astype(np.int64) + 128].tobytes()
    else:
        output = target.pack(compute_on_cpu(layer, source.unpack(data)[np.newaxis], network.tensors[layer.input])[0])
    memory[target.address - base:target.address - base + target.bytes] = output
