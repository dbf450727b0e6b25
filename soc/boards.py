# SPDX-License-Identifier: BSD-2-Clause
"""What the boards are: clock, memory and usual configuration of each, on the FPGA and in simulation alike. Without LiteX."""

from dataclasses import dataclass

from accel.errors import UserError


@dataclass(frozen=True)
class Banks:
    """How memory lies in the files that a simulation loads: `count` files, one after the other in rows of `row_bytes`, in lines of `word_bytes`."""

    count: int
    row_bytes: int
    word_bytes: int


@dataclass(frozen=True)
class Board:
    """A board: `target`, its name on the command line; `clock_hz` of core, CPU and buses; `config`, its usual configuration's name; `memory`,
    what kind it is, and its `memory_bytes`; `banks` of its simulation; `predicted`: the compiler's timing model knows this memory."""

    target: str
    clock_hz: int
    config: str
    memory: str
    memory_bytes: int
    banks: Banks
    predicted: bool = False


BOARDS = {
    board.target: board
    for board in (
        Board("arty", 100_000_000, "arty-35", "DDR3, 16 bits", 256 << 20, Banks(8, 2048, 16), predicted=True),
        Board("cmod_a7", 100_000_000, "cmod-35", "asynchronous SRAM, 8 bits", 512 << 10, Banks(1, 512 << 10, 1)),
        Board("ulx3s", 50_000_000, "ulx3s-85", "SDRAM, 16 bits", 32 << 20, Banks(4, 1024, 2)),
    )
}


def board_of(target):
    """Return the Board of a name in BOARDS. Raises UserError for another."""
    if target not in BOARDS:
        raise UserError(f"unknown board {target!r}: choose {', '.join(BOARDS)}")
    return BOARDS[target]
