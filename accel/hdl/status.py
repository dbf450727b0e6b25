# SPDX-License-Identifier: BSD-2-Clause
"""What the control unit must know of all the others: whether anything is left to do, and whether anything moves."""

from myhdl import always, always_comb, block, intbv

from accel.hdl.interfaces import STATE_BUSY


@block
def summarise(levels, idles, weights_level, outputs_level, read_idle, write_idle, quiet, streams_empty, bus_idle, compute_empty):
    """quiet (out, flag): all queues empty and engines idle. streams_empty (out, flag): weight and output FIFO. Combinational."""
    load_level, weight_level, compute_level, store_level = levels
    load_idle, weight_idle, compute_idle, store_idle = idles

    @always_comb
    def conclude():
        quiet.next = (load_level == 0 and weight_level == 0 and compute_level == 0 and store_level == 0
                      and load_idle and weight_idle and compute_idle and store_idle)
        streams_empty.next = weights_level == 0 and outputs_level == 0
        bus_idle.next = read_idle and write_idle
        compute_empty.next = compute_level == 0

    return conclude


@block
def watch(clk, fetched, instructions, levels, rvalid, wvalid, wready, activity, weights, outputs, progress, stuck_position):
    """progress (out, flag): something moved in the cycle before. stuck_position (out): the first engine's instruction that waits."""
    load, weight, compute, store = instructions
    load_level, weight_level, compute_level, store_level = levels
    busy = STATE_BUSY

    @always(clk.posedge)
    def look():
        progress.next = ((fetched.valid and fetched.ready) or (load.valid and load.ready) or (weight.valid and weight.ready)
                         or (compute.valid and compute.ready) or (store.valid and store.ready) or rvalid or (wvalid and wready)
                         or activity.state == busy or (weights.valid and weights.ready) or (outputs.valid and outputs.ready))

    @always(clk.posedge)
    def name():
        # What came before the earliest waiting instruction is done: it is the one that misses something.
        earliest = intbv(0)[16:]
        earliest[:] = 0xFFFF
        if load_level != 0 and load.position < earliest:
            earliest[:] = load.position
        if weight_level != 0 and weight.position < earliest:
            earliest[:] = weight.position
        if compute_level != 0 and compute.position < earliest:
            earliest[:] = compute.position
        if store_level != 0 and store.position < earliest:
            earliest[:] = store.position
        stuck_position.next = earliest

    return look, name


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


@block
def weight_room(level, room, depth):
    """room (out): places that are certainly free in the weight FIFO. Combinational."""

    @always_comb
    def subtract():
        room.next = 0
        if level < depth:
            room.next = depth - level

    return subtract
