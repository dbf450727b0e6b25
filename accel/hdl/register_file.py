# SPDX-License-Identifier: BSD-2-Clause
"""The core's registers and records as a Wishbone slave, one access at a time."""

from myhdl import always, always_comb, block

from accel.hdl.interfaces import flag, unsigned
from accel.isa import ISA_VERSION
from accel.registers import CONTROL_ACKNOWLEDGE, CONTROL_START, FILTERS_OFFSET, IDENTIFICATION, OFFSETS, RECORDS_OFFSET, REGISTERS

# The registers that keep what is written to them stand together.
FIRST_KEPT, LAST_KEPT = OFFSETS.PROGRAM // 4, OFFSETS.WRITE_LIMIT // 4


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
def kept_register(clk, write, word, dat_w, target, offset):
    """target (out, unsigned 32) takes dat_w (in) with write (in, flag) where word (in) is that of byte `offset`."""
    number = offset // 4

    @always(clk.posedge)
    def keep():
        if write and word == number:
            target.next = dat_w

    return keep


@block
def read_back(clk, write, word, dat_w, value):
    """value (out, unsigned 32) is, a cycle later, what was written at word (in) with write (in, flag); 0 where nothing can be written."""
    memory = [unsigned(32) for _ in range(1 << (len(REGISTERS) - 1).bit_length())]
    address_bits = (len(memory) - 1).bit_length()
    first, last = FIRST_KEPT, LAST_KEPT

    @always(clk.posedge)
    def store():
        if write:
            memory[word[address_bits:]].next = dat_w

    @always(clk.posedge)
    def fetch():
        value.next = memory[word[address_bits:]]
        if word < first or word > last:
            value.next = 0

    return store, fetch


@block
def register_file(clk, rst, adr, dat_w, sel, cyc, stb, we, dat_r, ack, job, record_address, record_data, filter_write, filter_address,
                  filter_data, config):
    """adr counts 32-bit words. A write of less than all four bytes changes nothing. Acknowledges after five cycles.

    job (JobRegisters). record_address (out), record_data (in, two cycles later): the records' memory. filter_write (out, flag; the data are
    dat_w), filter_address (out), filter_data (in, two cycles after the address): the run-time filter mask.
    """
    o = OFFSETS
    control, status, error, position = o.CONTROL // 4, o.STATUS // 4, o.ERROR // 4, o.POSITION // 4
    cycles, detail, records, filters = o.CYCLES // 4, o.DETAIL // 4, RECORDS_OFFSET // 4, FILTERS_OFFSET // 4
    first_kept, last_kept = FIRST_KEPT, LAST_KEPT
    id_, version, hash_ = o.ID // 4, o.ISA_VERSION // 4, o.CONFIG_HASH // 4
    identification, isa_version, config_hash = IDENTIFICATION, ISA_VERSION, config.hash
    start_bit, acknowledge_bit = CONTROL_START.bit_length() - 1, CONTROL_ACKNOWLEDGE.bit_length() - 1
    phase, word, write, keep, write_control = unsigned(3), unsigned(12), flag(), flag(), flag()
    kept, small, live = unsigned(32), unsigned(32), unsigned(3)

    registers = [kept_register(clk, keep, word, dat_w, getattr(job, name), getattr(o, name.upper()))
                 for name in ("program", "length", "read_base", "read_limit", "write_base", "write_limit")]
    mirror = read_back(clk, keep, word, dat_w, kept)

    @always(clk.posedge)
    def answer():
        ack.next = False
        write.next = False
        if cyc and stb and not ack:
            phase.next = phase + 1
            word.next = adr
            if phase == 2:
                write.next = we and sel == 15
            if phase == 4:
                phase.next = 0
                ack.next = True
        else:
            phase.next = 0
        if rst:
            phase.next = 0
            ack.next = False
            write.next = False

    @always(clk.posedge)
    def decode():
        keep.next = write and word >= first_kept and word <= last_kept
        write_control.next = write and word == control
        filter_write.next = write and word >= filters

    @always_comb
    def ring():
        job.start.next = write_control and dat_w[start_bit]
        job.acknowledge.next = write_control and dat_w[acknowledge_bit]

    @always_comb
    def address():
        record_address.next = word[10:]
        filter_address.next = word[10:]

    @always(clk.posedge)
    def choose():
        # A read takes time enough for two steps.
        small.next = 0
        live.next = 0
        if word == status:
            small.next[0] = job.busy
            small.next[1] = job.done
            small.next[2] = job.failed
        elif word == error:
            small.next = job.error
        elif word == position:
            small.next = job.position
        elif word == id_:
            small.next = identification
        elif word == version:
            small.next = isa_version
        elif word == hash_:
            small.next = config_hash
        if word >= filters:
            live.next = 4
        elif word >= records:
            live.next = 1
        elif word == cycles:
            live.next = 2
        elif word == detail:
            live.next = 3

    @always(clk.posedge)
    def read():
        if live == 1:
            dat_r.next = record_data
        elif live == 2:
            dat_r.next = job.cycles
        elif live == 3:
            dat_r.next = job.detail
        elif live == 4:
            dat_r.next = filter_data
        else:
            dat_r.next = kept | small

    return registers, mirror, answer, decode, ring, address, choose, read
