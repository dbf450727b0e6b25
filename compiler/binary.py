# SPDX-License-Identifier: BSD-2-Clause
"""The model binary that firmware reads: a header, a table of layers, the CPU's weight streams where asked for, the accelerator's, the program.

All words are of 32 bits, little endian.
"""

import struct
from dataclasses import dataclass

from accel import isa
from accel.errors import UserError
from compiler.addition import sum_record, sum_tables
from compiler.cpu_stream import cpu_stream
from compiler.eliminate import eliminate
from compiler.ir import Add, AveragePool2D, Concat, Conv2D, MaxPool2D, Rescale
from compiler.layout import align, place_tensors
from compiler.lower import lower_layer, lower_network
from compiler.numbers import Rounding
from compiler.program import compile_network

MODEL_ADDRESS = 0x4100_0000
MAGIC = 0x4D4E5053  # "SPNM"
VERSION = 5

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
    ("batch", "images of a run: they lie one after the other in the input, and their rows one below the other in every tensor"),
    ("output", "address of the output tensor"),
    ("output_bytes", "its size"),
    ("records", "number of the accelerator's layers, each with a record of counters"),
    ("layers", "number of layers in the table, which are the network's and copies of tensors: where the accelerator fuses two, the CPU runs both"),
    ("table", "address of the table"),
)

KERNELS = ("conv2d", "max_pool2d", "average_pool2d", "add")

LAYER = (
    ("kernel", "MODEL_KERNEL_*: which of the CPU's kernels computes it"),
    ("input", "address of the input tensor"),
    ("input_height", "its rows"),
    ("input_width", "its columns"),
    ("input_channels", "its channels"),
    ("input_planar", "1: planes of ACCEL_COLUMNS channels; 0: channels of a pixel lie together"),
    ("other", "address of an addition's second input, else 0"),
    ("other_planar", "as input_planar, for it"),
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
    ("streams", "address of the CPU's weight streams, or of an addition's tables and record; 0 where there are none"),
    ("blocks", "blocks of input channels"),
    ("include_padding", "1: an average counts padding"),
    ("rounding", "MODEL_ROUNDING_*: of a convolution's scaled sums"),
)


_NO_WINDOW = MaxPool2D("", "", "", (1, 1), (1, 1))


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


def build_binary(network, config, cpu=False, batch=1):
    """Compile `network` for `config` and `batch` images a run; return its ModelBinary. Raises UserError where the network does not fit.

    cpu: put in the weight streams of the CPU's kernels as well, so that the firmware's `cpu` command can run the model, one image a run.
    """
    if cpu and batch > 1:
        raise UserError(f"the CPU's kernels run one image at a time: leave out --cpu, or --batch {batch}")
    lowered = lower_network(eliminate(network).network, config.columns).network
    layers = [layer for layer in lowered.layers if not isinstance(layer, Concat)]
    table = MODEL_ADDRESS + 4 * len(HEADER)
    streams_base = align(table + 4 * len(LAYER) * len(layers))
    streams, addresses = _cpu_streams(lowered, layers, config, streams_base) if cpu else (b"", {})
    base = align(streams_base + len(streams))
    model = compile_network(network, config, base, batch)
    source, target = model.placements[network.input], model.placements[network.output]
    size = base - MODEL_ADDRESS + len(model.image)
    header = _pack(HEADER, {
        "magic": MAGIC, "version": VERSION, "instruction_set": isa.ISA_VERSION, "config": config.hash, "address": MODEL_ADDRESS, "bytes": size,
        "program": model.program_address, "instructions": len(model.words), "read_base": model.read_window[0], "read_limit": model.read_window[1],
        "write_base": model.write_window[0], "write_limit": model.write_window[1], "input": source.address, "input_bytes": source.bytes,
        "batch": batch, "output": target.address, "output_bytes": target.bytes, "records": len(model.layers), "layers": len(layers), "table": table})
    rows = b"".join(_pack(LAYER, _layer_words(lowered, layer, config, model.places, addresses.get(layer.name, 0))) for layer in layers)
    head = (header + rows).ljust(streams_base - MODEL_ADDRESS, b"\0") + streams
    return ModelBinary(head.ljust(base - MODEL_ADDRESS, b"\0") + model.image, model)


def _cpu_streams(network, layers, config, base):
    """Return (the CPU's weight streams and tables of `layers`, {layer name: address}) with the first one at `base`."""
    placements = place_tensors(network, config.columns, 0)
    data, addresses = bytearray(), {}
    for layer in layers:
        if not isinstance(layer, (MaxPool2D, AveragePool2D)):
            addresses[layer.name] = base + len(data)
            data += _cpu_stream(network, layer, config, placements)
            data += bytes(align(len(data)) - len(data))
    return bytes(data), addresses


def _cpu_stream(network, layer, config, placements):
    if isinstance(layer, Add):
        zero_points = [network.tensors[name].zero_point for name in layer.inputs]
        return sum_tables(layer, 0, zero_points) + sum_record(config, layer)
    lowered, info, source = _cpu_layer(network, layer, placements)
    return cpu_stream(config, lowered, info.zero_point, source.shape[2])


def _cpu_layer(network, layer, placements):
    """As lower_layer, with a convolution for a Rescale."""
    lowered, info, source = lower_layer(network, layer, placements)
    return lowered.convolution(source.shape[2]) if isinstance(lowered, Rescale) else lowered, info, source


def _kernel(layer):
    if isinstance(layer, (Conv2D, Rescale)):
        return KERNELS.index("conv2d")
    return KERNELS.index(layer.op)


def _layer_words(network, layer, config, placements, stream_address):
    lowered, _, source = _cpu_layer(network, layer, placements)
    target, kernel = placements[layer.output].spread(), _kernel(layer)
    other = placements[layer.other] if isinstance(layer, Add) else None
    window = _NO_WINDOW if isinstance(layer, Add) else lowered
    return {
        "kernel": kernel,
        "input": source.address, "input_height": source.shape[0], "input_width": source.shape[1], "input_channels": source.shape[2],
        "input_planar": source.planar, "other": other.address if other else 0, "other_planar": bool(other and other.planar),
        "output": target.address, "output_height": target.shape[0], "output_width": target.shape[1],
        "output_channels": target.shape[2], "kernel_height": window.kernel[0], "kernel_width": window.kernel[1],
        "stride_y": window.stride[0], "stride_x": window.stride[1], "pad_top": window.padding.top, "pad_left": window.padding.left,
        "input_zero": network.tensors[layer.input].zero_point, "output_zero": network.tensors[layer.output].zero_point,
        "clamp_min": layer.clamp_min, "clamp_max": layer.clamp_max, "streams": stream_address,
        "blocks": -(-source.shape[2] // config.block_channels) if kernel == KERNELS.index("conv2d") else 0,
        "include_padding": int(isinstance(layer, AveragePool2D) and layer.include_padding),
        "rounding": layer.rounding if isinstance(layer, Conv2D) else Rounding.TWICE,
    }
