# SPDX-License-Identifier: BSD-2-Clause
"""The store engine: moves beats of the output FIFO to memory in bursts, copies them into buffers, measures them, and sums their checksum."""

from myhdl import always, always_comb, block, concat

from accel import isa
from accel.hdl.burst import Burst, next_burst
from accel.hdl.delay import delay
from accel.hdl.fields import semaphore_mask, span
from accel.hdl.fifo import fifo
from accel.hdl.interfaces import Stream, flag, unsigned
from accel.hdl.store_copy import ADDRESS_BITS, store_copy
from accel.hdl.store_measure import store_measure
from accel.registers import ERROR_CODES

ANSWERS = 16


@block
def rotate_in(data, sum_in, sum_out, beat_bytes):
    """sum_out (out): the checksum sum_in with the beat `data` taken in, see docs/architecture.md. Combinational."""
    words = beat_bytes // 4
    if words == 1:
        @always_comb
        def mix():
            sum_out.next = concat(sum_in[31:], sum_in[31]) ^ data[32:]
    elif words == 2:
        @always_comb
        def mix():
            sum_out.next = concat(sum_in[31:], sum_in[31]) ^ data[32:] ^ concat(data[57:32], data[64:57])
    else:
        @always_comb
        def mix():
            sum_out.next = (concat(sum_in[31:], sum_in[31]) ^ data[32:] ^ concat(data[57:32], data[64:57])
                            ^ concat(data[82:64], data[96:82]) ^ concat(data[107:96], data[128:107]))

    return mix


