# SPDX-License-Identifier: BSD-2-Clause
"""A gate lets an instruction pass only when its semaphores are there, and takes each once."""

import numpy as np
import pytest

from accel import isa
from accel.core import gather_flags
from accel.hdl.interfaces import InstructionStream, Stream, flag, unsigned
from accel.hdl.semaphores import instruction_gate, semaphore, waiting_opcodes
from tests.support.bench import Source, run_block

WAITS = [(0, 0), (1, 0), (2, 3), (3, 3), (0, 1), (1, 2)]


def encode_wait(number):
    return 0 if number == 0 else isa.semaphore(number)


@pytest.mark.parametrize("ready_stall", [0, 60])
def test_instructions_pass_in_order_when_their_semaphores_have_been_given(ready_stall):
    seed = 13
    rng = np.random.default_rng(seed)
    names = ["CONV", "SHAPE", "CONV", "POOL", "LAYER", "POOL"] * 5
    program = [isa.encode(name, **({"wait_a": encode_wait(a), "wait_b": encode_wait(b)} if isa.BY_NAME[name].has_sync else {}))
               for name, (a, b) in zip(names, WAITS * 5, strict=True)]
    clk, clear, available, waiting = flag(), flag(), unsigned(8), flag()
    queue, instructions = Stream(144), InstructionStream()
    gives, takes = [unsigned(8) for _ in range(5)], [unsigned(8) for _ in range(4)]
    there = [flag() for _ in range(8)]
    blocks = ([semaphore(clk, clear, n, gives, takes, there[n]) for n in range(8)], gather_flags(there, available),
              instruction_gate(clk, clear, queue, instructions, available, takes[0], waiting, waiting_opcodes("compute")))
    source = Source(queue, [position << 128 | word for position, word in enumerate(program)], seed, 20)
    counts, passed, taken = np.zeros(8, int), [], [set()]

    def drive(cycle):
        source.drive()
        instructions.ready.next = bool(rng.integers(100) >= ready_stall)
        for give in gives:
            give.next = int(rng.integers(256)) & int(rng.integers(256)) & int(rng.integers(256)) & 0b1110

    def sample(cycle):
        assert int(takes[0]) == sum(1 << n for n in taken.pop()), "taken in the cycle after it passed, and only then"
        taken.append(set())
        if instructions.valid and instructions.ready:
            position = int(instructions.position)
            values = isa.decode(int(instructions.word))[1]
            needs = {values.get(name, 0) - 8 for name in ("wait_a", "wait_b")} - {-8}
            assert all(counts[n] > 0 for n in needs), f"instruction {position} passed without its semaphores, seed {seed}"
            taken[-1] = needs
            passed.append(position)
            for n in needs:
                counts[n] -= 1
        source.sample()
        for give in gives:
            for n in range(8):
                counts[n] += int(give) >> n & 1

    run_block(clk, blocks, 200, drive, sample)
    assert passed == list(range(len(program)))
