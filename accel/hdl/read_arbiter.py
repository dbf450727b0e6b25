# SPDX-License-Identifier: BSD-2-Clause
"""Turns the engines' read requests into AXI read bursts, and gives the beats back to who asked for them."""

from myhdl import always, always_comb, block, concat

from accel.hdl.delay import delay
from accel.hdl.fifo import fifo
from accel.hdl.interfaces import Fault, Stream, flag, unsigned
from accel.registers import ERROR_CODES

ORDER_DEPTH = 32
ROOM_BITS = 11


@block
def read_port(clk, clear, stop, request, room, window_base, window_limit, arrived, granted, wants, address, beats, position, fault, config):
    """One requester's run: checks the window, cuts it into bursts inside 4 KiB.

    wants (out, flag): a burst of `beats` (out, 1 to burst_beats) at `address` (out) may go out, room (in, free places of the requester)
    is reserved for all of it; granted (in, flag): it did. arrived (in, flag): a beat reached the requester.
    """
    beat_shift = (config.beat_bytes - 1).bit_length()
    longest, page_beats = config.burst_beats, 4096 // config.beat_bytes
    window_code = ERROR_CODES.READ_WINDOW
    active, checked, ready, cut, arrived_2 = (flag() for _ in range(5))
    left, run_end = unsigned(24), unsigned(33)
    on_the_way = unsigned(ROOM_BITS)
    to_page = unsigned(13)
    late = delay(clk, arrived, arrived_2, 2)

    @always_comb
    def look():
        request.ready.next = not active and not fault.valid and not stop
        wants.next = ready and not stop
        to_page.next = page_beats - address[12:beat_shift]

    @always(clk.posedge)
    def run():
        if request.valid and not active and not fault.valid and not stop:
            active.next = True
            checked.next = False
            address.next = request.address
            left.next = request.beats
            position.next = request.position
            run_end.next = request.address + (request.beats << beat_shift)
        elif active and not checked:
            if address < window_base or run_end > window_limit:
                fault.valid.next = True
                fault.code.next = window_code
                fault.position.next = position
                fault.detail.next = address
                active.next = False
            checked.next = True
            cut.next = False
        elif active and not cut:
            beats.next = longest
            if left < longest and left <= to_page:
                beats.next = left
            elif to_page < longest:
                beats.next = to_page
            cut.next = True
        elif active and not ready:
            ready.next = room >= on_the_way + beats
        elif granted:
            ready.next = False
            cut.next = False
            address.next = (address + (beats << beat_shift)) & 0xFFFFFFFF
            left.next = left - beats
            active.next = left != beats
        if clear:
            active.next = False
            ready.next = False
            fault.valid.next = False

    @always(clk.posedge)
    def reserve():
        if granted and arrived_2:
            on_the_way.next = on_the_way + beats - 1
        elif granted:
            on_the_way.next = on_the_way + beats
        elif arrived_2:
            on_the_way.next = on_the_way - 1
        if clear:
            on_the_way.next = 0

    return late, look, run, reserve


@block
def read_arbiter(clk, clear, stop, requests, rooms, window_base, window_limit, data_valid, data, araddr, arlen, arvalid, arready, rdata,
                 rresp, rlast, rvalid, fault, idle, config):
    """Three requesters, the first has priority; one AXI ID, so that beats come back in order.

    requests (in, three ReadRequests). rooms (in, three unsigned ROOM_BITS): places free in the requester. data_valid (out, three flags),
    data (out): a beat for that requester, which must take it. araddr ... rvalid: AXI; rready is always high.
    stop (in, flag): begin no burst. fault (out, Fault): READ_WINDOW or BUS_READ. idle (out, flag): no burst is under way.
    """
    wants, granted = ([flag() for _ in range(3)] for _ in range(2))
    addresses, positions = [unsigned(32) for _ in range(3)], [unsigned(16) for _ in range(3)]
    lengths = [unsigned(7) for _ in range(3)]
    faults = [Fault() for _ in range(3)]
    order_in, order_out = Stream(18), Stream(18)
    level = unsigned(ORDER_DEPTH.bit_length())
    free = flag()
    bus_code = ERROR_CODES.BUS_READ
    wants_0, wants_1, wants_2 = wants
    granted_0, granted_1, granted_2 = granted
    address_0, address_1, address_2 = addresses
    position_0, position_1, position_2 = positions
    length_0, length_1, length_2 = lengths
    valid_0, valid_1, valid_2 = data_valid
    fault_0, fault_1, fault_2 = faults

    ports = [
        read_port(clk, clear, stop, requests[i], rooms[i], window_base, window_limit, data_valid[i], granted[i], wants[i], addresses[i],
                  lengths[i], positions[i], faults[i], config)
        for i in range(3)]
    order = fifo(clk, clear, order_in, order_out, level, ORDER_DEPTH)

    @always_comb
    def choose():
        free.next = (not arvalid or arready) and order_in.ready

    @always_comb
    def grant():
        granted_0.next = free and wants_0
        granted_1.next = free and wants_1 and not wants_0
        granted_2.next = free and wants_2 and not wants_0 and not wants_1
        order_in.valid.next = free and (wants_0 or wants_1 or wants_2)

    @always_comb
    def label():
        order_in.data.next = concat(position_2, False, False)
        if wants_0:
            order_in.data.next = concat(position_0, True, False)
        elif wants_1:
            order_in.data.next = concat(position_1, False, True)

    @always(clk.posedge)
    def ask():
        if free:
            arvalid.next = False
            if wants_0:
                arvalid.next = True
                araddr.next = address_0
                arlen.next = length_0 - 1
            elif wants_1:
                arvalid.next = True
                araddr.next = address_1
                arlen.next = length_1 - 1
            elif wants_2:
                arvalid.next = True
                araddr.next = address_2
                arlen.next = length_2 - 1
        elif arready:
            arvalid.next = False
        if clear:
            arvalid.next = False

    @always_comb
    def look():
        order_out.ready.next = rvalid and rlast
        idle.next = level == 0 and not arvalid

    @always(clk.posedge)
    def give():
        valid_0.next = rvalid and order_out.data[1]
        valid_1.next = rvalid and order_out.data[0]
        valid_2.next = rvalid and not order_out.data[0] and not order_out.data[1]
        data.next = rdata
        if clear:
            valid_0.next = False
            valid_1.next = False
            valid_2.next = False

    @always(clk.posedge)
    def report():
        if not fault.valid:
            if rvalid and rresp != 0:
                fault.valid.next = True
                fault.code.next = bus_code
                fault.position.next = order_out.data[18:2]
                fault.detail.next = 0
            elif fault_0.valid:
                fault.valid.next = True
                fault.code.next = fault_0.code
                fault.position.next = fault_0.position
                fault.detail.next = fault_0.detail
            elif fault_1.valid:
                fault.valid.next = True
                fault.code.next = fault_1.code
                fault.position.next = fault_1.position
                fault.detail.next = fault_1.detail
            elif fault_2.valid:
                fault.valid.next = True
                fault.code.next = fault_2.code
                fault.position.next = fault_2.position
                fault.detail.next = fault_2.detail
        if clear:
            fault.valid.next = False

    return ports, order, choose, grant, label, ask, look, give, report
