# SPDX-License-Identifier: BSD-2-Clause
"""A compiled network: what the CPU does for one inference, step by step, and what memory must hold for it."""

from dataclasses import dataclass, field
from itertools import groupby

from accel import isa
from compiler.cpu_layers import on_cpu
from compiler.pruning import NEVER


@dataclass(frozen=True)
class Program:
    """A job of the accelerator: instruction `words` at byte `address`, for the layers numbered `layers` (a range) in CompiledModel.layers."""

    address: int
    words: tuple
    layers: range


@dataclass(frozen=True)
class CpuStep:
    """A layer that the CPU computes: number `layers` (a range of one) in CompiledModel.layers; `layer` is that of the lowered network."""

    layer: object
    layers: range


@dataclass(frozen=True)
class FeaturePruning:
    """What dynamic feature pruning does to a layer: `limits` int [input channels] as the reference takes them, of maps that it leaves out, or None
    and the `note` why it leaves out none. `macs`: its products with all maps; `cycles_without`: those predicted of it without pruning."""

    limits: object
    note: str | None
    macs: int
    cycles_without: int

    @property
    def maps(self):
        """How many maps could be left out."""
        return 0 if self.limits is None else int((self.limits > NEVER).sum())


@dataclass(frozen=True)
class CompiledLayer:
    """One layer as it is run: by the accelerator, its counters in record `record`, or by the CPU (None). `macs` are those of the dense network.

    A convolution and the max pool or addition fused into it are one. What multiplies has its `plan` and `stream_address`, a convolution `filters`:
    the word of the run-time filter mask of its first output plane (None: its filters are always on). `members` are the names of the network's
    layers in it, none where it only copies a tensor. `cycles_predicted` is what the timing model says of the program, None of the CPU. `pruning`: the
    FeaturePruning of a convolution where the model was compiled with some, else None.
    """

    name: str
    op: str
    record: int | None
    output: str
    macs: int
    plan: object = None
    stream_address: int = 0
    filters: int | None = None
    members: tuple = ()
    cycles_predicted: int | None = None
    pruning: FeaturePruning | None = None

    @property
    def on_cpu(self):
        """Whether the CPU computes it."""
        return self.record is None


@dataclass(frozen=True)
class CompiledModel:
    """What memory must hold before the first doorbell: `constants` at `base`, behind them the programs; tensors at `placements`.

    `steps` are the Programs and CpuSteps in order; records and the words of the filter mask are numbered through all programs. `lowered` is the
    network that is run, with its own `places` of the tensors: without channels that never change, with copies. `copies` names for each tensor that is
    a copy the tensor of which it is one. A run takes `batch` images, whose rows lie one below the other in every tensor.
    """

    config: object
    base: int
    constants: bytes
    steps: tuple
    placements: dict
    layers: tuple
    end: int
    lowered: object = None
    places: dict = field(default_factory=dict)
    copies: dict = field(default_factory=dict)
    batch: int = 1

    @property
    def programs(self):
        """The steps that are the accelerator's, at least one."""
        return tuple(step for step in self.steps if isinstance(step, Program))

    @property
    def limits(self):
        """{name of a convolution: int [input channels]} of dynamic feature pruning, as the reference takes them."""
        return {layer.members[0]: layer.pruning.limits for layer in self.layers if layer.pruning is not None and layer.pruning.limits is not None}

    @property
    def program_address(self):
        """Where the first program lies."""
        return self.programs[0].address

    @property
    def words(self):
        """The instructions of a model with one program. Raises ValueError where there are more."""
        program, = self.programs
        return program.words

    @property
    def image(self):
        """The bytes from `base` up to the tensors: weight streams, then the programs."""
        data = bytearray(self.constants)
        for program in self.programs:
            data += bytes(program.address - self.base - len(data)) + isa.to_bytes(program.words)
        return bytes(data)

    @property
    def read_window(self):
        """(base, limit) of what the core reads."""
        return self.base, self.end

    @property
    def write_window(self):
        """(base, limit) of what the core writes: every tensor but those before its first output."""
        first = min(self.placements[layer.output].address for layer in self.layers if not layer.on_cpu)
        return first, self.end


def runs_of(units):
    """Return [[Unit]]: neighbours that the accelerator computes are together, as one program has them; the CPU's stand alone."""
    runs = []
    for cpu, group in groupby(units, lambda unit: on_cpu(unit.layer)):
        group = list(group)
        runs += [[unit] for unit in group] if cpu else [group]
    return runs
