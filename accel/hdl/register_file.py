# SPDX-License-Identifier: BSD-2-Clause
"""The core's registers and records as a Wishbone slave, one access at a time."""

from myhdl import always, always_comb, block

from accel.hdl.interfaces import flag, unsigned
from accel.isa import ISA_VERSION
from accel.registers import CONTROL_ACKNOWLEDGE, CONTROL_START, FILTERS_OFFSET, IDENTIFICATION, OFFSETS, RECORDS_OFFSET


class JobRegisters:
    """What firmware sets (byte addresses, instructions), pulses `start` and `acknowledge`, and what the job answers."""

    def __init__(self):
        self.program, self.length = unsigned(32), unsigned(32)
        self.read_base, self.read_limit, self.write_base, self.write_limit = (unsigned(32) for _ in range(4))
        self.start, self.acknowledge = flag(), flag()
        self.busy, self.done, self.failed = flag(), flag(), flag()
        self.error, self.position = unsigned(8), unsigned(16)
        self.cycles, self.detail = unsigned(32), unsigned(32)


@block
def register_file(clk, rst, adr, dat_w, sel, cyc, stb, we, dat_r, ack, job, record_address, record_data, filter_write, filter_address,
                  filter_write_data, filter_data, config):
    """adr counts 32-bit words. A write of less than all four bytes changes nothing. Acknowledges after four cycles.

    job (JobRegisters). record_address (out), record_data (in, two cycles later): the records' memory. filter_write, filter_address,
    filter_write_data (out), filter_data (in, two cycles after the address): the run-time filter mask.
    """
    o = OFFSETS
    id_, version, hash_, control, status, error = (x // 4 for x in (o.ID, o.ISA_VERSION, o.CONFIG_HASH, o.CONTROL, o.STATUS, o.ERROR))
    position, program, length = o.POSITION // 4, o.PROGRAM // 4, o.LENGTH // 4
    read_base, read_limit, write_base, write_limit = (x // 4 for x in (o.READ_BASE, o.READ_LIMIT, o.WRITE_BASE, o.WRITE_LIMIT))
    cycles, detail = o.CYCLES // 4, o.DETAIL // 4
    records, filters = RECORDS_OFFSET // 4, FILTERS_OFFSET // 4
    identification, isa_version, config_hash = IDENTIFICATION, ISA_VERSION, config.hash
    start_bit, acknowledge_bit = CONTROL_START.bit_length() - 1, CONTROL_ACKNOWLEDGE.bit_length() - 1
    phase, word, value = unsigned(3), unsigned(12), unsigned(32)

    @always(clk.posedge)
    def answer():
        ack.next = False
        job.start.next = False
        job.acknowledge.next = False
        filter_write.next = False
        filter_write_data.next = dat_w
        if cyc and stb and not ack:
            phase.next = phase + 1
            word.next = adr
            if phase == 4:
                phase.next = 0
                ack.next = True
                dat_r.next = value
                if word >= filters:
                    dat_r.next = filter_data
                elif word >= records:
                    dat_r.next = record_data
                if we and sel == 15:
                    filter_write.next = word >= filters
                    if word == control:
                        job.start.next = dat_w[start_bit]
                        job.acknowledge.next = dat_w[acknowledge_bit]
                    elif word == program:
                        job.program.next = dat_w
                    elif word == length:
                        job.length.next = dat_w
                    elif word == read_base:
                        job.read_base.next = dat_w
                    elif word == read_limit:
                        job.read_limit.next = dat_w
                    elif word == write_base:
                        job.write_base.next = dat_w
                    elif word == write_limit:
                        job.write_limit.next = dat_w
        else:
            phase.next = 0
        if rst:
            phase.next = 0
            ack.next = False
            job.start.next = False
            job.acknowledge.next = False

    @always_comb
    def address():
        record_address.next = word[10:]
        filter_address.next = word[10:]

    @always(clk.posedge)
    def read():
        value.next = 0
        if word == id_:
            value.next = identification
        elif word == version:
            value.next = isa_version
        elif word == hash_:
            value.next = config_hash
        elif word == status:
            value.next[0] = job.busy
            value.next[1] = job.done
            value.next[2] = job.failed
        elif word == error:
            value.next = job.error
        elif word == position:
            value.next = job.position
        elif word == program:
            value.next = job.program
        elif word == length:
            value.next = job.length
        elif word == read_base:
            value.next = job.read_base
        elif word == read_limit:
            value.next = job.read_limit
        elif word == write_base:
            value.next = job.write_base
        elif word == write_limit:
            value.next = job.write_limit
        elif word == cycles:
            value.next = job.cycles
        elif word == detail:
            value.next = job.detail

    return answer, address, read
