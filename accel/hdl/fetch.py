# SPDX-License-Identifier: BSD-2-Clause
"""Fetches the program from memory, in order, a few instructions ahead."""

from myhdl import always, always_comb, block, concat

from accel.hdl.fifo import fifo
from accel.hdl.interfaces import Stream, flag, unsigned


@block
def assemble(clk, clear, beat_valid, beat, out, beats):
    """out (Stream of 128): an instruction of `beats` beats, the first in the lowest bits; the taker is always ready."""
    if beats == 1:
        @always_comb
        def route():
            out.valid.next = beat_valid
            out.data.next = beat

        return route

    held, count = unsigned(128), unsigned(2)
    bits, full, valid = 128 // beats, beats - 1, flag()

    @always(clk.posedge)
    def collect():
        valid.next = False
        if beat_valid:
            held.next = concat(beat, held[128:bits])
            count.next = 0
            if count == full:
                valid.next = True
            else:
                count.next = count + 1
        if clear:
            count.next = 0
            valid.next = False

    @always_comb
    def route():
        out.valid.next = valid
        out.data.next = held

    return collect, route


@block
def fetch(clk, clear, program, length, request, room, beat_valid, beat, instructions, exhausted, beats_read, config):
    """instructions (out, InstructionStream): the `length` (in) instructions from byte `program` (in) on.

    request (out, ReadRequest), room (out), beat_valid, beat (in): the read arbiter. exhausted (out, flag): all were taken.
    beats_read (out, flag): a beat of instructions arrived, for the counters.
    """
    beats = 16 // config.beat_bytes
    beat_shift = (beats - 1).bit_length()
    depth = 2 * config.burst_beats
    words, queue, level = Stream(128), Stream(128), unsigned(depth.bit_length())
    asked, position = flag(), unsigned(16)
    most = depth - 1
    joined = assemble(clk, clear, beat_valid, beat, words, beats)
    ahead = fifo(clk, clear, words, queue, level, depth)

    @always_comb
    def ask():
        request.valid.next = not asked and not clear
        request.address.next = program
        request.beats.next = length << beat_shift
        request.position.next = 0
        room.next = 0
        if level < most:
            room.next = (most - level) << beat_shift

    @always(clk.posedge)
    def count():
        if request.valid and request.ready:
            asked.next = True
        if queue.valid and instructions.ready:
            position.next = position + 1
        if clear:
            asked.next = length == 0
            position.next = 0

    @always_comb
    def put_out():
        instructions.valid.next = queue.valid
        instructions.word.next = queue.data
        instructions.position.next = position
        queue.ready.next = instructions.ready
        exhausted.next = position == length and not clear
        beats_read.next = beat_valid

    return joined, ahead, ask, count, put_out
