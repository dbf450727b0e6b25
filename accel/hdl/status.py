# SPDX-License-Identifier: BSD-2-Clause
"""What the control unit must know of all the others: whether anything is left to do, and whether anything moves."""

from myhdl import always, always_comb, block

from accel.hdl.interfaces import STATE_BUSY, flag, unsigned


@block
def summarise(levels, idles, weights_empty, outputs_level, operands_left, read_idle, write_idle, quiet, streams_empty, bus_idle, compute_empty):
    """quiet (out, flag): all queues empty and engines idle. streams_empty (out, flag): weight, output and operand FIFO. Combinational."""
    load_level, weight_level, compute_level, store_level = levels
    load_idle, weight_idle, compute_idle, store_idle = idles

    @always_comb
    def conclude():
        quiet.next = (load_level == 0 and weight_level == 0 and compute_level == 0 and store_level == 0
                      and load_idle and weight_idle and compute_idle and store_idle)
        streams_empty.next = weights_empty and outputs_level == 0 and not operands_left
        bus_idle.next = read_idle and write_idle
        compute_empty.next = compute_level == 0

    return conclude


@block
def watch(clk, fetched, instructions, rvalid, wvalid, wready, activity, weights, outputs, progress):
    """progress (out, flag): something moved in the cycle before."""
    load, weight, compute, store = instructions
    busy = STATE_BUSY

    @always(clk.posedge)
    def look():
        progress.next = ((fetched.valid and fetched.ready) or (load.valid and load.ready) or (weight.valid and weight.ready)
                         or (compute.valid and compute.ready) or (store.valid and store.ready) or rvalid or (wvalid and wready)
                         or activity.state == busy or (weights.valid and weights.ready) or (outputs.valid and outputs.ready))

    return look


@block
def earliest_waiting(clk, instructions, levels, end_position, earliest):
    """earliest (out, unsigned 16): the smallest position that heads a queue, when all have stood still for eight cycles; end_position (in,
    unsigned 16), the program's END, where no instruction waits.

    What came before it is done: it is the one that misses something. Looks at one engine's queue a cycle.
    """
    load, weight, compute, store = instructions
    load_level, weight_level, compute_level, store_level = levels
    turn, position, present, first, smallest = unsigned(2), unsigned(16), flag(), flag(), unsigned(16)

    @always(clk.posedge)
    def look():
        turn.next = (turn + 1) & 3
        first.next = turn == 0
        if turn == 0:
            position.next = load.position
            present.next = load_level != 0
        elif turn == 1:
            position.next = weight.position
            present.next = weight_level != 0
        elif turn == 2:
            position.next = compute.position
            present.next = compute_level != 0
        else:
            position.next = store.position
            present.next = store_level != 0

    @always(clk.posedge)
    def compare():
        if first:
            earliest.next = smallest
            if smallest == 0xFFFF:
                earliest.next = end_position
            smallest.next = 0xFFFF
        if present and (first or position < smallest):
            smallest.next = position

    return look, compare


@block
def count_fetched(clk, clear, beat, layer, closes, count, beat_bytes):
    """count (out, unsigned 32): bytes of instructions that arrived since the LAYER before, in the cycle of closes (out, flag)."""

    @always(clk.posedge)
    def add():
        closes.next = layer
        if closes:
            count.next = 0
            if beat:
                count.next = beat_bytes
        elif beat:
            count.next = count + beat_bytes
        if clear:
            count.next = 0
            closes.next = False

    return add
