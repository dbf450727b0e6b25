# SPDX-License-Identifier: BSD-2-Clause
"""The memory of the timing model: rows, banks, turns between reads and writes, refreshes."""

from compiler.timing.dram import DramTimings, Memory
from compiler.timing.events import Events

NEVER = 10 ** 9
TIMINGS = DramTimings(phase=NEVER)
BEAT, ROW = 16, TIMINGS.row_bytes


def served(requests, timings=TIMINGS):
    """Return the cycle of the last beat (of a write: of the answer) of each request (cycle, address, beats, whether it writes)."""
    events, cycles = Events(), {}
    memory = Memory(events, timings, BEAT)
    events.start(memory.serve())
    for i, (cycle, address, beats, write) in enumerate(requests):
        def ask(i=i, address=address, beats=beats, write=write):
            if write:
                memory.write(address, beats, lambda answer: cycles.__setitem__(i, answer))
            else:
                memory.read(address, beats, lambda first, last: cycles.__setitem__(i, last))
        events.at(cycle, ask)
    events.run()
    return [cycles[i] for i in range(len(requests))]


def test_bursts_of_one_row_follow_each_other_without_a_gap():
    ends = served([(0, i * 16 * BEAT, 16, False) for i in range(8)])
    assert [b - a for a, b in zip(ends, ends[1:])] == [16] * 7


def test_another_bank_costs_a_little_another_row_of_the_bank_more():
    first, same = served([(0, 0, 16, False), (200, 256, 16, False)])
    _, bank = served([(0, 0, 16, False), (200, ROW, 16, False)])
    _, row = served([(0, 0, 16, False), (200, TIMINGS.banks * ROW, 16, False)])
    assert first < same < bank < row


def test_writes_between_reads_cost_the_turns_of_the_bus():
    reads = served([(0, i * 256, 16, False) for i in range(3)])
    mixed = served([(0, 0, 16, False), (1, 256, 16, True), (2, 512, 16, False)])
    assert mixed[2] >= reads[2] + TIMINGS.to_write + TIMINGS.to_read


def test_reads_and_writes_that_both_wait_take_turns():
    requests = [(0, i * 256, 16, False) for i in range(4)] + [(1, 4096 + i * 256, 16, True) for i in range(4)]
    ends = served(requests)
    order = sorted(range(8), key=ends.__getitem__)
    assert all((a < 4) != (b < 4) for a, b in zip(order, order[1:]))


def test_a_refresh_holds_everything_up_and_closes_the_rows():
    timings = DramTimings(phase=300)
    before, after = served([(0, 0, 16, False), (320, 256, 16, False)], timings)
    assert before == served([(0, 0, 16, False)])[0]
    assert after >= 300 + timings.refresh + timings.activate + 16
    burst, = served([(295, 0, 16, False)], timings)
    assert burst >= 300 + timings.refresh + timings.activate


def test_long_reads_lose_as_much_to_refreshes_as_these_take():
    count = 4000
    spent = served([(0, i * 256 % ROW, 16, False) for i in range(count)], DramTimings())[-1]
    share = DramTimings.refresh / DramTimings.refresh_period
    assert 16 * count * (1 + share) < spent < 16 * count * (1 + 1.4 * share)
