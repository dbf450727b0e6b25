# SPDX-License-Identifier: BSD-2-Clause
"""The accelerator's configuration: one frozen dataclass that hardware, golden model, compiler and firmware all read."""

import hashlib
import tomllib
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from accel.errors import UserError

# Field -> (legal values or inclusive range, what it sizes).
_LEGAL = {
    "clusters": ((1, 2, 3, 4, 5, 6, 7, 8), "grid clusters, each with its own activation buffer"),
    "columns": ((4, 8, 16), "output channels a cluster works on; also the bytes of a bus beat"),
    "lanes": ((2, 4, 8), "input channels a column multiplies in one cycle"),
    "block_channels": ((8, 16, 32), "input channels in one activation word"),
    "tile_pixels": ((8, 16, 32), "partial sums a column holds in each of its two banks"),
    "activation_words": ((64, 128, 256, 512, 1024, 2048, 4096), "words in a cluster's activation buffer"),
    "weight_fifo_beats": ((16, 32, 64, 128, 256, 512, 1024), "beats the weight FIFO holds"),
    "output_fifo_beats": ((16, 32, 64, 128, 256, 512, 1024), "beats the output FIFO holds, and the operand FIFO"),
    "queue_depth": ((4, 8, 16, 32), "instructions each engine's queue holds"),
    "requantise_lanes": ((1, 2, 4, 8, 16), "columns requantised in one cycle"),
    "accumulator_bits": (tuple(range(24, 33)), "bits of a partial sum"),
    "macs_per_multiplier": ((1, 2), "int8 products a hardware multiplier gives per cycle"),
    "burst_beats": ((4, 8, 16, 32, 64), "longest memory burst"),
}


@dataclass(frozen=True)
class AccelConfig:
    """Sizes of one accelerator. Every field is a count with the legal values of `_LEGAL`; an illegal one raises UserError.

    A *beat* is what the memory port moves in one cycle: `columns` bytes, one pixel of one output tile. A *plane* is a run of
    `columns` channels of a tensor; an activation word holds `block_channels` channels of one pixel, that is
    `beats_per_word` planes.
    """

    name: str
    clusters: int
    columns: int = 16
    lanes: int = 4
    block_channels: int = 32
    tile_pixels: int = 32
    activation_words: int = 1024
    weight_fifo_beats: int = 512
    output_fifo_beats: int = 512
    queue_depth: int = 16
    requantise_lanes: int = 4
    accumulator_bits: int = 32
    macs_per_multiplier: int = 1
    burst_beats: int = 16

    def __post_init__(self):
        for field, (legal, meaning) in _LEGAL.items():
            value = getattr(self, field)
            if isinstance(value, bool) or value not in legal:
                raise UserError(
                    f"configuration {self.name!r}: {field} is {value!r}, but it must be one of "
                    f"{', '.join(map(str, legal))} ({meaning})"
                )
        self._require(self.block_channels % self.columns == 0, "block_channels must be a multiple of columns")
        self._require(self.block_channels // self.columns <= 2, "block_channels must be at most 2 x columns")
        self._require(self.lanes <= self.block_channels // 2, "lanes must be at most half of block_channels")
        self._require(self.macs_per_multiplier == 1 or self.lanes <= 4, "macs_per_multiplier must be 1 where lanes is more than 4")
        self._require(self.columns % self.requantise_lanes == 0, "columns must be a multiple of requantise_lanes")
        self._require(self.burst_beats <= self.weight_fifo_beats, "burst_beats must be at most weight_fifo_beats")
        self._require(self.burst_beats <= self.output_fifo_beats, "burst_beats must be at most output_fifo_beats")

    def _require(self, holds, rule):
        if not holds:
            raise UserError(f"configuration {self.name!r}: {rule}")

    @property
    def beat_bytes(self):
        """Bytes in one bus beat."""
        return self.columns

    @property
    def beats_per_word(self):
        """Planes (beats) in one activation word: 1 or 2."""
        return self.block_channels // self.columns

    @property
    def masks_per_header(self):
        """Channel masks of consecutive blocks that one header beat of the weight stream carries."""
        return 8 * self.beat_bytes // self.block_channels

    @property
    def fetch_fifo_beats(self):
        """Beats of the program that are held ahead."""
        return max(32, 2 * self.burst_beats)

    @property
    def load_fifo_beats(self):
        """Beats that the load engine holds for its writer: with fewer, memory's latency would limit how fast it reads."""
        return max(64, 4 * self.burst_beats)

    @property
    def parameter_beats(self):
        """Beats of one output channel's 16-byte parameter record in the weight stream."""
        return 16 // self.beat_bytes

    @property
    def macs_per_cycle(self):
        """Multiply-accumulates of the whole grid in one cycle."""
        return self.clusters * self.columns * self.lanes

    @property
    def activation_bytes(self):
        """Bytes of activation buffer in one cluster."""
        return self.activation_words * self.block_channels

    @property
    def activation_beats(self):
        """Beats of activation buffer in one cluster: what LOAD and STORE count its places in."""
        return self.activation_words * self.beats_per_word

    @property
    def hash(self):
        """32-bit identity of everything but the name; a program states the hash it was compiled for."""
        sizes = {key: value for key, value in sorted(asdict(self).items()) if key != "name"}
        return int.from_bytes(hashlib.sha256(repr(sizes).encode()).digest()[:4], "little")


CONFIGS = {
    config.name: config
    for config in (
        AccelConfig(
            "tiny", clusters=2, columns=4, lanes=2, block_channels=8, tile_pixels=8, activation_words=256,
            weight_fifo_beats=32, output_fifo_beats=16, queue_depth=4, requantise_lanes=2, burst_beats=8,
        ),
        AccelConfig("small-16", clusters=1),
        AccelConfig("arty-35", clusters=2, accumulator_bits=30, macs_per_multiplier=2),
        AccelConfig("cmod-35", clusters=1, activation_words=2048, accumulator_bits=30, macs_per_multiplier=2),
        # A multiplier for each product: two share one only in a Xilinx DSP.
        AccelConfig("ulx3s-85", clusters=1, accumulator_bits=30),
        AccelConfig("arty-100", clusters=6, activation_words=2048, requantise_lanes=8, accumulator_bits=30, macs_per_multiplier=2),
    )
}


def load_config(name_or_path):
    """Return the AccelConfig of a name in CONFIGS or of a TOML file (keys = fields; `base` names a configuration to start from).

    Raises UserError for an unknown name, an unreadable file, an unknown key or an illegal value.
    """
    if name_or_path in CONFIGS:
        return CONFIGS[name_or_path]
    path = Path(name_or_path)
    if path.suffix != ".toml":
        raise UserError(f"unknown configuration {name_or_path!r}: choose {', '.join(CONFIGS)} or give a .toml file")
    try:
        values = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"cannot read the configuration {path}: {error}") from error
    base = values.pop("base", "arty-35")
    if base not in CONFIGS:
        raise UserError(f"{path}: base is {base!r}, but it must be one of {', '.join(CONFIGS)}")
    known = {field.name for field in fields(AccelConfig)}
    for key in values:
        if key not in known:
            raise UserError(f"{path}: unknown key {key!r}; the keys are {', '.join(sorted(known))}")
    return replace(CONFIGS[base], **{"name": path.stem, **values})
