# SPDX-License-Identifier: BSD-2-Clause
"""What the compute engine tells the others: semaphores given, faults, and what each cycle was spent on."""

from myhdl import always, always_comb, block, intbv

from accel.hdl.delay import delay
from accel.hdl.fields import bits_of
from accel.hdl.interfaces import (
    STATE_ACTIVATIONS, STATE_BUSY, STATE_DRAIN, STATE_FETCH, STATE_STORE, STATE_SYNC, STATE_WEIGHTS, flag, unsigned)
from accel.registers import ERROR_CODES


@block
def give_semaphores(clk, conv_ended, conv_give, pool_ended, pool_give, give):
    """give (out, unsigned 8): pulses for the instruction that ended, four cycles later, when its last word has left the buffer."""
    now = unsigned(8)

    @always_comb
    def collect():
        now.next = 0
        if conv_ended:
            now.next = conv_give
        elif pool_ended:
            now.next = pool_give

    return collect, delay(clk, now, give, 4)


@block
def buffer_fault(clk, clear, beyond, addresses, conv_position, pool_beyond, pool_address, pool_position, other, fault, config):
    """fault (out, Fault): BUFFER where a read left the buffer, with the position of its instruction; or `other` (in, Fault)."""
    clusters, code = config.clusters, ERROR_CODES.BUFFER
    position = unsigned(16)
    followed = delay(clk, conv_position, position, 3)

    @always(clk.posedge)
    def report():
        if not fault.valid:
            if other.valid:
                fault.valid.next = True
                fault.code.next = other.code
                fault.position.next = other.position
                fault.detail.next = other.detail
            if pool_beyond:
                fault.valid.next = True
                fault.code.next = code
                fault.position.next = pool_position
                fault.detail.next = pool_address & 0xFFFF
            for c in range(clusters):
                if beyond[c]:
                    fault.valid.next = True
                    fault.code.next = code
                    fault.position.next = position
                    fault.detail.next = addresses[c] & 0xFFFF
        if clear:
            fault.valid.next = False

    return followed, report


@block
def activity_of(clk, pixel, tile, pool_issues, has_instruction, queue_empty, gate_waiting, loader_ready, waits_for_bank, drain_stalled,
                weights, layer_end, layer_index, activity, config):
    """activity (out, Activity), two cycles late in all its parts."""
    state, state_1 = unsigned(3), unsigned(3)
    working, pixels, products = unsigned(4), unsigned(4), unsigned(11)
    # A table has the depth of two look-up tables, additions that of the clusters.
    ones = tuple(number.bit_count() for number in range(1 << config.clusters))
    valid_bits = bits_of(pixel.valid)
    end_1, index_1 = flag(), unsigned(6)
    split = tile.shape.split
    busy, fetch, sync, wait_weights = STATE_BUSY, STATE_FETCH, STATE_SYNC, STATE_WEIGHTS
    wait_semaphore, wait_drain, wait_store = STATE_ACTIVATIONS, STATE_DRAIN, STATE_STORE

    @always_comb
    def classify():
        state.next = sync
        if pixel.running or pool_issues:
            state.next = busy
        elif waits_for_bank and drain_stalled:
            state.next = wait_store
        elif waits_for_bank:
            state.next = wait_drain
        elif not loader_ready and weights.ready and not weights.valid:
            state.next = wait_weights
        elif loader_ready and not has_instruction and gate_waiting:
            state.next = wait_semaphore
        elif loader_ready and not has_instruction and queue_empty:
            state.next = fetch

    @always_comb
    def count_clusters():
        working.next = ones[valid_bits]

    @always(clk.posedge)
    def look():
        pixels.next = working
        if split and valid_bits != 0:
            pixels.next = 1
        if pixel.slot:
            pixels.next = 0
        products.next = pixel.products
        state_1.next = state
        end_1.next = layer_end
        index_1.next = layer_index

    @always(clk.posedge)
    def put_out():
        # A sum of shifted copies: a product would take a multiplier of the device.
        macs = intbv(0)[16:]
        macs[:] = 0
        if pixels[0]:
            macs[:] = products
        if pixels[1]:
            macs[:] = macs + (products << 1)
        if pixels[2]:
            macs[:] = macs + (products << 2)
        if pixels[3]:
            macs[:] = macs + (products << 3)
        activity.macs.next = macs
        activity.state.next = state_1
        activity.layer_end.next = end_1
        activity.index.next = index_1

    return classify, count_clusters, look, put_out
