# SPDX-License-Identifier: BSD-2-Clause
"""What the firmware's kernels need of each layer of a lowered network: its row of the model binary's table, and the bytes that the kernel reads."""

from compiler.addition import sum_record, sum_tables
from compiler.cpu_layers import on_cpu
from compiler.cpu_step import kernel_data
from compiler.cpu_stream import cpu_stream
from compiler.ir import Add, AveragePool2D, Conv2D, MaxPool2D, Rescale
from compiler.layout import align, place_tensors
from compiler.lower import lower_layer
from compiler.numbers import Rounding

_NO_WINDOW = MaxPool2D("", "", "", (1, 1), (1, 1))


def kernel_of(layer):
    """Return the name of the kernel that computes a layer."""
    return Conv2D.op if isinstance(layer, (Conv2D, Rescale)) else layer.op


def kernel_streams(network, layers, config, base):
    """Return (bytes, {layer name: address}): what the kernels of `layers` read, with the first at `base`. Pools read nothing."""
    placements = place_tensors(network, config.columns, 0)
    data, addresses = bytearray(), {}
    for layer in layers:
        if not isinstance(layer, (MaxPool2D, AveragePool2D)):
            addresses[layer.name] = base + len(data)
            data += _stream(network, layer, config, placements)
            data += bytes(align(len(data)) - len(data))
    return bytes(data), addresses


def _stream(network, layer, config, placements):
    if isinstance(layer, Add):
        zero_points = [network.tensors[name].zero_point for name in layer.inputs]
        return sum_tables(layer, 0, zero_points) + sum_record(config, layer)
    if on_cpu(layer):
        return kernel_data(layer, network.tensors[layer.input], placements[layer.input])
    lowered, info, source = _lowered(network, layer, placements)
    return cpu_stream(config, lowered, info.zero_point, source.shape[2])


def _lowered(network, layer, placements):
    """As lower_layer, with a convolution for a Rescale."""
    lowered, info, source = lower_layer(network, layer, placements)
    return lowered.convolution(source.shape[2]) if isinstance(lowered, Rescale) else lowered, info, source


def row_of(network, layer, config, placements, stream_address):
    """Return {word of the table: value} of a layer, its kernel by name; tensors lie at `placements`, what the kernel reads at `stream_address`."""
    lowered, _, source = _lowered(network, layer, placements)
    target, kernel = placements[layer.output].spread(), kernel_of(layer)
    other = placements[layer.other] if isinstance(layer, Add) else None
    window = _NO_WINDOW if isinstance(layer, Add) or on_cpu(layer) else lowered
    return {
        "kernel": kernel,
        "input": source.address, "input_height": source.shape[0], "input_width": source.shape[1], "input_channels": source.shape[2],
        "input_planar": source.planar, "other": other.address if other else 0, "other_planar": bool(other and other.planar),
        "output": target.address, "output_bytes": target.bytes, "output_height": target.shape[0], "output_width": target.shape[1],
        "output_channels": target.shape[2], "kernel_height": window.kernel[0], "kernel_width": window.kernel[1],
        "stride_y": window.stride[0], "stride_x": window.stride[1], "pad_top": window.padding.top, "pad_left": window.padding.left,
        "input_zero": network.tensors[layer.input].zero_point, "output_zero": network.tensors[layer.output].zero_point,
        "clamp_min": layer.clamp_min, "clamp_max": layer.clamp_max, "streams": stream_address,
        "blocks": -(-source.shape[2] // config.block_channels) if kernel == Conv2D.op else 0,
        "include_padding": int(isinstance(layer, AveragePool2D) and layer.include_padding),
        "rounding": layer.rounding if isinstance(layer, Conv2D) else Rounding.TWICE,
    }
