# SPDX-License-Identifier: BSD-2-Clause
"""Runs jobs: from the doorbell to the interrupt, through success, an error or a deadlock."""

from myhdl import always, always_comb, block, enum, Signal

from accel.hdl.interfaces import Fault, flag, unsigned
from accel.registers import ERROR_CODES

SETTLE_CYCLES, PATIENCE_BITS = 12, 14


@block
def choose_fault(first, second, last, chosen):
    """chosen (out, Fault): second with last (in, flag), else first. Combinational."""

    @always_comb
    def choose():
        chosen.valid.next = second.valid if last else first.valid
        chosen.code.next = second.code if last else first.code
        chosen.position.next = second.position if last else first.position
        chosen.detail.next = second.detail if last else first.detail

    return choose


@block
def find_fault(clk, clear, faults, found):
    """found (out, Fault): the report of one of eight Faults (in), each looked at in every eighth cycle; `valid` only in the cycle after."""
    turn, bits = unsigned(3), [flag() for _ in range(3)]
    bit_0, bit_1, bit_2 = bits
    pairs, quads, now = [Fault() for _ in range(4)], [Fault() for _ in range(2)], Fault()
    first = [choose_fault(faults[2 * i], faults[2 * i + 1], bits[0], pairs[i]) for i in range(4)]
    second = [choose_fault(pairs[2 * i], pairs[2 * i + 1], bits[1], quads[i]) for i in range(2)]
    third = choose_fault(quads[0], quads[1], bits[2], now)

    @always_comb
    def split():
        bit_0.next = turn[0]
        bit_1.next = turn[1]
        bit_2.next = turn[2]

    @always(clk.posedge)
    def look():
        turn.next = (turn + 1) & 7
        found.valid.next = now.valid and not clear
        found.code.next = now.code
        found.position.next = now.position
        found.detail.next = now.detail

    return first, second, third, split, look


@block
def own_faults(end_position, stuck_position, settled, patient, streams_empty, leftover, deadlock):
    """leftover, deadlock (out, Faults): the two errors that no engine sees. Combinational."""
    leftover_code, deadlock_code = ERROR_CODES.LEFTOVER, ERROR_CODES.DEADLOCK

    @always_comb
    def name():
        leftover.valid.next = settled and not streams_empty
        leftover.code.next = leftover_code
        leftover.position.next = end_position
        leftover.detail.next = 0
        deadlock.valid.next = not patient
        deadlock.code.next = deadlock_code
        deadlock.position.next = stuck_position
        deadlock.detail.next = 0

    return name


@block
def control(clk, rst, job, clear, stop, ended, end_position, quiet, streams_empty, bus_idle, progress, stuck_position, faults, irq):
    """clear (out, flag): the engines' reset, high whenever no job runs. stop (out, flag): a fault was seen, begin nothing more.

    job (JobRegisters). ended, end_position (in): the program's END. quiet (in, flag): queues empty, engines idle. streams_empty (in, flag):
    the FIFOs. bus_idle (in, flag): no memory request is under way. progress (in, flag): something moved. stuck_position (in, unsigned 16):
    the instruction to name when nothing does for 2**PATIENCE_BITS cycles. faults (in, six Faults): where several come within a few cycles,
    one of them is reported. irq (out, flag): done, until acknowledged.
    """
    state_type = enum("IDLE", "RUN", "STOPPING")
    state = Signal(state_type.IDLE)
    waited, patience, settled, patient, still, stands = unsigned(4), unsigned(PATIENCE_BITS), flag(), flag(True), flag(), flag()
    settle, impatient = SETTLE_CYCLES, (1 << PATIENCE_BITS) - 1
    leftover, deadlock, found = Fault(), Fault(), Fault()

    own = own_faults(end_position, stuck_position, settled, patient, streams_empty, leftover, deadlock)
    finder = find_fault(clk, clear, [*faults, leftover, deadlock], found)

    @always_comb
    def tell():
        clear.next = state == state_type.IDLE
        stop.next = state == state_type.STOPPING
        job.busy.next = state != state_type.IDLE
        irq.next = job.done

    @always_comb
    def judge():
        still.next = (state == state_type.RUN and ended and quiet and bus_idle) or (state == state_type.STOPPING and bus_idle)
        stands.next = state == state_type.RUN and bus_idle and not progress

    @always(clk.posedge)
    def wait():
        settled.next = still and waited == settle
        if not still:
            waited.next = 0
        elif waited != settle:
            waited.next = waited + 1
        patient.next = not stands or patience != impatient
        if not stands:
            patience.next = 0
        elif patience != impatient:
            patience.next = patience + 1

    @always(clk.posedge)
    def count_cycles():
        if state != state_type.IDLE:
            job.cycles.next = job.cycles + 1
        elif job.start:
            job.cycles.next = 0

    @always(clk.posedge)
    def run():
        if job.acknowledge:
            job.done.next = False
            job.failed.next = False
        if state == state_type.IDLE:
            if job.start:
                state.next = state_type.RUN
                job.done.next = False
                job.failed.next = False
                job.error.next = 0
                job.position.next = 0
                job.detail.next = 0
        elif state == state_type.RUN:
            if found.valid:
                state.next = state_type.STOPPING
                job.error.next = found.code
                job.position.next = found.position
                job.detail.next = found.detail
            elif settled and streams_empty:
                state.next = state_type.IDLE
                job.done.next = True
        elif settled:
            state.next = state_type.IDLE
            job.done.next = True
            job.failed.next = True
        if rst:
            state.next = state_type.IDLE
            job.done.next = False
            job.failed.next = False

    return own, finder, tell, judge, wait, count_cycles, run
