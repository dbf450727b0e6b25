# SPDX-License-Identifier: BSD-2-Clause
"""Compiles a network: programs, constants and memory map of one model."""

from dataclasses import dataclass

from accel import isa
from accel.errors import UserError
from accel.registers import FILTER_WORDS, RECORDS
from compiler.addition import sum_tables
from compiler.cpu_layers import on_cpu
from compiler.dynamic import NO_MASKS, MaskPlanner, with_pruning
from compiler.fuse import fused_units
from compiler.ir import Concat, Conv2D
from compiler.layout import align, place_tensors
from compiler.link import link
from compiler.lower import lower_network
from compiler.memory_map import MODEL_ADDRESS
from compiler.order import reduce_network
from compiler.residency import plan_residency
from compiler.schedule import Schedule
from compiler.stage import Stage
from compiler.steps import CompiledLayer, CompiledModel, CpuStep, Program, runs_of
from compiler.timing import predict_cycles



def compile_network(network, config, base=MODEL_ADDRESS, batch=1, pruning=None):
    """Return the CompiledModel of `network` for `config` at byte address `base`, which takes `batch` images (at least 1) at a time.

    pruning: the Pruning to be done, where it is predicted to gain; None for none. Raises UserError, with the layer's name, where a layer does not fit
    the accelerator, and for a batch where the CPU computes a layer or maps are to be pruned.
    """
    if batch < 1:
        raise UserError(f"a batch has at least 1 image, not {batch}")
    if pruning is not None and batch > 1:
        raise UserError(f"the images of a batch share the work of each layer, so none can leave out feature maps of its own: leave out --dfp, or "
                        f"--batch {batch}")
    frame = _Frame(network, config, batch)
    planned = frame.plan()
    model = _assemble(frame, *planned, base)
    if pruning is None:
        return model
    masks = frame.mask_planner(planned[0]).masks(pruning)
    return with_pruning(_assemble(frame, *frame.plan(masks), base), masks, model)


def mask_planner(network, config):
    """Return the MaskPlanner of `network` as it runs on `config`. Raises UserError, with the layer's name, where a layer does not fit."""
    frame = _Frame(network, config, 1)
    return frame.mask_planner(frame.plan()[0])


class _Frame:
    """What holds for `network` however its layers are planned: `lowered` with its `units`; `places` {tensor: Placement}, at addresses from 0 on."""

    def __init__(self, network, config, batch):
        self.network, self.config, self.batch = network, config, batch
        self.reduced = reduce_network(network, config)
        self.lowered = lower_network(self.reduced.network, config.columns)
        self.units = fused_units(self.lowered.network)
        _check(network, self.units, batch)
        # Neither the plans nor the programs' lengths depend on where the tensors are, so a first emission finds their place.
        self.places = self.place(0)

    def place(self, base):
        """Return {tensor: Placement} from byte address `base` on."""
        return place_tensors(self.lowered.network, self.config.columns, base, self.batch)

    def complete(self, name, places=None):
        """Return the Placement of all channels that tensor `name` has in the network; places: of the lowered one (default: from 0 on)."""
        return self.reduced.complete(self.lowered.copies.get(name, name), (places or self.places)[name])

    def plan(self, masks=NO_MASKS):
        """Return what _plan() does."""
        return _plan(self.lowered, self.config, self.units, self.places, self.batch, masks)

    def mask_planner(self, runs):
        """Return the MaskPlanner for `runs` as _plan() gives them without masks."""
        programs = [[(part.stage, part.choice) for part in parts] for parts in runs if parts[0].stage is not None]
        return MaskPlanner(self.network, self.lowered, programs, self.places, self.complete)


def _assemble(frame, runs, constants, base):
    """Return the CompiledModel, at `base`, of a _Frame and of what _plan() gave."""
    network, config, batch, lowered, places = frame.network, frame.config, frame.batch, frame.lowered.network, frame.places
    addresses, end = [], align(base + len(constants))
    constants = constants.ljust(end - base, b"\0")
    for parts in runs:
        addresses.append(end)
        end = align(end + isa.INSTRUCTION_BYTES * len(_emit(lowered, config, parts, base, places)))
    places = frame.place(end)
    steps, predicted, first = [], {}, 0
    for parts, address in zip(runs, addresses, strict=True):
        layers = range(first, first + len(parts))
        first = layers.stop
        if parts[0].stage is None:
            steps.append(CpuStep(parts[0].unit.layer, layers))
            continue
        words = _emit(lowered, config, parts, base, places)
        steps.append(Program(address, tuple(words), layers))
        predicted |= predict_cycles(config, words, address, constants, base)
    layers = tuple(_compiled_layer(network, part, base, batch, predicted) for parts in runs for part in parts)
    end = align(max(placement.address + placement.bytes for placement in places.values()))
    placements = {name: frame.complete(name, places) for name in places}
    return CompiledModel(config, base, constants, tuple(steps), placements, layers, end, lowered, places, frame.lowered.copies, batch)


