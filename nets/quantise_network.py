# SPDX-License-Identifier: BSD-2-Clause
"""Our post-training quantisation: a float network and a few images give the int8 network that is compiled and run."""

from dataclasses import replace

from accel.errors import UserError
from compiler.ir import Network
from nets import quantise_layers as int8
from nets.calibrate import METHODS, calibrate
from nets.float_network import (
    FloatActivation,
    FloatAdd,
    FloatAveragePool,
    FloatConcat,
    FloatConv,
    FloatDense,
    FloatMaxPool,
    FloatSoftmax,
)
from nets.float_simplify import simplify
from nets.scales import averages_all, choose_scales

__all__ = ["METHODS", "quantise_network"]

_KINDS = {FloatConv: int8.convolution, FloatDense: int8.dense, FloatAdd: int8.add, FloatConcat: int8.concat, FloatMaxPool: int8.max_pool,
          FloatAveragePool: int8.average_pool, FloatActivation: int8.activation, FloatSoftmax: int8.softmax}


def quantise_network(float_network, images, method="percentile"):
    """Return the compiler.ir.Network of a FloatNetwork, calibrated with float `images` [N, H, W, C]; the same for the same arguments.

    Weights are symmetric per output channel, biases int32, activations asymmetric, all as TFLite's. method: where the ranges of activations come
    from, one of METHODS: the least and largest value; what nearly all values keep to; or what costs the least squared error. Tensors keep their
    names; those between a layer and its activation go. Raises UserError where the network cannot be quantised.
    """
    network = simplify(float_network)
    scales = choose_scales(network, calibrate(network, images, method))
    tensors, layers = dict(scales.tensors), []
    for layer in network.layers:
        sources = [tensors[name] for name in layer.inputs]
        for index, source in enumerate(sources):
            if (layer.name, index) in scales.copies:
                sources[index] = replace(tensors[layer.output], name=f"{source.name} for {layer.name}", channels=source.channels)
                if sources[index].name not in tensors:
                    tensors[sources[index].name] = sources[index]
                    layers.append(int8.rescale(sources[index].name, source, sources[index]))
        layers.append(_quantised(network, layer, *sources, tensors[layer.output]))
    return Network(network.name, network.input, network.output, tensors, tuple(layers), network.labels)


def _quantised(network, layer, *infos):
    make = int8.mean if averages_all(network, layer) else _KINDS.get(type(layer))
    if make is None:
        raise UserError(f"layer {layer.name!r} is of the kind {layer.op!r}, which our quantisation does not know")
    try:
        return make(layer, *infos)
    except ValueError as error:
        raise UserError(f"layer {layer.name!r} cannot be quantised: {error}; its weights or its range are degenerate") from error
