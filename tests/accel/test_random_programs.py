# SPDX-License-Identifier: BSD-2-Clause
"""Whatever the instructions are, the core ends, stays inside its windows, and runs a good program exactly right after it."""

import itertools
import random
from dataclasses import dataclass

import pytest

from accel import isa
from accel.config import CONFIGS
from accel.golden import Golden
from accel.hdl.control import PATIENCE_BITS
from accel.registers import ERROR_CODES, ERRORS, STATUS_DONE, STATUS_ERROR
from compiler.expectation import memory_image
from compiler.program import compile_network
from tests.support.addition_programs import ORIGIN, random_addition_program
from tests.support.core_harness import Core
from tests.support.pruned_chains import random_chain, write_chain
from tests.support.random_networks import random_images, random_network
from tests.support.random_programs import Area, measures_for_itself, random_program, shares_a_semaphore, work
from tests.support.slices import slice_of

TINY = CONFIGS["tiny"]
PROGRAMS = 10_000
BATCH = 100
GUARD, SCRATCH, PROGRAM = 256, 512, 16 * 256
MOST_WORK = 60_000
GOOD_SEEDS = (10, 23, 27)


@dataclass(frozen=True)
class Good:
    """A program that works: its `image` from byte `base` on holds it and its data."""

    words: tuple
    image: bytes
    base: int
    program_address: int
    read_window: tuple
    write_window: tuple

    @property
    def end(self):
        return self.base + len(self.image)


def compiled(seed):
    network = random_network(GOOD_SEEDS[seed % len(GOOD_SEEDS)], TINY.columns)
    model = compile_network(network, TINY)
    image = bytes(memory_image(model, random_images(network, seed)[0]))
    return Good(model.words, image, model.base, model.program_address, model.read_window, model.write_window)


def handwritten(seed):
    if seed % 4 == 3:
        # Short enough that random changes of it still fit in memory.
        chains = (write_chain(random_chain(draw, TINY), TINY)[0] for draw in itertools.count(100 * seed))
        program = next(program for program in chains if len(program.words) < 200)
    else:
        program, _ = random_addition_program(seed, TINY, layers=1 + seed % 2)
    image, address, read_window, write_window = program.end()
    return Good(tuple(program.words), bytes(image), ORIGIN, address, read_window, write_window)


class Case:
    """A core whose memory holds a good program with its data, a scratch area, room for a random program, and guards around them."""

    def __init__(self, seed, stall):
        self.model = model = handwritten(seed) if seed % 2 else compiled(seed)
        image = model.image
        guard = bytes(random.Random(seed).randbytes(GUARD))
        self.scratch = model.end, model.end + SCRATCH
        self.program = self.scratch[1]
        self.before = guard + image + bytes(SCRATCH + PROGRAM) + guard
        after = bytearray(image)
        assert Golden(TINY, after, model.base).run(list(model.words), model.read_window, model.write_window).error == 0
        self.expected = guard + bytes(after) + bytes(SCRATCH + PROGRAM) + guard
        self.origin = model.base - GUARD
        self.core = Core(TINY, bytearray(self.before), self.origin, seed, stall)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.core.close()

    def area(self, rng):
        """Return an Area: everything but the guards may be read; the scratch area, the tensors or a few bytes may be written."""
        read = self.model.base, self.program + PROGRAM
        write = rng.choice((self.scratch, *[self.model.write_window] * 3, (self.scratch[0] + 64, self.scratch[0] + 64)))
        return Area(read, write)

    def run_random(self, words, area, limit):
        """Run the program; what it may not touch must be as before, the registers sensible, and no error missing that the golden model sees."""
        self.core.load(self.origin, self.before)
        self.core.load(self.program, isa.to_bytes(words))
        before = self.core.dump()
        self.core.start(self.program, len(words), area.read, area.write)
        assert self.core.wait(limit), f"no interrupt within {limit} cycles; {self.core.broken()}"
        self.core.idle(20)
        status, error, position = (self.core.read(name) for name in ("STATUS", "ERROR", "POSITION"))
        self.core.acknowledge()
        assert not self.core.broken(), self.core.broken()
        assert error in ERRORS and status == (STATUS_DONE | STATUS_ERROR if error else STATUS_DONE), f"status {status}, error {error}"
        assert position <= len(words), f"error {error} at position {position}"
        after = self.core.dump()
        low, high = (address - self.origin for address in area.write)
        assert after[:low] == before[:low] and after[high:] == before[high:], "memory outside the write window changed"
        if error == 0 and not shares_a_semaphore(words) and not measures_for_itself(words):
            golden = Golden(TINY, bytearray(before), self.origin).run(words, area.read, area.write)
            assert golden.error == 0, f"the core ends well, the golden model with error {golden.error} at {golden.position}"

    def run_good(self):
        """Run the good program; everything must be as the golden model leaves it."""
        model = self.model
        self.core.load(self.origin, self.before)
        error, position, _ = self.core.run(model.program_address, len(model.words), model.read_window, model.write_window)
        assert error == 0, f"the good program after it stops with error {error} at {position}"
        assert self.core.dump() == self.expected, "the good program after it gives other outputs"


@pytest.mark.parametrize("seed", slice_of(range(PROGRAMS // BATCH), 4))
def test_random_instructions_neither_hang_nor_harm(seed):
    with Case(seed, stall=(0, 0, 20, 60)[seed % 4]) as case:
        for index in range(BATCH):
            rng = random.Random(f"{seed} {index}")
            area = case.area(rng)
            while True:
                kind, words = random_program(rng, TINY, case.model.words, area)
                bound = work(words, TINY, area.read[1] - area.read[0])
                if bound <= MOST_WORK and 16 * len(words) <= PROGRAM:
                    break
            try:
                case.run_random(words, area, limit=10 * bound + (3 << PATIENCE_BITS))
                case.run_good()
            except AssertionError as failure:
                listing = "\n".join(f"{i}: {isa.disassemble(word)}" for i, word in enumerate(words))
                raise AssertionError(f"batch {seed}, program {index} ({kind}): {failure}\n{listing}") from None


@pytest.mark.parametrize("stall", [0, 40])
@pytest.mark.parametrize("window", [(0, 0), (0xFFFFFFFF, 0), (0x80000000, 0x90000000), (0x41000003, 0x410000C4), (0x41000100, 0x41000000)])
def test_a_program_outside_the_read_window_is_not_read(window, stall):
    with Case(0, stall) as case:
        case.core.start(case.model.program_address, len(case.model.words), window, window)
        assert case.core.wait(10_000)
        assert (case.core.read("ERROR"), case.core.read("POSITION")) == (ERROR_CODES.READ_WINDOW, 0)
        case.core.acknowledge()
        assert case.core.traffic()["read_beats"] == 0 and not case.core.broken()
        case.run_good()


@pytest.mark.parametrize("length", [0, 1, 2, 65535, 65536, 1 << 20, (1 << 32) - 1])
def test_a_length_too_short_or_too_long_stops_with_an_error_and_what_lies_behind_end_does_not_count(length):
    with Case(0, 0) as case:
        case.core.start(case.model.program_address, length, case.model.read_window, case.model.write_window)
        assert case.core.wait(1 << PATIENCE_BITS + 1)
        assert case.core.read("ERROR") == (ERROR_CODES.NONE if length == 65535 else ERROR_CODES.NO_BEGIN)
        case.core.acknowledge()
        assert not case.core.broken()
        case.run_good()
