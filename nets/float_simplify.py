# SPDX-License-Identifier: BSD-2-Clause
"""Makes a float network one of few layers: batch norm and the like folded, activations part of the layer before them."""

import math
from dataclasses import replace

from nets.float_affine import fold_affine
from nets.float_network import FloatActivation, FloatConcat, FloatMaxPool
from nets.float_rewrite import Rewrite


def simplify(network):
    """Return a FloatNetwork of the same function, its affine layers folded and its activations fused where they can be; idempotent.

    A layer that takes in what follows writes the tensor of what it took in. An activation moves before a max pool or a concatenation that it alone
    reads, since it is applied to each value by itself and keeps their order.
    """
    work = Rewrite(fold_affine(network))
    while any(isinstance(layer, FloatActivation) and _move(work, layer) for layer in work.layers):
        pass
    return work.finish()


def _move(work, layer):
    """Do one step with an activation; returns whether there was one to do."""
    writer = work.writer(layer.input)
    if writer is None or work.only_reader(layer.input) is not layer:
        return False
    if isinstance(writer, (FloatMaxPool, FloatConcat)):
        _move_before(work, layer, writer)
        return True
    return fuse(work, layer, writer)


def fuse(work, layer, writer):
    """Clip in `writer` itself, as the activation `layer` behind it does, where it can and some values pass both ranges; returns whether it does."""
    clips = isinstance(writer, FloatActivation)
    if not clips and not hasattr(writer, "activation"):
        return False
    before = (writer.low, writer.high) if clips else writer.activation or (-math.inf, math.inf)
    low, high = (min(max(limit, layer.low), layer.high) for limit in before)
    if not low < high:
        return False
    fields = {"low": low, "high": high} if clips else {"activation": (low, high)}
    work.merge(writer, layer, replace(writer, output=layer.output, **fields))
    return True


def _move_before(work, layer, writer):
    names = {name: f"{name}/{layer.name}" for name in writer.inputs}
    moved = [FloatActivation(f"{layer.name}/{name}" if len(names) > 1 else layer.name, name, new, layer.low, layer.high)
             for name, new in names.items()]
    for name, new in names.items():
        work.tensors[new] = replace(work.tensors[name], name=new)
    fields = {"inputs": tuple(names[name] for name in writer.inputs)} if isinstance(writer, FloatConcat) else {"input": names[writer.input]}
    behind = replace(writer, output=layer.output, **fields)
    work.merge(writer, layer, behind)
    place = work.layers.index(behind)
    work.layers[place:place] = moved
