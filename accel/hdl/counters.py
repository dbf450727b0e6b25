# SPDX-License-Identifier: BSD-2-Clause
"""Counts what each layer's cycles were spent on and writes the layer's record."""

from myhdl import always, always_comb, block, concat

from accel.hdl.interfaces import STATE_BUSY, flag, unsigned
from accel.registers import RECORD_INDEX

STATES = 7


@block
def count_edges(clk, clear, activity, edges):
    """edges (out, unsigned 32): the word `edges` of the layer that ended last, from the cycle after activity.layer_end on.

    No layer ends in a busy cycle: LAYER waits until the last pixel has been issued.
    """
    still, still_up, before, seen = unsigned(16), unsigned(16), unsigned(16), flag()
    busy = STATE_BUSY

    @always_comb
    def count_up():
        still_up.next = (still + 1) & 0xFFFF

    @always(clk.posedge)
    def count():
        still.next = still_up
        if activity.state == busy or activity.layer_end or clear:
            still.next = 0
        if not seen:
            before.next = 0
            if activity.state == busy:
                before.next = still
        if activity.layer_end or clear:
            seen.next = False
        elif activity.state == busy:
            seen.next = True

    @always(clk.posedge)
    def keep():
        if activity.layer_end:
            edges.next = concat(still_up, before)

    return count_up, count, keep


@block
def compute_counters(clk, clear, activity, cycles, record_index, field, value, valid, taken, free):
    """Gives the words `end`, busy and stalls, `macs` and `edges` of a layer when the compute engine ends it.

    activity (in, Activity), cycles (in, unsigned 32): of the job. record_index, field, value (out) with valid (out, flag), taken (in, flag).
    free (out, flag): a layer may end. Counting goes on meanwhile, in the other half of a small memory.
    """
    counts = [unsigned(32) for _ in range(16)]
    fresh, half, writing, ended = unsigned(8, 0xFF), flag(), flag(), flag()
    kept, number, place, old_place = unsigned(8), unsigned(4), unsigned(4), unsigned(4)
    macs, macs_kept, end_kept, edges = unsigned(32), unsigned(32), unsigned(32), unsigned(32)
    now, old = unsigned(32), unsigned(32)
    end_field, busy_field, macs_field, edges_field = RECORD_INDEX.end, RECORD_INDEX.busy, RECORD_INDEX.macs, RECORD_INDEX.edges
    states = STATES
    end_number, last = STATES + 1, STATES + 2
    edge_counters = count_edges(clk, clear, activity, edges)

    @always_comb
    def name():
        place.next = activity.state
        old_place.next = number
        if half:
            place.next = activity.state + 8
        if number >= 8:
            old_place.next = 0
        elif not half:
            old_place.next = number + 8

    @always_comb
    def read():
        now.next = counts[place]
        old.next = counts[old_place]

    @always(clk.posedge)
    def count():
        if not clear:
            if fresh[activity.state]:
                counts[place].next = 1
            else:
                counts[place].next = now + 1

    @always(clk.posedge)
    def follow():
        fresh.next[activity.state] = False
        macs.next = macs + activity.macs
        if activity.layer_end:
            half.next = not half
            kept.next = fresh
            kept.next[activity.state] = False
            fresh.next = 0xFF
            macs_kept.next = macs + activity.macs
            macs.next = 0
            record_index.next = activity.index
            number.next = 0
            writing.next = True
        elif writing and taken:
            number.next = number + 1
            if number == last:
                writing.next = False
        if clear:
            fresh.next = 0xFF
            half.next = False
            writing.next = False
            macs.next = 0

    @always(clk.posedge)
    def keep_end():
        # `cycles` is then one more; when it is written, its place serves for `edges`.
        ended.next = activity.layer_end
        if ended:
            end_kept.next = cycles
        elif number == end_number and taken:
            end_kept.next = edges

    @always_comb
    def put_out():
        valid.next = writing
        free.next = not writing
        if number == last:
            field.next = edges_field
            value.next = end_kept
        elif number == end_number:
            field.next = end_field
            value.next = end_kept
        elif number == states:
            field.next = macs_field
            value.next = macs_kept
        else:
            field.next = number + busy_field
            value.next = 0
            if not kept[number[3:]]:
                value.next = old

    return edge_counters, name, read, count, follow, keep_end, put_out


@block
def pending_word(clk, clear, closes, index, value, valid, kept, kept_index, taken):
    """Keeps value and index (in) of the cycle of closes (in, flag) until taken (in, flag)."""

    @always(clk.posedge)
    def keep():
        if closes:
            valid.next = True
            kept.next = value
            kept_index.next = index
        elif taken:
            valid.next = False
        if clear:
            valid.next = False

    return keep
