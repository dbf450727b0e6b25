# SPDX-License-Identifier: BSD-2-Clause
"""The model binary that firmware reads: a header, tables of steps, layers and kernels, what the CPU's kernels read, weight streams, the programs.

All words are of 32 bits, little endian.
"""

import struct
from dataclasses import dataclass

from accel import isa
from accel.errors import UserError
from compiler.cpu_layers import on_cpu
from compiler.fuse import fused_units
from compiler.ir import Concat
from compiler.kernel_rows import kernel_of, kernel_streams, row_of
from compiler.layout import align
from compiler.lower import lower_network
from compiler.memory_map import MODEL_ADDRESS
from compiler.order import reduce_network
from compiler.program import compile_network
from compiler.steps import Program, runs_of

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
    ("steps", "number of steps of a run"),
    ("step_table", "address of their table"),
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
    ("kernel_names", "address of the names of the kernels, MODEL_NAME_BYTES each, filled up with zeros"),
    ("complete", "1: what the CPU's kernels read is there for every layer; 0: only for those that are steps"),
)

# A step is a program of the accelerator, or a layer of the table, which the CPU computes.
STEP = (
    ("program", "address of the program's first instruction; 0: the CPU computes a layer"),
    ("instructions", "number of instructions"),
    ("layer", "number of the CPU's layer in the table"),
)

# What firmware keeps the cycles of.
MOST_STEPS = 256

# Of a kernel's name: a binary has the names of those that its layers want (compiler/kernel_rows.py), so that a firmware can say which one it lacks.
NAME_BYTES = 16

LAYER = (
    ("kernel", "which of the named kernels computes it"),
    ("input", "address of the input tensor"),
    ("input_height", "its rows"),
    ("input_width", "its columns"),
    ("input_channels", "its channels"),
    ("input_planar", "1: planes of ACCEL_COLUMNS channels; 0: channels of a pixel lie together"),
    ("other", "address of an addition's second input, else 0"),
    ("other_planar", "as input_planar, for it"),
    ("output", "address of the output tensor, which is planar, but dense int32 of sums"),
    ("output_bytes", "its size"),
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
    ("streams", "address of what the kernel reads: weight streams, an addition's tables and record, a table; 0 where there is nothing"),
    ("blocks", "blocks of input channels"),
    ("include_padding", "1: an average counts padding"),
    ("rounding", "MODEL_ROUNDING_*: of a convolution's scaled sums"),
)


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


def build_binary(network, config, cpu=False, batch=1, pruning=None):
    """Compile `network` for `config` and `batch` images a run; return its ModelBinary. Raises UserError where the network does not fit.

    cpu: put in what the CPU's kernels read for every layer, so that the firmware's `cpu` command can run the model, one image a run.
    pruning: as compile_network has it.
    """
    if cpu and pruning is not None and not pruning.exact:
        raise UserError("the CPU's kernels take all feature maps, so that with thresholds above 0 they give other outputs: leave out --cpu or --dfp")
    if cpu and batch > 1:
        raise UserError(f"the CPU's kernels run one image at a time: leave out --cpu, or --batch {batch}")
    lowered = lower_network(reduce_network(network, config).network, config.columns).network
    layers = [layer for layer in lowered.layers if not isinstance(layer, Concat)]
    names = tuple(dict.fromkeys(map(kernel_of, layers)))
    sizes = {"step_table": 4 * len(STEP) * len(runs_of(fused_units(lowered))), "table": 4 * len(LAYER) * len(layers),
             "kernel_names": NAME_BYTES * len(names)}
    starts, streams_base = {}, MODEL_ADDRESS + 4 * len(HEADER)
    for name, size in sizes.items():
        starts[name], streams_base = streams_base, streams_base + size
    streams_base = align(streams_base)
    streams, addresses = kernel_streams(lowered, [layer for layer in layers if cpu or on_cpu(layer)], config, streams_base)
    base = align(streams_base + len(streams))
    model = compile_network(network, config, base, batch, pruning)
    if len(model.steps) > MOST_STEPS:
        raise UserError(f"network {network.name!r} comes to {len(model.steps)} steps, programs and layers of the CPU, but a model "
                        f"has at most {MOST_STEPS}")
    size = base - MODEL_ADDRESS + len(model.image)
    header = _pack(HEADER, {**_header_words(network, model), **starts, "bytes": size, "layers": len(layers), "complete": cpu})
    rows = [{**row, "kernel": names.index(row["kernel"])}
            for row in (row_of(lowered, layer, config, model.places, addresses.get(layer.name, 0)) for layer in layers)]
    numbers = {layer.name: number for number, layer in enumerate(layers)}
    tables = [*(_pack(STEP, _step_words(step, numbers)) for step in model.steps), *(_pack(LAYER, row) for row in rows),
              *(name.encode().ljust(NAME_BYTES, b"\0") for name in names)]
    head = (header + b"".join(tables)).ljust(streams_base - MODEL_ADDRESS, b"\0") + streams
    return ModelBinary(head.ljust(base - MODEL_ADDRESS, b"\0") + model.image, model)


def _header_words(network, model):
    """Return {word of the header: value}, all but those that say where the tables are and how large."""
    source, target = model.placements[network.input], model.placements[network.output]
    return {
        "magic": MAGIC, "version": VERSION, "instruction_set": isa.ISA_VERSION, "config": model.config.hash, "address": MODEL_ADDRESS,
        "steps": len(model.steps), "read_base": model.read_window[0], "read_limit": model.read_window[1], "write_base": model.write_window[0],
        "write_limit": model.write_window[1], "input": source.address, "input_bytes": source.bytes, "batch": model.batch, "output": target.address,
        "output_bytes": target.bytes, "records": sum(not layer.on_cpu for layer in model.layers)}


def _step_words(step, numbers):
    if isinstance(step, Program):
        return {"program": step.address, "instructions": len(step.words), "layer": 0}
    return {"program": 0, "instructions": 0, "layer": numbers[step.layer.name]}
