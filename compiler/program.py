# SPDX-License-Identifier: BSD-2-Clause
"""Compiles a network: program, constants and memory map of one model."""

from dataclasses import dataclass

from accel import isa
from accel.errors import UserError
from accel.registers import RECORDS
from compiler.convolution import emit_convolution, plan_convolution
from compiler.flatten import flatten
from compiler.ir import Conv2D, FullyConnected
from compiler.layout import align, place_tensors
from compiler.pooling import emit_max_pool

DEFAULT_BASE = 0x4100_0000


@dataclass(frozen=True)
class CompiledLayer:
    """One row of the layer table: its counters are in record `record`; `macs` are those of the dense network.

    `lowered` is the layer as it was compiled, from Placement `source` to `target`; a convolution has its `plan` and `stream_address`.
    """

    name: str
    op: str
    record: int
    output: str
    macs: int
    lowered: object
    source: object
    target: object
    plan: object = None
    stream_address: int = 0


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
    if len(network.layers) > RECORDS:
        raise UserError(f"network {network.name!r} has {len(network.layers)} layers, but a program can have at most {RECORDS}")
    # Neither the plans nor the program's length depend on where the tensors are, so a first emission finds their place.
    placements = place_tensors(network, config.columns, 0)
    plans, constants = _plan(network, config, placements)
    program_address = align(base + len(constants))
    constants = constants.ljust(program_address - base, b"\0")
    length = len(_emit(network, config, plans, base, placements))
    placements = place_tensors(network, config.columns, align(program_address + length * isa.INSTRUCTION_BYTES))
    words = _emit(network, config, plans, base, placements)
    layers = tuple(_compiled_layer(network, i, plans, base, placements) for i in range(len(network.layers)))
    end = align(max(placement.address + placement.bytes for placement in placements.values()))
    return CompiledModel(config, base, constants, program_address, tuple(words), placements, layers, end)


def _compiled_layer(network, index, plans, base, placements):
    layer = network.layers[index]
    lowered, _, source = _lower(network, layer, placements)
    plan, offset = plans.get(layer.name, (None, 0))
    return CompiledLayer(layer.name, layer.op, index, layer.output, layer.macs(network.tensors[layer.input].shape), lowered, source,
                         placements[layer.output], plan, base + offset)


def _lower(network, layer, placements):
    """Return (layer, input TensorInfo, input Placement) as the emitters want them."""
    info, placement = network.tensors[layer.input], placements[layer.input]
    return flatten(layer, info, placement) if isinstance(layer, FullyConnected) else (layer, info, placement)


def _plan(network, config, placements):
    """Return ({layer name: (Plan, offset of its streams)}, all weight streams)."""
    plans, constants = {}, bytearray()
    for layer in network.layers:
        if isinstance(layer, Conv2D):
            lowered, info, _ = _lower(network, layer, placements)
            plan = plan_convolution(config, lowered, info, network.tensors[layer.output].shape)
            plans[layer.name] = plan, len(constants)
            for tile in plan.streams:
                for stream in tile:
                    constants += stream.data
            constants += bytes(align(len(constants)) - len(constants))
    return plans, bytes(constants)


def _emit(network, config, plans, base, placements):
    words = [isa.encode("BEGIN", isa_version=isa.ISA_VERSION, config_hash=config.hash)]
    for i, layer in enumerate(network.layers):
        try:
            words += _emit_layer(network, layer, config, plans, base, placements, i > 0)
        except ValueError as error:
            raise UserError(f"layer {layer.name!r} is beyond what an instruction can say: {error}") from error
        words.append(isa.encode("LAYER", index=i))
    return [*words, isa.encode("END")]


def _emit_layer(network, layer, config, plans, base, placements, waits_for_store):
    layer, info, source = _lower(network, layer, placements)
    target = placements[layer.output]
    if isinstance(layer, Conv2D):
        plan, offset = plans[layer.name]
        return emit_convolution(config, layer, plan, source, target, (info.zero_point, network.tensors[layer.output].zero_point),
                                base + offset, waits_for_store)
    return emit_max_pool(config, layer, info, source, target, waits_for_store)
