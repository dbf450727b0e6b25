# SPDX-License-Identifier: BSD-2-Clause
"""Compiles a network: program, constants and memory map of one model."""

from dataclasses import dataclass, field

from accel import isa
from accel.errors import UserError
from accel.registers import FILTER_WORDS, RECORDS
from compiler.addition import sum_tables
from compiler.eliminate import eliminate
from compiler.fuse import fused_units
from compiler.ir import Concat, Conv2D
from compiler.layout import align, place_tensors
from compiler.link import link
from compiler.lower import lower_network
from compiler.residency import plan_residency
from compiler.schedule import Schedule
from compiler.stage import Stage
from compiler.timing import predict_cycles

DEFAULT_BASE = 0x4100_0000


@dataclass(frozen=True)
class CompiledLayer:
    """One layer of the accelerator: its counters are in record `record`; `macs` are those of the dense network.

    A convolution and the max pool or addition fused into it are one. What multiplies has its `plan` and `stream_address`, a convolution `filters`: the
    word of the run-time filter mask of its first output plane (None: its filters are always on). `members` are the names of the network's
    layers in it, none where it only copies a tensor. `cycles_predicted` is what the timing model says of the program.
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
    for each tensor that is a copy the tensor of which it is one. A run takes `batch` images, whose rows lie one below the other in every tensor.
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
    batch: int = 1

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


def compile_network(network, config, base=DEFAULT_BASE, batch=1):
    """Return the CompiledModel of `network` for `config` at byte address `base`, which takes `batch` images (at least 1) at a time.

    Raises UserError, with the layer's name, where a layer does not fit the accelerator.
    """
    if batch < 1:
        raise UserError(f"a batch has at least 1 image, not {batch}")
    reduced = eliminate(network)
    lowered = lower_network(reduced.network, config.columns)
    units = fused_units(lowered.network)
    if len(units) > RECORDS:
        raise UserError(f"network {network.name!r} has {len(units)} layers, but a program can have at most {RECORDS}")
    # Neither the plans nor the program's length depend on where the tensors are, so a first emission finds their place.
    places = place_tensors(lowered.network, config.columns, 0, batch)
    parts, constants = _plan(lowered, config, [Stage(lowered.network, config, unit, places, batch) for unit in units], places)
    program_address = align(base + len(constants))
    constants = constants.ljust(program_address - base, b"\0")
    length = len(_emit(lowered.network, config, parts, base, places))
    places = place_tensors(lowered.network, config.columns, align(program_address + length * isa.INSTRUCTION_BYTES), batch)
    words = _emit(lowered.network, config, parts, base, places)
    predicted = predict_cycles(config, words, program_address, constants, base)
    layers = tuple(_compiled_layer(network, i, part, base, batch, predicted[i]) for i, part in enumerate(parts))
    end = align(max(placement.address + placement.bytes for placement in places.values()))
    placements = {name: reduced.complete(lowered.copies.get(name, name), place) for name, place in places.items()}
    return CompiledModel(config, base, constants, program_address, tuple(words), placements, layers, end, lowered.network, places, lowered.copies,
                         batch)


@dataclass(frozen=True)
class _Part:
    """A Stage, how it runs, its plan with streams, the offsets of the streams and of its addition's tables, and its first word of the filter mask; None
    where it has none."""

    stage: object
    choice: object
    plan: object
    offset: int = 0
    tables: int = 0
    filters: int | None = None


def _compiled_layer(network, index, part, base, batch, cycles):
    unit = part.stage.unit
    known = {layer.name: layer for layer in network.layers}
    members = tuple(name for name in unit.members if name in known)
    macs = batch * sum(network.macs(known[name]) for name in members)
    return CompiledLayer(unit.name, unit.op, index, unit.output, macs, None if part.stage.is_pool else part.plan, base + part.offset, part.filters,
                         members, cycles)


class _Constants:
    """The weight streams and tables, each at an aligned offset."""

    def __init__(self):
        self.data = bytearray()

    def put(self, data):
        """Append `data`; returns its offset."""
        offset = len(self.data)
        self.data += data + bytes(align(offset + len(data)) - offset - len(data))
        return offset


def _plan(lowered, config, stages, placements):
    """Return ([_Part], all constants). Output planes are numbered through the network for the filter mask, as far as it has words; copies have none."""
    parts, constants, plane = [], _Constants(), 0
    choices = plan_residency(stages, config.activation_beats, config.beats_per_word)
    if choices is None:
        raise next(stage.refusal for stage in stages if stage.plan(config.activation_beats) is None)
    for stage, choice in zip(stages, choices, strict=True):
        if stage.is_pool:
            parts.append(_Part(stage, choice, choice.plan))
            continue
        unit, plan, tables, filters = stage.unit, stage.with_streams(choice.plan), 0, None
        offset = constants.put(b"".join(stream.data for stream in plan.streams))
        if unit.addition is not None:
            zero_points = [lowered.network.tensors[name].zero_point for name in unit.addition.inputs]
            tables = constants.put(sum_tables(unit.addition, unit.own, zero_points))
        planes = placements[unit.inner].planes
        if isinstance(unit.layer, Conv2D) and unit.inner not in lowered.copies and plane + planes <= FILTER_WORDS:
            filters, plane = plane, plane + planes
        parts.append(_Part(stage, choice, plan, offset, tables, filters))
    return parts, bytes(constants.data)


def _emit(network, config, parts, base, placements):
    schedule = Schedule({layer.output: layer.inputs for layer in network.layers if isinstance(layer, Concat)})
    schedule.add("BEGIN", isa_version=isa.ISA_VERSION, config_hash=config.hash)
    for i, part in enumerate(parts):
        part.stage.emit(schedule, part.plan, part.choice, placements, base + part.offset, base + part.tables, part.filters)
        schedule.end_layer(i)
    schedule.add("END")
    return link(config, schedule.ops, [*(part.stage.unit.name for part in parts), None])
