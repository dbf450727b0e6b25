# SPDX-License-Identifier: BSD-2-Clause
"""The instruction set: one table from which encoder, decoder constants, golden model dispatch and docs/ pages are made."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

from accel.table import Field

ISA_VERSION = 4
INSTRUCTION_BYTES = 16
SEMAPHORES = 8
# Words of the dynamic input-channel mask, one a block of input channels.
MASK_WORDS = 32
OPCODE = Field("opcode", 6, "which instruction")

ENGINES = ("control", "load", "weights", "compute", "store")

# Every engine instruction may wait for up to two semaphores before it runs and signal up to two when its effect is complete.
_SYNC = (
    Field("wait_a", 4, "semaphore to take before this instruction runs (8 + number), 0 for none"),
    Field("wait_b", 4, "second semaphore to take (8 + number), 0 for none"),
    Field("signal_a", 4, "semaphore to give when this instruction is complete (8 + number), 0 for none"),
    Field("signal_b", 4, "second semaphore to give (8 + number), 0 for none"),
)


# Which words of the run-time filter mask (a word an output plane) belong to an instruction's output channels; at the same place in each.
_FILTERS = (
    Field("filters", 10, "first word of the filter mask for the tile's planes"),
    Field("planes", 4, "words that belong to it; 0: its filters are always on"),
    Field("whole", 1, "1: the tile is streamed and multiplied even where none of its filters is on"),
    Field("void", 1, "1: no filter of the tile is on; the core sets it where all words say so (but not with whole): nothing is streamed or multiplied"),
)


def semaphore(number):
    """Return the value of a wait or signal field that names semaphore `number` (0 to 7)."""
    if not 0 <= number < SEMAPHORES:
        raise ValueError(f"semaphore {number} is outside 0 to {SEMAPHORES - 1}")
    return 8 + number


@dataclass(frozen=True)
class Instruction:
    """One row: `engine` is whose queue takes it; `fields` lie from bit 6 upwards in the order given."""

    name: str
    opcode: int
    engine: str
    meaning: str
    fields: tuple

    @property
    def has_sync(self):
        """Whether the instruction carries the wait and signal fields."""
        return bool(self.fields) and self.fields[0].name == "wait_a"


def _row(name, opcode, engine, meaning, *fields, sync=False):
    placed, low = [], OPCODE.bits
    for field in (_SYNC if sync else ()) + fields:
        placed.append(replace(field, low=low))
        low += field.bits
    if low > 8 * INSTRUCTION_BYTES:
        raise ValueError(f"{name} takes {low} bits")
    return Instruction(name, opcode, engine, meaning, tuple(placed))


TABLE = (
    _row("BEGIN", 1, "control", "first instruction of every program: what it was compiled for",
         Field("isa_version", 16, "must equal ISA_VERSION"),
         Field("config_hash", 32, "must equal the configuration's hash")),
    _row("END", 2, "control", "last instruction: the job is done when every engine is idle and every write is answered"),
    _row("LAYER", 3, "control", "what follows belongs to another layer; each engine closes its counters when it gets here",
         Field("index", 8, "record that the counters of the layer which ends here are written to (0 to 63)")),
    _row("LOAD_SHAPE", 8, "load", "layout of the following LOADs: rows of items, each item a run of bytes at any byte",
         Field("item_bytes", 16, "bytes of an item, at least 1"),
         Field("source_pitch", 28, "bytes from one source row to the next"),
         Field("item_step", 16, "destination beats from the last beat of an item to the first of the next in its row", True),
         Field("row_step", 16, "destination beats from the last beat of a row to the first of the next", True)),
    _row("LOAD", 9, "load", "copy rows of memory into activation buffers, the operand FIFO or the tables of an addition",
         Field("address", 32, "first byte"),
         Field("rows", 12, "rows, at least 1"),
         Field("length", 20, "bytes of a row, a multiple of item_bytes, at least 1"),
         Field("destination", 14, "first destination beat: beats_per_word x word + plane within the word"),
         Field("clusters", 8, "bit c set: write cluster c's buffer"),
         Field("target", 2, "0: activation buffers; 1: the operand FIFO, each destination beat in turn; 2: the tables, destination d being word d, "
               "the beat's first four bytes"), sync=True),
    _row("WEIGHTS", 16, "weights", "stream beats of masks, weights and parameters into the weight FIFO",
         *_FILTERS,
         Field("address", 32, "first byte; a multiple of the beat"),
         Field("beats", 24, "beats, at least 1"), sync=True),
    _row("SHAPE", 24, "compute", "geometry of the following tiles: the window and how it walks the activation buffer",
         Field("kernel_height", 6, "rows of the window, at least 1"),
         Field("kernel_width", 6, "columns of the window, at least 1; 1 where packed"),
         Field("blocks", 10, "activation words of a pixel (packed: of a window's row) that take part, at least 1"),
         Field("stride_y", 4, "rows from one output row to the next, at least 1"),
         Field("stride_x", 8, "columns from one output pixel to the next, at least 1"),
         Field("height", 12, "rows of the input map in the buffer's coordinates; rows outside 0 to height - 1 are padding"),
         Field("width", 14, "columns of the input map; columns outside 0 to width - 1 are padding"),
         Field("first_x", 14, "input column under the window's left column at output column 0: minus the left padding", True),
         Field("output_width", 12, "output pixels of a row: where a run of pixels wraps, at least 1"),
         Field("zero_point", 8, "input value of padding in a convolution", True),
         Field("split", 1, "0: clusters share the weights and hold other pixels; 1: they hold other output channels"),
         Field("packed", 1, "1: columns are bytes, and a window's row is one run of bytes at any address"),
         Field("dynamic", 1, "1: the dynamic input-channel mask takes part; each tile sums its zero point's share in a partial sum of its own"),
         Field("first_block", 5, "number of the mask's word that belongs to block 0"),
         Field("depthwise", 1, "1: lane 0 of columns 2i and 2i + 1 has byte 2i of the beat at the window's address, lane 1 byte 2i + 1")),
    _row("WALK", 25, "compute", "address steps of the following tiles, in bytes of the activation buffer",
         Field("pixel_step", 18, "from one output pixel to the next in a row"),
         Field("row_step", 20, "from the last output pixel of a row to the first of the next", True),
         Field("tap_step", 18, "from one kernel column to the next"),
         Field("tap_row_step", 20, "from the last kernel column of a row to the first of the next; packed: a multiple of a word", True)),
    _row("DRAIN", 26, "compute", "output numbers of the following tiles",
         Field("zero_point", 8, "output zero point", True),
         Field("clamp_min", 8, "smallest output", True),
         Field("clamp_max", 8, "largest output", True),
         Field("pool_columns", 6, "0: one output a pixel; else a tile's rows have this many pixels (an even number), its rows are even in number, "
               "and each 2 x 2 square gives its largest output"),
         Field("rounding", 2, "of a right shift, not of a sum's: 0 twice, as TFLite's reference; 1 once, half away from zero; 2 down; 3 once, half up"),
         Field("add", 1, "1: each output is added to a beat of the operand FIFO, both looked up in the tables; not with pool_columns"),
         Field("sum_zero_point", 8, "zero point of the sums", True),
         Field("sum_clamp_min", 8, "smallest sum", True),
         Field("sum_clamp_max", 8, "largest sum", True)),
    _row("TILE", 27, "compute", "where one cluster's run of output pixels begins",
         Field("cluster", 3, "which cluster"),
         Field("address", 20, "byte under the window's top left at the first pixel, block 0; may lie outside, where the map is padded", True),
         Field("y", 13, "input row under the window's top row at the first pixel", True),
         Field("x", 14, "input column under the window's left column at the first pixel", True),
         Field("output_x", 12, "output column of the first pixel"),
         Field("pixels", 12, "pixels of the run, 0 to tile_pixels for CONV, any for POOL")),
    _row("CONV", 28, "compute", "one output tile of a convolution: consumes its part of the weight stream, drains to the output FIFO",
         *_FILTERS,
         Field("pixels", 6, "pixels per step: the largest of the clusters' runs, 1 to tile_pixels, where dynamic to tile_pixels - 1"),
         Field("accumulate", 1, "1: add to the partial sums that the previous CONV kept"),
         Field("keep", 1, "1: keep the partial sums for the next CONV, drain nothing"),
         Field("columns", 8, "output channels that count as work, over all clusters of a channel split"), sync=True),
    _row("POOL", 29, "compute", "max pooling of the beats at the windows' addresses by cluster 0's run; outside the map counts as -128", sync=True),
    _row("MASK", 30, "compute", "set a word of the dynamic input-channel mask, for the following CONVs",
         Field("block", 5, "which word"),
         Field("channels", 32, "bit c set: channel c of the block takes part")),
    _row("STORE", 40, "store", "write beats of the output FIFO to memory, copy them into activation buffers, measure which of their channels are on",
         Field("address", 32, "first byte; a multiple of the beat"),
         Field("beats", 14, "beats, at least 1"),
         Field("copy_clusters", 8, "bit c set: copy into cluster c's buffer"),
         Field("copy_destination", 14, "first destination beat of the copy"),
         Field("copy_pitch", 8, "destination beats from one beat of the copy to the next"),
         Field("copy_signal", 4, "semaphore to give when the copy is complete (8 + number), 0 for none"),
         Field("measure", 1, "1: a channel of these beats that has a byte above `limit` is on in the dynamic input-channel mask, another off"),
         Field("limit", 8, "a channel is on where any of its bytes is greater", True),
         Field("mask_plane", 6, "the measured channels' part of the mask: beats_per_word x word + plane within the word"),
         Field("mask_first", 1, "1: the part is set to what is measured; 0: channels that are on stay so"), sync=True),
)

BY_NAME = {row.name: row for row in TABLE}
BY_OPCODE = {row.opcode: row for row in TABLE}
OPCODES = SimpleNamespace(**{row.name: row.opcode for row in TABLE})


def encode(name, **values):
    """Return instruction `name` as an int of 128 bits; fields not given are 0.

    Raises ValueError for an unknown field or a value outside the field's range.
    """
    row = BY_NAME[name]
    unknown = set(values) - {field.name for field in row.fields}
    if unknown:
        raise ValueError(f"{name} has no field {', '.join(sorted(unknown))}")
    word = row.opcode
    try:
        for field in row.fields:
            word |= field.insert(values.get(field.name, 0))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    return word


def decode(word):
    """Return (name, {field: value}) of a 128-bit instruction, or (None, {}) where no row has its opcode."""
    row = BY_OPCODE.get(OPCODE.extract(word))
    if row is None:
        return None, {}
    return row.name, {field.name: field.extract(word) for field in row.fields}


def to_bytes(words):
    """Return the program's bytes, little endian."""
    return b"".join(word.to_bytes(INSTRUCTION_BYTES, "little") for word in words)


def from_bytes(data):
    """Return the instruction words of a program's bytes. Raises ValueError when the length is no multiple of 16."""
    if len(data) % INSTRUCTION_BYTES:
        raise ValueError(f"a program of {len(data)} bytes is no multiple of {INSTRUCTION_BYTES}")
    return [int.from_bytes(data[i:i + INSTRUCTION_BYTES], "little") for i in range(0, len(data), INSTRUCTION_BYTES)]


def disassemble(word):
    """Return one line of text for an instruction."""
    name, values = decode(word)
    if name is None:
        return f"?{OPCODE.extract(word)}"
    return " ".join([name, *(f"{key}={value}" for key, value in values.items() if value)])