@block
def store_engine(clk, clear, stop, instructions, beats, level, window_base, window_limit, awaddr, awlen, awvalid, awready, wdata, wlast,
                 wvalid, wready, bresp, bvalid, hold, copy_write, copy_give, measured, give, closes, bytes_written, checksum, idle, bus_idle, fault,
                 config):
    """Executes STORE and LAYER.

    instructions (in, InstructionStream). beats (in, Stream), level (in): the output FIFO; a burst begins when all of it is there.
    awaddr ... bvalid: AXI; bready is always high. give (out, unsigned 8): when memory has answered all writes of a STORE.
    hold (out, flag), copy_write (out, BufferWrite), copy_give (out, unsigned 8): as in store_copy. measured (out, MaskWrite): as in store_measure.
    closes (out, flag): a LAYER passes, everything before it is in memory; bytes_written, checksum (out, unsigned 32) are of that layer.
    bus_idle (out, flag): no write is under way. fault (out, Fault): BAD_FIELD, WRITE_WINDOW, BUS_WRITE, BUFFER.
    """
    store_code = isa.OPCODES.STORE
    bad_field, window_code, bus_code = ERROR_CODES.BAD_FIELD, ERROR_CODES.WRITE_WINDOW, ERROR_CODES.BUS_WRITE
    buffer_code, clusters = ERROR_CODES.BUFFER, config.clusters
    address_high, address_low = span("STORE", "address")
    beats_high, beats_low = span("STORE", "beats")
    clusters_high, clusters_low = span("STORE", "copy_clusters")
    _, measure_bit = span("STORE", "measure")
    plane_high, plane_low = span("STORE", "mask_plane")
    part_bits = (isa.MASK_WORDS * config.beats_per_word - 1).bit_length()
    opcode_bits, beat_bytes, beat_shift = isa.OPCODE.bits, config.beat_bytes, (config.beat_bytes - 1).bit_length()
    word = instructions.word
    looked, bad, act, is_store, active, cutting, checking, cut, moving, last_burst = (flag() for _ in range(10))
    mask, gives, position = unsigned(8), unsigned(8), unsigned(16)
    left_bits = beats_high - beats_low
    address, left, burst = unsigned(32), unsigned(left_bits), Burst(config, left_bits)
    take, last_beat, beyond, beyond_position, beyond_address = flag(), flag(), flag(), unsigned(16), unsigned(ADDRESS_BITS)
    beats_left, moved, beat_1 = unsigned(7), flag(), unsigned(8 * config.columns)
    pending_in, pending, answers = Stream(25), Stream(25), unsigned(ANSWERS.bit_length())
    next_sum, begin = unsigned(32), flag()
    masks = semaphore_mask(word, mask)
    late = delay(clk, beats.data, beat_1, 1)
    queue = fifo(clk, clear, pending_in, pending, answers, ANSWERS)
    cutter = next_burst(clk, address, left, window_base, window_limit, burst, config)
    copier = store_copy(clk, clear, word, take, gives, position, begin, last_burst, moved, last_beat, beat_1, hold, copy_write, copy_give,
                        beyond, beyond_position, beyond_address, config)
    measurer = store_measure(clk, clear, word, take, begin, last_burst, moved, last_beat, beat_1, measured, config)
    mixer = rotate_in(beats.data, checksum, next_sum, beat_bytes)

    @always(clk.posedge)
    def look():
        looked.next = instructions.valid and not act
        is_store.next = word[opcode_bits:] == store_code
        bad.next = word[opcode_bits:] == store_code and (
            word[beats_high:beats_low] == 0 or word[address_low + beat_shift:address_low] != 0
            or (word[clusters_high:clusters_low] >> clusters) != 0
            or (word[measure_bit] and (word[plane_high:plane_low] >> part_bits) != 0))
        if clear:
            looked.next = False

    @always_comb
    def go():
        act.next = instructions.valid and looked and not bad and not stop and not active and (is_store or (answers == 0 and not moving))

    @always_comb
    def decide():
        instructions.ready.next = act
        begin.next = cut and not burst.outside and not moving and not awvalid and pending_in.ready and level > burst.top and not stop
        last_burst.next = burst.rest_beats == 0
        moved.next = moving and beats.valid and wready
        last_beat.next = beats_left == 0
        take.next = act and is_store
        idle.next = not active and not moving and answers == 0 and not looked
        bus_idle.next = not moving and not awvalid and answers == 0

    @always_comb
    def move():
        wvalid.next = moving and beats.valid
        wdata.next = beats.data
        wlast.next = beats_left == 0
        beats.ready.next = moving and wready
        pending_in.valid.next = begin
        pending_in.data.next = concat(position, last_burst, gives)
        pending.ready.next = bvalid

    @always(clk.posedge)
    def run():
        cutting.next = False
        checking.next = cutting
        if awready:
            awvalid.next = False
        if act and is_store:
            active.next = True
            cutting.next = True
            address.next = word[address_high:address_low]
            left.next = word[beats_high:beats_low]
            gives.next = mask
            position.next = instructions.position
        elif checking:
            cut.next = True
        elif begin:
            awvalid.next = True
            awaddr.next = burst.address
            awlen.next = burst.top
            address.next = burst.rest_address
            left.next = burst.rest_beats
            cut.next = False
            if last_burst:
                active.next = False
            else:
                cutting.next = True
        if clear:
            active.next = False
            awvalid.next = False
            cutting.next = False
            checking.next = False
            cut.next = False

    @always(clk.posedge)
    def move_beats():
        if begin:
            moving.next = True
            beats_left.next = burst.top
        elif moved:
            if beats_left == 0:
                moving.next = False
            else:
                beats_left.next = beats_left - 1
        if clear:
            moving.next = False

    @always(clk.posedge)
    def count():
        closes.next = act and not is_store
        if closes:
            bytes_written.next = 0
            checksum.next = 0
        elif moved:
            bytes_written.next = bytes_written + beat_bytes
            checksum.next = next_sum
        give.next = 0
        if bvalid and pending.data[8]:
            give.next = pending.data[8:]
        if clear:
            bytes_written.next = 0
            checksum.next = 0
            closes.next = False
            give.next = 0

    @always(clk.posedge)
    def report():
        if not fault.valid:
            if bvalid and bresp != 0:
                fault.valid.next = True
                fault.code.next = bus_code
                fault.position.next = pending.data[25:9]
            elif cut and burst.outside:
                fault.valid.next = True
                fault.code.next = window_code
                fault.position.next = position
                fault.detail.next = burst.address
            elif beyond:
                fault.valid.next = True
                fault.code.next = buffer_code
                fault.position.next = beyond_position
                fault.detail.next = beyond_address
            elif instructions.valid and looked and bad:
                fault.valid.next = True
                fault.code.next = bad_field
                fault.position.next = instructions.position
        if clear:
            fault.valid.next = False
            fault.detail.next = 0

    return masks, late, queue, cutter, copier, measurer, mixer, look, go, decide, move, run, move_beats, count, report
