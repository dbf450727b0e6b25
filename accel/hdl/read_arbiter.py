# SPDX-License-Identifier: BSD-2-Clause
"""Turns the engines' read requests into AXI read bursts, and gives the beats back to who asked for them."""

from myhdl import always, always_comb, block, concat

from accel.hdl.burst import Burst, next_burst
from accel.hdl.fifo import fifo
from accel.hdl.interfaces import ReadRequest, Stream, flag, unsigned
from accel.registers import ERROR_CODES

ORDER_DEPTH = 32
RUN_BITS = 24


@block
def credit(clk, clear, spent, top, freed, enough, hungry, untouched, places, longest):
    """Counts a requester's free places, of `places` (a power of two) at first: top + 1 (in) are taken with spent (in, flag), one comes back
    with freed (in, flag), which a register takes in: it comes from deep within an engine.

    enough (out, flag): there are `longest` (a power of two). hungry (out, flag): 7 of 8 are free. untouched (out, flag): all are free.
    """
    bits = places.bit_length()
    free, cost, taken, total, full = unsigned(bits, places), unsigned(bits), unsigned(bits), unsigned(bits + 2), places
    low, eighth, back = longest.bit_length() - 1, bits - 4, flag()

    @always_comb
    def widen():
        cost.next = top

    @always_comb
    def negate():
        # free - (top + 1) is free + ~top.
        taken.next = 0
        if spent:
            taken.next = ~cost

    @always_comb
    def add():
        total.next = concat(False, free, True) + concat(False, taken, back)

    @always(clk.posedge)
    def count():
        back.next = freed
        free.next = total[bits + 1:1]
        if clear:
            back.next = False
            free.next = full

    @always_comb
    def tell():
        enough.next = free[bits:low] != 0
        hungry.next = free[bits - 1] or free[bits - 1:eighth] == 7
        untouched.next = free[bits - 1]

    return widen, negate, add, count, tell


@block
def run_memory(clk, start, renew, writer, request, rest_address, rest_beats, reader, address, left, position):
    """The runs of the requesters in LUT RAM. start (in, flag): run `writer` (in) becomes that of request (in, ReadRequest). renew (in, flag):
    the rest becomes its address and beats. address, left, position (out): the run number `reader` (in), in the same cycle."""
    addresses, lefts, positions = ([unsigned(bits) for _ in range(4)] for bits in (32, RUN_BITS, 16))
    new_address, new_left, write = unsigned(32), unsigned(RUN_BITS), flag()

    @always_comb
    def choose():
        write.next = start or renew
        new_address.next = request.address
        new_left.next = request.beats
        if renew:
            new_address.next = rest_address
            new_left.next = rest_beats

    @always(clk.posedge)
    def store_addresses():
        if write:
            addresses[writer].next = new_address

    @always(clk.posedge)
    def store_lefts():
        if write:
            lefts[writer].next = new_left

    @always(clk.posedge)
    def store_positions():
        if start:
            positions[writer].next = request.position

    @always_comb
    def read():
        address.next = addresses[reader]
        left.next = lefts[reader]
        position.next = positions[reader]

    return choose, store_addresses, store_lefts, store_positions, read


@block
def choose_request(requests, number, chosen):
    """chosen (out, ReadRequest): address, beats and position of the one with this number (in). Combinational."""
    request_0, request_1, request_2 = requests

    @always_comb
    def choose():
        if number == 0:
            chosen.address.next = request_0.address
            chosen.beats.next = request_0.beats
            chosen.position.next = request_0.position
        elif number == 1:
            chosen.address.next = request_1.address
            chosen.beats.next = request_1.beats
            chosen.position.next = request_1.position
        else:
            chosen.address.next = request_2.address
            chosen.beats.next = request_2.beats
            chosen.position.next = request_2.position

    return choose


@block
def give_beats(clk, clear, order, rdata, rlast, rvalid, data_valid, data):
    """data_valid (out, three flags), data (out): the beat of the cycle before, for the requester that the head of order (in, Stream) names."""
    valid_0, valid_1, valid_2 = data_valid

    @always_comb
    def follow():
        order.ready.next = rvalid and rlast

    @always(clk.posedge)
    def give():
        valid_0.next = rvalid and order.data[2:] == 0
        valid_1.next = rvalid and order.data[2:] == 1
        valid_2.next = rvalid and order.data[2:] == 2
        data.next = rdata
        if clear:
            valid_0.next = False
            valid_1.next = False
            valid_2.next = False

    return follow, give


