# SPDX-License-Identifier: BSD-2-Clause
"""The steps of a CONV from the masks of its weight stream: how many beats each takes, cut into chunks that are followed one by one."""

from dataclasses import dataclass

# Beats after which a chunk ends: few enough that the weight FIFO's places come back while its next beats are asked for.
CHUNK_BEATS = 32


@dataclass(frozen=True)
class Chunk:
    """Neighbouring steps: `beats` they take from the stream, headers included, `cycles` from the last step before to their last one where no beat is
    late, `lead` of those after its last beat is taken."""

    beats: int
    cycles: int
    lead: int


@dataclass(frozen=True)
class Steps:
    """A CONV's `chunks`, the first is its first step alone; `rest`: beats of masks and weights behind its last step; `count` of its steps."""

    chunks: tuple
    rest: int
    count: int

    @property
    def beats(self):
        """Beats of masks and weights."""
        return sum(chunk.beats for chunk in self.chunks) + self.rest


def mask_steps(mask, kept, lanes):
    """Return (beats of each step, beats behind the last one) of one kernel position: of the bits of `mask` those of `kept` take a lane."""
    if mask & ~kept == 0:
        full, last = divmod(mask.bit_count(), lanes)
        return [lanes] * full + ([last] if last else []), 0
    steps, beats, taken, left = [], 0, 0, kept.bit_count()
    for bit in range(mask.bit_length()):
        if not mask >> bit & 1:
            continue
        beats += 1
        if kept >> bit & 1:
            taken, left = taken + 1, left - 1
            if taken == lanes or not left:
                steps.append(beats)
                beats = taken = 0
    return steps, beats


def stream_steps(config, stream, shape, pixels, words):
    """Return the Steps of a CONV whose masks and weights begin `stream` (bytes).

    shape: the fields of SHAPE. pixels: cycles of a step, at least. words: {block's number: mask word} of MASK, of which a dynamic shape takes part.
    """
    taps, sets = shape["kernel_height"] * shape["kernel_width"], config.clusters if shape["split"] else 1
    bits, place, behind = config.block_channels, 0, 0
    chunks, beats, cycles, lead, count = [], 0, 0, 0, 0
    for first in range(0, shape["blocks"], config.masks_per_header):
        header = int.from_bytes(stream[place:place + config.beat_bytes], "little")
        place += config.beat_bytes
        behind += 1
        for number in range(first, min(first + config.masks_per_header, shape["blocks"])):
            mask = header >> (number - first) * bits & (1 << bits) - 1
            kept = mask & words.get(shape["first_block"] + number, 0) if shape["dynamic"] else mask
            place += mask.bit_count() * taps * sets * config.beat_bytes
            steps, rest = mask_steps(mask, kept, config.lanes)
            for taken in (taken for _ in range(taps) for taken in (*steps, None)):
                if taken is None:
                    behind += rest * sets
                    continue
                taken = taken * sets + behind
                behind = 0
                beats, cycles, lead, count = beats + taken, cycles + max(pixels, taken), max(pixels - taken, 0), count + 1
                if beats >= CHUNK_BEATS or count == 1:
                    chunks.append(Chunk(beats, cycles, lead))
                    beats = cycles = 0
    if beats:
        chunks.append(Chunk(beats, cycles, lead))
    return Steps(tuple(chunks), behind, count)
