# SPDX-License-Identifier: BSD-2-Clause
"""Compiles a network: program, constants and memory map of one model."""

from dataclasses import dataclass, field

from accel import isa
from accel.errors import UserError
from accel.registers import FILTER_WORDS, RECORDS
from compiler.addition import Addition, sum_record, sum_tables
from compiler.channel_plan import plan_channels
from compiler.convolution import plan_convolution
from compiler.depthwise import channel_work, runs_depthwise
from compiler.eliminate import eliminate
from compiler.emit_convolution import emit_convolution
from compiler.emit_depthwise import emit_channels
from compiler.fuse import fused_units
from compiler.ir import Conv2D, MaxPool2D
from compiler.layout import align, place_tensors
from compiler.lower import lower_layer, lower_network
from compiler.pooling import emit_max_pool, max_pool_cycles

DEFAULT_BASE = 0x4100_0000


@dataclass(frozen=True)
class CompiledLayer:
    """One layer of the accelerator: its counters are in record `record`; `macs` are those of the dense network.

    A convolution and the max pool or addition fused into it are one. What multiplies has its `plan` and `stream_address`, a convolution also
    `filters`: the word of the run-time filter mask of its first output plane (None: its filters are always on). `members` are the names of the
    network's layers in it, none where it only copies a tensor; `cycles_predicted` is the compiler's estimate.
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
    cycles_predicted: int = 0


@dataclass(frozen=True)
class CompiledModel:
    """What memory must hold before the doorbell: `constants` at `base`, the program at `program_address`; tensors at `placements`.

    `lowered` is the network that is run, with its own `places` of the tensors: without channels that never change, with copies. `copies` names
    for each tensor that is a copy the tensor of which it is one.
    """

    config: object
    base: int
    constants: bytes
    program_address: int
    words: tuple
    placements: dict
    layers: tuple
    end: int
    lowered: object = None
    places: dict = field(default_factory=dict)
    copies: dict = field(default_factory=dict)

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
    reduced = eliminate(network)
    lowered = lower_network(reduced.network, config.columns)
    units = fused_units(lowered.network)
    if len(units) > RECORDS:
        raise UserError(f"network {network.name!r} has {len(units)} layers, but a program can have at most {RECORDS}")
    # Neither the plans nor the program's length depend on where the tensors are, so a first emission finds their place.
    places = place_tensors(lowered.network, config.columns, 0)
    parts, constants = _plan(lowered, config, units, places)
    program_address = align(base + len(constants))
    constants = constants.ljust(program_address - base, b"\0")
    length = len(_emit(lowered.network, config, parts, base, places))
    places = place_tensors(lowered.network, config.columns, align(program_address + length * isa.INSTRUCTION_BYTES))
    words = _emit(lowered.network, config, parts, base, places)
    layers = tuple(_compiled_layer(network, i, part, base) for i, part in enumerate(parts))
    end = align(max(placement.address + placement.bytes for placement in places.values()))
    placements = {name: reduced.complete(lowered.copies.get(name, name), place) for name, place in places.items()}
    return CompiledModel(config, base, constants, program_address, tuple(words), placements, layers, end, lowered.network, places, lowered.copies)


@dataclass(frozen=True)
class _Part:
    """A Unit with its plan, the offsets of its weight streams and of its addition's tables, and its first word of the filter mask (None: none)."""

    unit: object
    cycles: int
    plan: object = None
    offset: int = 0
    tables: int = 0
    filters: int | None = None


def _compiled_layer(network, index, part, base):
    unit = part.unit
    known = {layer.name: layer for layer in network.layers}
    members = tuple(name for name in unit.members if name in known)
    macs = sum(network.macs(known[name]) for name in members)
    return CompiledLayer(unit.name, unit.op, index, unit.output, macs, part.plan, base + part.offset, part.filters, members, part.cycles)


class _Constants:
    """The weight streams and tables, each at an aligned offset."""

    def __init__(self):
        self.data = bytearray()

    def put(self, data):
        """Append `data`; returns its offset."""
        offset = len(self.data)
        self.data += data + bytes(align(offset + len(data)) - offset - len(data))
        return offset


def _plan(lowered, config, units, placements):
    """Return ([_Part], all constants). Output planes, but copies', are numbered through the network for the filter mask, as far as it has words."""
    network, parts, constants, plane = lowered.network, [], _Constants(), 0
    for unit in units:
        if isinstance(unit.layer, MaxPool2D):
            _, _, source = lower_layer(network, unit.layer, placements)
            parts.append(_Part(unit, max_pool_cycles(config, unit.layer, source, placements[unit.output].spread())))
            continue
        plan = _unit_plan(network, config, unit, placements)
        offset, tables, filters = constants.put(b"".join(stream.data for stream in plan.streams)), 0, None
        if unit.addition is not None:
            zero_points = [network.tensors[name].zero_point for name in unit.addition.inputs]
            tables = constants.put(sum_tables(unit.addition, unit.own, zero_points))
        planes = placements[unit.inner].planes
        if isinstance(unit.layer, Conv2D) and unit.inner not in lowered.copies and plane + planes <= FILTER_WORDS:
            filters, plane = plane, plane + planes
        parts.append(_Part(unit, plan.cycles, plan, offset, tables, filters))
    return parts, bytes(constants.data)


def _unit_plan(network, config, unit, placements):
    layer, info, source = lower_layer(network, unit.layer, placements)
    inner = network.tensors[unit.inner]
    trailer = b"" if unit.addition is None else sum_record(config, unit.addition)
    if runs_depthwise(unit.layer):
        work = channel_work(layer, config.columns, info.shape, inner.shape, (info.zero_point, inner.zero_point))
        return plan_channels(config, work, source, inner.shape, unit.pool, trailer)
    return plan_convolution(config, layer, info.zero_point, source, inner.shape, unit.pool, trailer)


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
    layer, info, source = lower_layer(network, unit.layer, placements)
    target, addition, streams = placements[unit.output].spread(), None, base + part.offset
    if part.plan is None:
        return emit_max_pool(config, layer, source, target, waits_for_store)
    if unit.addition is not None:
        addition = Addition(unit.addition, placements[unit.operand], base + part.tables, network.tensors[unit.output].zero_point)
    if runs_depthwise(unit.layer):
        return emit_channels(config, part.plan, source, target, streams, part.filters, waits_for_store, addition)
    zero_points = info.zero_point, network.tensors[unit.inner].zero_point
    return emit_convolution(config, layer, part.plan, source, target, zero_points, streams, part.filters, waits_for_store, addition)
