# SPDX-License-Identifier: BSD-2-Clause
"""Compiles a network: program, constants and memory map of one model."""

from dataclasses import dataclass, replace

from accel import isa
from accel.errors import UserError
from accel.registers import FILTER_WORDS, RECORDS
from compiler.emit import Site
from compiler.fuse import fused_units
from compiler.layout import align, place_tensors
from compiler.link import link
from compiler.residency import plan_residency
from compiler.schedule import Schedule
from compiler.stage import Stage, lower
from compiler.tiling import refuse

__all__ = ["CompiledLayer", "CompiledModel", "compile_network", "lower"]

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
    units = fused_units(network)
    if len(units) > RECORDS:
        raise UserError(f"network {network.name!r} has {len(units)} layers, but a program can have at most {RECORDS}")
    # Neither the plans nor the program's length depend on where the tensors are, so a first emission finds their place.
    placements = place_tensors(network, config.columns, 0, batch)
    parts, constants = _plan(config, [Stage(network, config, unit, placements, batch) for unit in units])
    program_address = align(base + len(constants))
    constants = constants.ljust(program_address - base, b"\0")
    length = len(_emit(config, parts, base, placements))
    placements = place_tensors(network, config.columns, align(program_address + length * isa.INSTRUCTION_BYTES), batch)
    words = _emit(config, parts, base, placements)
    layers = tuple(_compiled_layer(network, i, part, base, batch) for i, part in enumerate(parts))
    end = align(max(placement.address + placement.bytes for placement in placements.values()))
    return CompiledModel(config, base, constants, program_address, tuple(words), placements, layers, end, batch)


@dataclass(frozen=True)
class _Part:
    """A Stage, how it runs, its plan with streams, their offset, and its first word of the filter mask; None where it has none."""

    stage: object
    choice: object
    plan: object
    offset: int = 0
    filters: int | None = None


def _compiled_layer(network, index, part, base, batch):
    unit = part.stage.unit
    macs = batch * unit.layer.macs(network.tensors[unit.layer.input].shape)
    return CompiledLayer(unit.name, unit.op, index, unit.output, macs, part.plan if part.stage.is_convolution else None, base + part.offset,
                         part.filters, unit.members)


def _plan(config, stages):
    """Return ([_Part], all weight streams). Output planes are numbered through the network for the filter mask, as far as it has words."""
    parts, constants, plane = [], bytearray(), 0
    choices = plan_residency(stages, config.activation_beats, config.beats_per_word)
    if choices is None:
        raise next(refuse(config, stage.layer) for stage in stages if stage.plan(config.activation_beats) is None)
    for stage, choice in zip(stages, choices, strict=True):
        if not stage.is_convolution:
            parts.append(_Part(stage, choice, choice.plan))
            continue
        plan = stage.with_streams(choice.plan)
        planes = -(-stage.inner.channels // config.columns)
        filters = plane if plane + planes <= FILTER_WORDS else None
        plane += planes if filters is not None else 0
        parts.append(_Part(stage, choice, plan, len(constants), filters))
        constants += b"".join(stream.data for stream in plan.streams)
        constants += bytes(align(len(constants)) - len(constants))
    return parts, bytes(constants)


def _emit(config, parts, base, placements):
    schedule = Schedule()
    schedule.add("BEGIN", isa_version=isa.ISA_VERSION, config_hash=config.hash)
    for i, part in enumerate(parts):
        stage, choice = part.stage, part.choice
        source = replace(stage.source, address=placements[stage.reads].address)
        site = Site(stage.reads, stage.writes, source, placements[stage.writes], choice.base, choice.resident, choice.home)
        stage.emit(schedule, part.plan, site, base + part.offset, part.filters)
        schedule.end_layer(i)
    schedule.add("END")
    return link(config, schedule.ops, [*(part.stage.unit.name for part in parts), None])
