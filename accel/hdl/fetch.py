# SPDX-License-Identifier: BSD-2-Clause
"""Fetches the program from memory, in order, a few instructions ahead."""

from myhdl import always, always_comb, block, concat

from accel.hdl.fifo import fifo
from accel.hdl.interfaces import Stream, flag, unsigned


@block
def assemble(clk, clear, source, target, beats):
    """target (out, Stream of 128): instructions of `beats` beats of source (in, Stream) each, the first in the lowest bits."""
    if beats == 1:
        @always_comb
        def route():
            target.valid.next = source.valid
            target.data.next = source.data
            source.ready.next = target.ready

        return route

    held, count = unsigned(128), unsigned(2)
    bits, full, valid = 128 // beats, beats - 1, flag()

    @always(clk.posedge)
    def collect():
        if valid and target.ready:
            valid.next = False
        if source.valid and not valid:
            held.next = concat(source.data, held[128:bits])
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
        target.valid.next = valid
        target.data.next = held
        source.ready.next = not valid

    return collect, route


@block
def fetch(clk, clear, program, length, request, freed, beat_valid, beat, instructions, exhausted, config):
    """instructions (out, InstructionStream): the `length` (in) instructions from byte `program` (in) on.

    request (out, ReadRequest), freed (out, flag), beat_valid, beat (in): the read arbiter. exhausted (out, flag): all were taken, or there
    are more than positions can name (65,535), of which none is fetched.
    """
    beats = 16 // config.beat_bytes
    beat_shift = (beats - 1).bit_length()
    depth = config.fetch_fifo_beats
    arrivals, ahead, words = Stream(8 * config.beat_bytes), Stream(8 * config.beat_bytes), Stream(128)
    level, asked, too_long, position = unsigned(depth.bit_length()), flag(), flag(), unsigned(16)
    queue = fifo(clk, clear, arrivals, ahead, level, depth)
    joined = assemble(clk, clear, ahead, words, beats)

    @always_comb
    def ask():
        request.valid.next = not asked and not clear
        request.address.next = program
        request.beats.next = length << beat_shift
        request.position.next = 0
        arrivals.valid.next = beat_valid
        arrivals.data.next = beat
        freed.next = ahead.valid and ahead.ready

    @always(clk.posedge)
    def count():
        if request.valid and request.ready:
            asked.next = True
        if words.valid and instructions.ready:
            position.next = position + 1
        too_long.next = length[32:16] != 0
        if clear:
            asked.next = length == 0 or length[32:16] != 0
            position.next = 0

    @always_comb
    def put_out():
        instructions.valid.next = words.valid
        instructions.word.next = words.data
        instructions.position.next = position
        words.ready.next = instructions.ready
        exhausted.next = (too_long or position == length) and not clear

    return joined, queue, ask, count, put_out
