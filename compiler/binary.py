# SPDX-License-Identifier: BSD-2-Clause
"""The model binary that firmware reads: a header, a table of layers, then weight streams and program. 32-bit words, little endian."""

import struct
from dataclasses import dataclass

from accel import isa
from accel.errors import UserError
from compiler.ir import Conv2D
from compiler.layout import align
from compiler.program import compile_network

MODEL_ADDRESS = 0x4100_0000
MAGIC = 0x4D4E5053  # "SPNM"
VERSION = 1

# Word -> meaning.
HEADER = (
    ("magic", "MODEL_MAGIC"),
    ("version", "MODEL_VERSION"),
    ("instruction_set", "version of the instruction set"),
    ("config", "hash of the configuration that the program was compiled for"),
    ("address", "where the binary must lie"),
    ("bytes", "size of the binary"),
    ("program", "address of the first instruction"),
    ("instructions", "number of instructions"),
    ("read_base", "first byte that the accelerator may read"),
    ("read_limit", "first byte after it"),
    ("write_base", "first byte that the accelerator may write"),
    ("write_limit", "first byte after it"),
    ("input", "address of the input tensor"),
    ("input_bytes", "its size"),
    ("output", "address of the output tensor"),
    ("output_bytes", "its size"),
    ("layers", "number of layers in the table, which follows"),
    ("table", "address of the table"),
)

KERNELS = ("conv2d", "max_pool2d")

LAYER = (
    ("kernel", "MODEL_KERNEL_*: which of the CPU's kernels computes it"),
    ("input", "address of the input tensor"),
    ("input_height", "its rows"),
    ("input_width", "its columns"),
    ("input_channels", "its channels"),
    ("input_planar", "1: planes of ACCEL_COLUMNS channels; 0: channels of a pixel lie together"),
    ("output", "address of the output tensor, which is planar"),
    ("output_height", "its rows"),
    ("output_width", "its columns"),
    ("output_channels", "its channels"),
    ("kernel_height", "rows of the window"),
    ("kernel_width", "columns of the window"),
    ("stride_y", "rows from one window to the next"),
    ("stride_x", "columns from one window to the next"),
    ("pad_top", "rows of padding above"),
    ("pad_left", "columns of padding at the left"),
    ("input_zero", "value of padding"),
    ("output_zero", "zero point of the output"),
    ("clamp_min", "smallest output"),
    ("clamp_max", "largest output"),
    ("streams", "address of the first tile's weight stream"),
    ("sets", "weight sets of a tile: output planes that share its masks"),
    ("blocks", "blocks of input channels"),
    ("pass_blocks", "blocks of a pass; the last pass may have fewer"),
)

# Windows are at most 63, so a kernel table on the CPU can be sized by this.
MAX_INPUT_BLOCKS = 1023


@dataclass(frozen=True)
class ModelBinary:
    """`data` belongs at MODEL_ADDRESS; `model` is the CompiledModel inside."""

    data: bytes
    model: object

    @property
    def end(self):
        """First address after everything that the model uses."""
        return self.model.end


def _pack(table, values):
    if set(values) != {name for name, _ in table}:
        raise ValueError(f"the words {set(values) ^ {name for name, _ in table}} do not match the table")
    return b"".join(struct.pack("<I", int(values[name]) & 0xFFFFFFFF) for name, _ in table)


def build_binary(network, config):
    """Compile `network` for `config` and return its ModelBinary. Raises UserError where the network does not fit."""
    table = MODEL_ADDRESS + 4 * len(HEADER)
    base = align(table + 4 * len(LAYER) * len(network.layers))
    model = compile_network(network, config, base)
    source, target = model.placements[network.input], model.placements[network.output]
    size = base - MODEL_ADDRESS + len(model.image)
    header = _pack(HEADER, {
        "magic": MAGIC, "version": VERSION, "instruction_set": isa.ISA_VERSION, "config": config.hash, "address": MODEL_ADDRESS, "bytes": size,
        "program": model.program_address, "instructions": len(model.words), "read_base": model.read_window[0], "read_limit": model.read_window[1],
        "write_base": model.write_window[0], "write_limit": model.write_window[1], "input": source.address, "input_bytes": source.bytes,
        "output": target.address, "output_bytes": target.bytes, "layers": len(model.layers), "table": table})
    layers = b"".join(_pack(LAYER, _layer_words(network, layer)) for layer in model.layers)
    return ModelBinary((header + layers).ljust(base - MODEL_ADDRESS, b"\0") + model.image, model)


def _layer_words(network, compiled):
    layer, source, target = compiled.lowered, compiled.source, compiled.target
    convolution = isinstance(layer, Conv2D)
    if compiled.plan is not None and compiled.plan.blocks > MAX_INPUT_BLOCKS:
        raise UserError(f"layer {layer.name!r} has {compiled.plan.blocks} blocks of input channels, but at most {MAX_INPUT_BLOCKS} are possible")
    return {
        "kernel": KERNELS.index("conv2d" if convolution else "max_pool2d"),
        "input": source.address, "input_height": source.shape[0], "input_width": source.shape[1], "input_channels": source.shape[2],
        "input_planar": source.planar, "output": target.address, "output_height": target.shape[0], "output_width": target.shape[1],
        "output_channels": target.shape[2], "kernel_height": layer.kernel[0], "kernel_width": layer.kernel[1], "stride_y": layer.stride[0],
        "stride_x": layer.stride[1], "pad_top": layer.padding.top, "pad_left": layer.padding.left,
        "input_zero": network.tensors[layer.input].zero_point, "output_zero": network.tensors[layer.output].zero_point,
        "clamp_min": layer.clamp_min, "clamp_max": layer.clamp_max,
        "streams": compiled.stream_address if convolution else 0, "sets": compiled.plan.sets if convolution else 0,
        "blocks": compiled.plan.blocks if convolution else 0, "pass_blocks": compiled.plan.pass_blocks if convolution else 0,
    }
