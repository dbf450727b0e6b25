# SPDX-License-Identifier: BSD-2-Clause
"""The load engine: asks memory for the rows of a LOAD while the rows of the one before still arrive."""

from myhdl import always, always_comb, block

from accel import isa
from accel.hdl.fields import semaphore_mask
from accel.hdl.fifo import fifo
from accel.hdl.interfaces import Fault, Stream, flag, unsigned
from accel.hdl.load_writer import LoadJob, load_writer
from accel.hdl.settings import Settings, settings_register
from accel.registers import ERROR_CODES


@block
def load_engine(clk, clear, stop, hold, instructions, request, freed, beat_valid, beat, buffer_write, operands, tables, give, closes, bytes_read,
                idle, fault, config):
    """Executes LOAD_SHAPE, LOAD and LAYER.

    instructions (in, InstructionStream). request (out, ReadRequest), freed (out, flag), beat_valid, beat (in): the read arbiter.
    hold (in), buffer_write, tables (out), operands: as in load_writer. give (out, unsigned 8): one pulse a semaphore. closes (out, flag): a
    LAYER passes, everything before it is where it belongs; bytes_read (out, unsigned 32) counts since the LAYER before.
    fault (out, Fault): BAD_FIELD, BUFFER.
    """
    op = isa.OPCODES
    shape_code, load_code = op.LOAD_SHAPE, op.LOAD
    bad_field, opcode_bits = ERROR_CODES.BAD_FIELD, isa.OPCODE.bits
    beat_bytes, beat_shift = config.beat_bytes, (config.beat_bytes - 1).bit_length()
    depth = config.load_fifo_beats
    shape, load = Settings("LOAD_SHAPE"), Settings("LOAD")
    job, clusters = LoadJob(config), config.clusters
    write_shape, write_load, looked, act, active, handed, hand, writer_free, shaped, bad = (flag() for _ in range(10))
    sized, asking, shape_seen, shapeless, shape_position = flag(), flag(), flag(), flag(), unsigned(16)
    last_byte = beat_bytes - 1
    opcode, mask, word = unsigned(6), unsigned(8), instructions.word
    row_address, rows_left = unsigned(32), unsigned(12)
    arrivals, beats, level = Stream(8 * beat_bytes), Stream(8 * beat_bytes), unsigned(depth.bit_length())
    writer_fault = Fault()

    registers = [settings_register(clk, write_shape, word, shape), settings_register(clk, write_load, word, load)]
    masks = semaphore_mask(word, mask)
    queue = fifo(clk, clear, arrivals, beats, level, depth)
    writer = load_writer(clk, clear, stop, hold, hand, job, writer_free, beats, buffer_write, operands, tables, give, writer_fault, config)

    @always_comb
    def decode():
        opcode.next = word[opcode_bits:]
        idle.next = not active and writer_free and not looked and not shape_seen and not shapeless

    @always_comb
    def go():
        act.next = instructions.valid and looked and not active and not fault.valid and not stop and (
            opcode == shape_code or opcode == load_code or writer_free)

    @always_comb
    def answer():
        instructions.ready.next = act
        write_shape.next = act and opcode == shape_code
        write_load.next = act and opcode == load_code

    @always(clk.posedge)
    def take():
        looked.next = instructions.valid and not act
        shape_seen.next = False
        shapeless.next = shape_seen and shape.item_bytes == 0
        closes.next = act and opcode != shape_code and opcode != load_code
        if act and opcode == shape_code:
            shaped.next = True
            shape_position.next = instructions.position
            shape_seen.next = True
        if clear:
            shape_seen.next = False
            looked.next = False
            closes.next = False
            shaped.next = False

    @always(clk.posedge)
    def ask():
        if act and opcode == load_code:
            active.next = True
            sized.next = False
            asking.next = False
            handed.next = False
            job.give.next = mask
            job.position.next = instructions.position
        elif active and not sized:
            row_address.next = load.address
            rows_left.next = load.rows
            sized.next = True
        elif active and not bad:
            if hand:
                handed.next = True
            if request.ready and asking:
                row_address.next = row_address + shape.source_pitch
                rows_left.next = rows_left - 1
                asking.next = False
            elif rows_left != 0:
                asking.next = True
            if rows_left == 0 and handed:
                active.next = False
        if clear:
            active.next = False
            asking.next = False

    @always_comb
    def check():
        bad.next = not shaped or load.rows == 0 or load.length == 0 or (load.clusters >> clusters) != 0 or load.target == 3

    @always_comb
    def put_out():
        hand.next = active and sized and not bad and not handed and writer_free and not stop
        request.valid.next = asking
        request.address.next = (row_address >> beat_shift) << beat_shift
        request.beats.next = (load.length + row_address[beat_shift:] + last_byte) >> beat_shift
        request.position.next = job.position
        arrivals.valid.next = beat_valid
        arrivals.data.next = beat
        freed.next = beats.valid and beats.ready

    @always(clk.posedge)
    def describe():
        job.first.next = load.address[beat_shift:]
        job.pitch.next = shape.source_pitch[beat_shift:]
        job.item_top.next = (shape.item_bytes - 1) & 0xFFFF

    @always_comb
    def describe_job():
        job.item_bytes.next = shape.item_bytes
        job.item_step.next = shape.item_step
        job.row_step.next = shape.row_step
        job.rows.next = load.rows
        job.length.next = load.length
        job.destination.next = load.destination
        job.clusters.next = load.clusters
        job.target.next = load.target

    @always(clk.posedge)
    def count():
        if closes:
            bytes_read.next = 0
            if beat_valid:
                bytes_read.next = beat_bytes
        elif beat_valid:
            bytes_read.next = bytes_read + beat_bytes
        if clear:
            bytes_read.next = 0

    @always(clk.posedge)
    def report():
        if not fault.valid:
            if shapeless:
                fault.valid.next = True
                fault.code.next = bad_field
                fault.position.next = shape_position
                fault.detail.next = 0
            elif active and sized and bad:
                fault.valid.next = True
                fault.code.next = bad_field
                fault.position.next = job.position
                fault.detail.next = 0
            elif writer_fault.valid:
                fault.valid.next = True
                fault.code.next = writer_fault.code
                fault.position.next = writer_fault.position
                fault.detail.next = writer_fault.detail
        if clear:
            fault.valid.next = False

    return registers, masks, queue, writer, decode, go, answer, take, ask, check, put_out, describe, describe_job, count, report
