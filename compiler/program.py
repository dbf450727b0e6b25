# SPDX-License-Identifier: BSD-2-Clause
"""Compiles a network: program, constants and memory map of one model."""

from dataclasses import dataclass

from accel import isa
from accel.errors import UserError
from accel.registers import FILTER_WORDS, RECORDS
from compiler.convolution import plan_convolution
from compiler.emit_convolution import emit_convolution
from compiler.flatten import flatten
from compiler.fuse import fused_units
from compiler.ir import Conv2D, FullyConnected
from compiler.layout import align, place_tensors
from compiler.pooling import emit_max_pool

DEFAULT_BASE = 0x4100_0000


@dataclass(frozen=True)
class CompiledLayer:
    """One layer of the accelerator: its counters are in record `record`; `macs` are those of the dense network.

    A convolution and the max pool fused into it are one. A convolution has its `plan` and `stream_address`, and `filters`: the word of the
    run-time filter mask of its first output plane (None: its filters are always on). `members` are the names of the network's layers in it.
    """

    name: str
    op: str
    record: int
    output: str
    macs: int
    plan: object = None
    stream_address: int = 0
    filters: int | None = None
    members: tuple = ()

    @property
    def cycles_predicted(self):
        """The compiler's estimate, or None for a pool."""
        return None if self.plan is None else self.plan.cycles


@dataclass(frozen=True)
class CompiledModel:
    """What memory must hold before the doorbell: `constants` at `base`, the program at `program_address`; tensors at `placements`."""

    config: object
    base: int
    constants: bytes
    program_address: int
    words: tuple
    placements: dict
    layers: tuple
    end: int

    @property
    def image(self):
        """The bytes from `base` up to the tensors: weight streams, then the program."""
        return self.constants + isa.to_bytes(self.words)

    @property
    def read_window(self):
        """(base, limit) of what the core reads."""
        return self.base, self.end

    @property
    def write_window(self):
        """(base, limit) of what the core writes: every tensor but the input."""
        first = min(self.placements[layer.output].address for layer in self.layers)
        return first, self.end


def compile_network(network, config, base=DEFAULT_BASE):
    """Return the CompiledModel of `network` for `config` at byte address `base`.

    Raises UserError, with the layer's name, where a layer does not fit the accelerator.
    """
    units = fused_units(network)
    if len(units) > RECORDS:
        raise UserError(f"network {network.name!r} has {len(units)} layers, but a program can have at most {RECORDS}")
    # Neither the plans nor the program's length depend on where the tensors are, so a first emission finds their place.
    placements = place_tensors(network, config.columns, 0)
    parts, constants = _plan(network, config, units, placements)
    program_address = align(base + len(constants))
    constants = constants.ljust(program_address - base, b"\0")
    length = len(_emit(network, config, parts, base, placements))
    placements = place_tensors(network, config.columns, align(program_address + length * isa.INSTRUCTION_BYTES))
    words = _emit(network, config, parts, base, placements)
    layers = tuple(_compiled_layer(network, i, part, base) for i, part in enumerate(parts))
    end = align(max(placement.address + placement.bytes for placement in placements.values()))
    return CompiledModel(config, base, constants, program_address, tuple(words), placements, layers, end)


@dataclass(frozen=True)
class _Part:
    """A Unit with its Plan, the offset of its weight streams, and its first word of the filter mask; None where it has none."""

    unit: object
    plan: object = None
    offset: int = 0
    filters: int | None = None


def _compiled_layer(network, index, part, base):
    unit = part.unit
    return CompiledLayer(unit.name, unit.op, index, unit.output, unit.layer.macs(network.tensors[unit.layer.input].shape), part.plan,
                         base + part.offset, part.filters, unit.members)


def lower(network, layer, placements):
    """Return (layer, input TensorInfo, input Placement) as accelerator and CPU compute it: a fully connected layer as a convolution."""
    info, placement = network.tensors[layer.input], placements[layer.input]
    return flatten(layer, info, placement) if isinstance(layer, FullyConnected) else (layer, info, placement)


def _plan(network, config, units, placements):
    """Return ([_Part], all weight streams). Output planes are numbered through the network for the filter mask, as far as it has words."""
    parts, constants, plane = [], bytearray(), 0
    for unit in units:
        if not isinstance(unit.layer, Conv2D):
            parts.append(_Part(unit))
            continue
        layer, info, source = lower(network, unit.layer, placements)
        inner = network.tensors[unit.inner].shape
        plan = plan_convolution(config, layer, info.zero_point, source, inner, unit.pool)
        planes = -(-inner[2] // config.columns)
        filters = plane if plane + planes <= FILTER_WORDS else None
        plane += planes if filters is not None else 0
        parts.append(_Part(unit, plan, len(constants), filters))
        constants += b"".join(stream.data for stream in plan.streams)
        constants += bytes(align(len(constants)) - len(constants))
    return parts, bytes(constants)


def _emit(network, config, parts, base, placements):
    words = [isa.encode("BEGIN", isa_version=isa.ISA_VERSION, config_hash=config.hash)]
    for i, part in enumerate(parts):
        try:
            words += _emit_unit(network, part, config, base, placements, i > 0)
        except ValueError as error:
            raise UserError(f"layer {part.unit.name!r} is beyond what an instruction can say: {error}") from error
        words.append(isa.encode("LAYER", index=i))
    return [*words, isa.encode("END")]


def _emit_unit(network, part, config, base, placements, waits_for_store):
    unit = part.unit
    layer, info, source = lower(network, unit.layer, placements)
    target = placements[unit.output]
    if part.plan is None:
        return emit_max_pool(config, layer, source, target, waits_for_store)
    zero_points = info.zero_point, network.tensors[unit.inner].zero_point
    return emit_convolution(config, layer, part.plan, source, target, zero_points, base + part.offset, part.filters, waits_for_store)
