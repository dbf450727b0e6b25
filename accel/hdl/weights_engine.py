# SPDX-License-Identifier: BSD-2-Clause
"""The weights engine: streams beats from memory into the weight FIFO, the next run asked for while the one before arrives."""

from myhdl import always, always_comb, block

from accel import isa
from accel.hdl.fields import semaphore_mask
from accel.hdl.interfaces import flag, unsigned
from accel.hdl.settings import Settings
from accel.registers import ERROR_CODES


@block
def weights_engine(clk, clear, stop, instructions, request, beat_valid, beat, target, give, closes, bytes_read, idle, fault, config):
    """Executes WEIGHTS and LAYER. A WEIGHTS whose filters are all off is complete as soon as the one before it is.

    instructions (in, InstructionStream). request (out, ReadRequest), beat_valid, beat (in): the read arbiter. target (out, Stream): the
    weight FIFO, always ready for what was asked. give, closes, bytes_read, idle, fault: as in load_engine.
    """
    weights_code, bad_field = isa.OPCODES.WEIGHTS, ERROR_CODES.BAD_FIELD
    void_field, address_field, beats_field = Settings("WEIGHTS").fields[-3:]
    address_low, address_high = address_field.low, address_field.low + address_field.bits
    beats_low, beats_high = beats_field.low, beats_field.low + beats_field.bits
    opcode_bits, beat_bytes, beat_shift = isa.OPCODE.bits, config.beat_bytes, (config.beat_bytes - 1).bit_length()
    void_bit = void_field.low
    word = instructions.word
    looked, bad, act, asking, arriving, next_there = (flag() for _ in range(6))
    is_weights, streams, ends = flag(), flag(), flag()
    mask, gives, next_gives = unsigned(8), unsigned(8), unsigned(8)
    left, next_beats = unsigned(24), unsigned(24)
    masks = semaphore_mask(word, mask)

    @always(clk.posedge)
    def look():
        looked.next = instructions.valid and not act
        is_weights.next = word[opcode_bits:] == weights_code
        streams.next = word[opcode_bits:] == weights_code and not word[void_bit]
        bad.next = word[opcode_bits:] == weights_code and (
            word[beats_high:beats_low] == 0 or word[address_low + beat_shift:address_low] != 0)
        if clear:
            looked.next = False

    @always_comb
    def go():
        act.next = instructions.valid and looked and not bad and not stop and not asking and not next_there and (streams or not arriving)

    @always_comb
    def answer():
        instructions.ready.next = act
        ends.next = beat_valid and left == 1
        idle.next = not asking and not next_there and not arriving and not looked
        target.valid.next = beat_valid
        target.data.next = beat
        request.valid.next = asking

    @always(clk.posedge)
    def ask():
        closes.next = act and not is_weights
        if request.ready:
            asking.next = False
        if act and streams:
            asking.next = True
            request.address.next = word[address_high:address_low]
            request.beats.next = word[beats_high:beats_low]
            request.position.next = instructions.position
        if clear:
            asking.next = False
            closes.next = False

    @always(clk.posedge)
    def follow():
        give.next = 0
        if beat_valid:
            left.next = left - 1
        if ends:
            give.next = gives
            arriving.next = False
        if act and is_weights and not streams:
            give.next = mask
        if act and streams:
            next_there.next = True
            next_beats.next = word[beats_high:beats_low]
            next_gives.next = mask
        elif next_there and (not arriving or ends):
            next_there.next = False
            arriving.next = True
            left.next = next_beats
            gives.next = next_gives
        if clear:
            next_there.next = False
            arriving.next = False
            give.next = 0

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
        if instructions.valid and looked and bad and not fault.valid:
            fault.valid.next = True
            fault.code.next = bad_field
            fault.position.next = instructions.position
            fault.detail.next = 0
        if clear:
            fault.valid.next = False

    return masks, look, go, answer, ask, follow, count, report
