# SPDX-License-Identifier: BSD-2-Clause
"""The run-time filter mask: a word an output plane, written through the registers, read by dispatch and by the step loader."""

from myhdl import always, always_comb, block

from accel.hdl.fields import span
from accel.hdl.interfaces import flag, unsigned
from accel.registers import FILTER_WORDS

ADDRESS_BITS = (FILTER_WORDS - 1).bit_length()


@block
def filter_port(clk, write, write_address, write_data, address, data, columns):
    """One copy of the memory, all ones at power-on: data (out) two cycles after address (in)."""
    words = [unsigned(columns, (1 << columns) - 1) for _ in range(FILTER_WORDS)]
    fetched = unsigned(columns)

    @always(clk.posedge)
    def store():
        if write:
            words[write_address].next = write_data

    @always(clk.posedge)
    def fetch():
        fetched.next = words[address]

    @always(clk.posedge)
    def register():
        data.next = fetched

    return store, fetch, register


@block
def filter_memory(clk, busy, write, bus_address, bus_write_data, bus_data, dispatch_address, dispatch_data, loader_address, loader_data, config):
    """Words of `columns` bits. Read ports: data two cycles after the address.

    busy (in, flag): a job runs: dispatch reads, the bus neither reads nor writes. write (in, flag), bus_address, bus_write_data (in),
    bus_data (out, unsigned 32): the bus. dispatch_address, loader_address (in), dispatch_data, loader_data (out, unsigned columns).
    """
    columns = config.columns
    address, allowed, data = unsigned(ADDRESS_BITS), flag(), unsigned(columns)

    @always_comb
    def choose():
        address.next = bus_address
        if busy:
            address.next = dispatch_address
        allowed.next = write and not busy
        data.next = bus_write_data[columns:]

    @always_comb
    def route():
        bus_data.next = dispatch_data

    return (choose, route, filter_port(clk, allowed, bus_address, data, address, dispatch_data, columns),
            filter_port(clk, allowed, bus_address, data, loader_address, loader_data, columns))


@block
def void_check(clk, valid, act, word, address, data, ready, void):
    """Looks up the filter mask of a CONV or WEIGHTS instruction `word` (in), which is at the head while `valid` (in, flag) until `act` (in, flag).

    address (out), data (in, two cycles later): filter_memory. ready (out, flag): void (out, flag) counts: none of its planes has a bit set,
    and it does not say `whole`.
    """
    filters_high, filters_low = span("CONV", "filters")
    planes_high, planes_low = span("CONV", "planes")
    _, whole_bit = span("CONV", "whole")
    step, found, done = unsigned(5), flag(), flag()

    @always(clk.posedge)
    def look():
        address.next = word[filters_high:filters_low] + step
        step.next = step + 1
        if step == 31:
            step.next = 31
        # A word's data are there three cycles after its step.
        if step >= 3 and data != 0 and not done:
            found.next = True
        done.next = step >= 2 + word[planes_high:planes_low]
        if not valid or act:
            step.next = 0
            found.next = False
            done.next = False

    @always_comb
    def tell():
        ready.next = word[planes_high:planes_low] == 0 or done
        void.next = word[planes_high:planes_low] != 0 and not found and not word[whole_bit]

    return look, tell