@block
def read_arbiter(clk, clear, stop, requests, freed, untouched, window_base, window_limit, data_valid, data, araddr, arlen, arvalid, arready,
                 rdata, rresp, rlast, rvalid, fault, idle, places, config):
    """Three requesters in order of priority, but the last before the second while it is hungry; one AXI ID, so that beats come back in order.

    requests (in, three ReadRequests). places (three ints, powers of two): beats each requester can hold; a burst goes out only when there is room
    for a longest one. freed (in, three flags): a place became free. untouched (out, three flags): all places are free, nothing is on the way.
    data_valid (out, three flags), data (out): a beat for that requester, which must take it. araddr ... rvalid: AXI; rready is always high.
    stop (in, flag): begin no burst. fault (out, Fault): READ_WINDOW or BUS_READ. idle (out, flag): no burst is under way.

    A burst takes four cycles: choose the run, cut, check, ask. The next one is ready when the bus takes the one before.
    """
    active, enough, hungry, spent, starts, wants = ([flag() for _ in range(3)] for _ in range(6))
    cutting, checking, asking, issue, start, open_, last = (flag() for _ in range(7))
    port, number, writer = unsigned(2), unsigned(2), unsigned(2)
    address, left, position = unsigned(32), unsigned(RUN_BITS), unsigned(16)
    chosen, burst = ReadRequest(), Burst(config, RUN_BITS)
    order_in, order_out, level = Stream(18), Stream(18), unsigned(ORDER_DEPTH.bit_length())
    bus_code, window_code = ERROR_CODES.BUS_READ, ERROR_CODES.READ_WINDOW
    request_0, request_1, request_2 = requests
    active_0, active_1, active_2 = active
    enough_0, enough_1, enough_2 = enough
    spent_0, spent_1, spent_2 = spent
    hungry_2 = hungry[2]
    start_0, start_1, start_2 = starts
    want_0, want_1, want_2 = wants

    credits = [credit(clk, clear, spent[i], burst.top, freed[i], enough[i], hungry[i], untouched[i], places[i], config.burst_beats) for i in range(3)]
    runs = run_memory(clk, start, issue, writer, chosen, burst.rest_address, burst.rest_beats, port, address, left, position)
    choice = choose_request(requests, number, chosen)
    cutter = next_burst(clk, address, left, window_base, window_limit, burst, config)
    order = fifo(clk, clear, order_in, order_out, level, ORDER_DEPTH)
    giver = give_beats(clk, clear, order_out, rdata, rlast, rvalid, data_valid, data)

    @always_comb
    def allow():
        open_.next = not stop and not fault.valid
        issue.next = asking and not arvalid and not burst.outside and order_in.ready and not stop
        want_0.next = active_0 and enough_0
        want_1.next = active_1 and enough_1
        want_2.next = active_2 and enough_2

    @always_comb
    def begin():
        start_0.next = False
        start_1.next = False
        start_2.next = False
        number.next = 2
        # The memory of runs is written once a cycle.
        if open_ and not (asking and not arvalid):
            start_0.next = request_0.valid and not active_0
            start_1.next = request_1.valid and not active_1 and not (request_0.valid and not active_0)
            start_2.next = (request_2.valid and not active_2 and not (request_1.valid and not active_1)
                            and not (request_0.valid and not active_0))
        if request_0.valid and not active_0:
            number.next = 0
        elif request_1.valid and not active_1:
            number.next = 1

    @always_comb
    def answer():
        request_0.ready.next = start_0
        request_1.ready.next = start_1
        request_2.ready.next = start_2
        start.next = start_0 or start_1 or start_2
        writer.next = number
        if issue:
            writer.next = port
        spent_0.next = issue and port == 0
        spent_1.next = issue and port == 1
        spent_2.next = issue and port == 2
        last.next = burst.rest_beats == 0

    @always(clk.posedge)
    def follow():
        if start_0:
            active_0.next = True
        elif spent_0 and last:
            active_0.next = False
        if start_1:
            active_1.next = True
        elif spent_1 and last:
            active_1.next = False
        if start_2:
            active_2.next = True
        elif spent_2 and last:
            active_2.next = False
        if clear:
            active_0.next = False
            active_1.next = False
            active_2.next = False

    @always(clk.posedge)
    def step():
        cutting.next = False
        checking.next = cutting
        if checking:
            asking.next = True
        elif issue or burst.outside or stop:
            asking.next = False
        if open_ and not cutting and not checking and not asking:
            cutting.next = want_0 or want_1 or want_2
            port.next = 2
            if want_0:
                port.next = 0
            elif want_1 and not (want_2 and hungry_2):
                port.next = 1
        if clear:
            cutting.next = False
            checking.next = False
            asking.next = False

    @always(clk.posedge)
    def ask():
        if issue:
            arvalid.next = True
            araddr.next = burst.address
            arlen.next = burst.top
        elif arready:
            arvalid.next = False
        if clear:
            arvalid.next = False

    @always_comb
    def look():
        order_in.valid.next = issue
        order_in.data.next = concat(position, port)
        idle.next = level == 0 and not arvalid

    @always(clk.posedge)
    def report():
        if not fault.valid:
            if rvalid and rresp != 0:
                fault.valid.next = True
                fault.code.next = bus_code
                fault.position.next = order_out.data[18:2]
            elif asking and burst.outside:
                fault.valid.next = True
                fault.code.next = window_code
                fault.position.next = position
                fault.detail.next = burst.address
        if clear:
            fault.valid.next = False
            fault.detail.next = 0

    return credits, runs, choice, cutter, order, giver, allow, begin, answer, follow, step, ask, look, report
