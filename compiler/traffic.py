# SPDX-License-Identifier: BSD-2-Clause
"""How many bytes each layer of a program moves, read off its instructions."""

from dataclasses import dataclass

from accel import isa


@dataclass(frozen=True)
class Traffic:
    """Bytes of DRAM, in whole beats: `weights` streamed, feature maps and tables `read`, maps `written`, `instructions` fetched."""

    weights: int = 0
    read: int = 0
    written: int = 0
    instructions: int = 0


def traffic(config, words):
    """Return {record of a layer: its Traffic} of the instruction `words`, with every filter on. What stands before a LAYER belongs to it."""
    beat, found, sums = config.beat_bytes, {}, dict.fromkeys(("weights", "read", "written", "instructions"), 0)
    pitch = 0
    for word in words:
        name, values = isa.decode(word)
        sums["instructions"] += isa.INSTRUCTION_BYTES
        if name == "LOAD_SHAPE":
            pitch = values["source_pitch"]
        elif name == "LOAD":
            starts = (values["address"] + row * pitch for row in range(values["rows"]))
            sums["read"] += sum(-(-(start + values["length"]) // beat) * beat - start // beat * beat for start in starts)
        elif name == "WEIGHTS":
            sums["weights"] += values["beats"] * beat
        elif name == "STORE":
            sums["written"] += values["beats"] * beat
        elif name == "LAYER":
            found[values["index"]] = Traffic(**sums)
            sums = dict.fromkeys(sums, 0)
    return found