def _check(network, units, batch):
    cpu = [unit.name for unit in units if on_cpu(unit.layer)]
    if cpu and batch > 1:
        raise UserError(f"network {network.name!r}: the CPU computes {cpu[0]!r}, one image at a time: leave out --batch {batch}")
    if len(cpu) == len(units):
        raise UserError(f"network {network.name!r} has no layer for the accelerator")
    if len(units) - len(cpu) > RECORDS:
        raise UserError(f"network {network.name!r} has {len(units) - len(cpu)} layers for the accelerator, but at most {RECORDS} are possible")


@dataclass(frozen=True)
class _Part:
    """A Unit, and where it is the accelerator's its record, its Stage, how it runs, its plan with streams, the offsets of the streams and of its
    addition's tables, and its first word of the filter mask; None where it has none."""

    unit: object
    record: int | None = None
    stage: object = None
    choice: object = None
    plan: object = None
    offset: int = 0
    tables: int = 0
    filters: int | None = None


def _compiled_layer(network, part, base, batch, predicted):
    unit = part.unit
    known = {layer.name: layer for layer in network.layers}
    members = tuple(name for name in unit.members if name in known)
    macs = batch * sum(network.macs(known[name]) for name in members)
    if part.stage is None:
        return CompiledLayer(unit.name, unit.op, None, unit.output, macs, members=members)
    plan = None if part.stage.is_pool else part.plan
    return CompiledLayer(unit.name, unit.op, part.record, unit.output, macs, plan, base + part.offset, part.filters, members, predicted[part.record])


class _Constants:
    """The weight streams and tables, each at an aligned offset."""

    def __init__(self):
        self.data = bytearray()

    def put(self, data):
        """Append `data`; returns its offset."""
        offset = len(self.data)
        self.data += data + bytes(align(offset + len(data)) - offset - len(data))
        return offset


def _plan(lowered, config, units, placements, batch, masks=NO_MASKS):
    """Return ([[_Part]] as runs_of has them, all constants), with the Masks of a pruned network. Records are numbered through the network, and for
    the filter mask its output planes are, as far as the mask has words; copies have none."""
    runs, constants, plane, record = [], _Constants(), 0, 0
    for run in runs_of(units):
        if on_cpu(run[0].layer):
            runs.append([_Part(run[0])])
            continue
        parts = []
        stages = [Stage(lowered.network, config, unit, placements, batch, masks.readings.get(unit.name), masks.measured.get(unit.output))
                  for unit in run]
        for stage, choice in _chosen(stages, config):
            unit, plan, offset, tables, filters = stage.unit, choice.plan, 0, 0, None
            if not stage.is_pool:
                plan = stage.with_streams(plan)
                offset = constants.put(b"".join(stream.data for stream in plan.streams))
            if unit.addition is not None:
                zero_points = [lowered.network.tensors[name].zero_point for name in unit.addition.inputs]
                tables = constants.put(sum_tables(unit.addition, unit.own, zero_points))
            planes = placements[unit.inner].planes
            if isinstance(unit.layer, Conv2D) and unit.inner not in lowered.copies and plane + planes <= FILTER_WORDS:
                filters, plane = plane, plane + planes
            parts.append(_Part(unit, record, stage, choice, plan, offset, tables, filters))
            record += 1
        runs.append(parts)
    return runs, bytes(constants.data)


def _chosen(stages, config):
    """Return pairs (Stage, Choice) of one program. Raises UserError for the first stage that fits in no way."""
    choices = plan_residency(stages, config.activation_beats, config.beats_per_word)
    if choices is None:
        raise next(stage.refusal for stage in stages if stage.plan(config.activation_beats) is None)
    return zip(stages, choices, strict=True)


def _emit(network, config, parts, base, placements):
    """Return the instructions of a program; none for a layer of the CPU."""
    if parts[0].stage is None:
        return []
    schedule = Schedule({layer.output: layer.inputs for layer in network.layers if isinstance(layer, Concat)})
    schedule.add("BEGIN", isa_version=isa.ISA_VERSION, config_hash=config.hash)
    for part in parts:
        part.stage.emit(schedule, part.plan, part.choice, placements, base + part.offset, base + part.tables, part.filters)
        schedule.end_layer(part.record)
    schedule.add("END")
    return link(config, schedule.ops, [*(part.unit.name for part in parts), None])
