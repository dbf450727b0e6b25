# SPDX-License-Identifier: BSD-2-Clause
"""Runs jobs: from the doorbell to the interrupt, through success, an error or a deadlock."""

from myhdl import always, always_comb, block, enum, Signal

from accel.hdl.interfaces import flag, unsigned
from accel.registers import ERROR_CODES

SETTLE_CYCLES, PATIENCE_BITS = 12, 14


@block
def control(clk, rst, job, clear, stop, ended, end_position, quiet, streams_empty, bus_idle, progress, stuck_position, faults, irq):
    """clear (out, flag): the engines' reset, high whenever no job runs. stop (out, flag): a fault was seen, begin nothing more.

    job (JobRegisters). ended, end_position (in): the program's END. quiet (in, flag): queues empty, engines idle. streams_empty (in, flag):
    both FIFOs. bus_idle (in, flag): no memory request is under way. progress (in, flag): something moved. stuck_position (in, unsigned 16):
    the instruction to name when nothing does for 2**PATIENCE_BITS cycles. faults (in, list of Faults): where two come in the same cycle, the
    first of the list is reported. irq (out, flag): done, until acknowledged.
    """
    state_type = enum("IDLE", "RUN", "STOPPING")
    state = Signal(state_type.IDLE)
    settled, patience = unsigned(4), unsigned(PATIENCE_BITS)
    deadlock, leftover, settle, impatient = ERROR_CODES.DEADLOCK, ERROR_CODES.LEFTOVER, SETTLE_CYCLES, (1 << PATIENCE_BITS) - 1
    fault_0, fault_1, fault_2, fault_3, fault_4, fault_5 = faults

    @always_comb
    def tell():
        clear.next = state == state_type.IDLE
        stop.next = state == state_type.STOPPING
        job.busy.next = state != state_type.IDLE
        irq.next = job.done

    @always(clk.posedge)
    def run():
        if job.acknowledge:
            job.done.next = False
            job.failed.next = False
        if state == state_type.IDLE:
            settled.next = 0
            patience.next = 0
            if job.start:
                state.next = state_type.RUN
                job.done.next = False
                job.failed.next = False
                job.error.next = 0
                job.position.next = 0
                job.detail.next = 0
                job.cycles.next = 0
        else:
            job.cycles.next = job.cycles + 1
        if state == state_type.RUN:
            if progress or not bus_idle:
                patience.next = 0
            else:
                patience.next = patience + 1
            if ended and quiet and bus_idle:
                settled.next = settled + 1
            else:
                settled.next = 0
            if fault_0.valid:
                state.next = state_type.STOPPING
                settled.next = 0
                job.error.next = fault_0.code
                job.position.next = fault_0.position
                job.detail.next = fault_0.detail
            elif fault_1.valid:
                state.next = state_type.STOPPING
                settled.next = 0
                job.error.next = fault_1.code
                job.position.next = fault_1.position
                job.detail.next = fault_1.detail
            elif fault_2.valid:
                state.next = state_type.STOPPING
                settled.next = 0
                job.error.next = fault_2.code
                job.position.next = fault_2.position
                job.detail.next = fault_2.detail
            elif fault_3.valid:
                state.next = state_type.STOPPING
                settled.next = 0
                job.error.next = fault_3.code
                job.position.next = fault_3.position
                job.detail.next = fault_3.detail
            elif fault_4.valid:
                state.next = state_type.STOPPING
                settled.next = 0
                job.error.next = fault_4.code
                job.position.next = fault_4.position
                job.detail.next = fault_4.detail
            elif fault_5.valid:
                state.next = state_type.STOPPING
                settled.next = 0
                job.error.next = fault_5.code
                job.position.next = fault_5.position
                job.detail.next = fault_5.detail
            elif settled == settle:
                if streams_empty:
                    state.next = state_type.IDLE
                    job.done.next = True
                else:
                    state.next = state_type.STOPPING
                    settled.next = 0
                    job.error.next = leftover
                    job.position.next = end_position
            elif patience == impatient:
                state.next = state_type.STOPPING
                settled.next = 0
                job.error.next = deadlock
                job.position.next = stuck_position
        elif state == state_type.STOPPING:
            if bus_idle:
                settled.next = settled + 1
            else:
                settled.next = 0
            if settled == settle:
                state.next = state_type.IDLE
                job.done.next = True
                job.failed.next = True
        if rst:
            state.next = state_type.IDLE
            job.done.next = False
            job.failed.next = False

    return tell, run
