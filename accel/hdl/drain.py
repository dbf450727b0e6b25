# SPDX-License-Identifier: BSD-2-Clause
"""The drain: reads a finished tile's partial sums, requantises them, takes the maxima of a fused pool and puts out beats."""

from myhdl import always, always_comb, block, ConcatSignal

from accel.hdl.addition import addition
from accel.hdl.delay import delay
from accel.hdl.drain_walker import DrainRead, drain_walker
from accel.hdl.fifo import fifo
from accel.hdl.interfaces import Stream, flag, signed, unsigned
from accel.hdl.pe_grid import READ_LATENCY
from accel.hdl.requantise_lane import LATENCY, ROUNDING, requantise_lane
from accel.hdl.settings import copy_register

SKID = 32


@block
def correction_ram(clk, write, group, value, subtract, correction, config):
    """Keeps each group's share of the zero point for one lane: value (in) where `write` (in, flag); correction (out) is the group's
    where `subtract` (in, flag), else 0. Combinational read."""
    shares, bits = [signed(config.accumulator_bits) for _ in range(config.columns // config.requantise_lanes)], config.accumulator_bits

    @always(clk.posedge)
    def store():
        if write:
            shares[group].next = value[bits:].signed()

    @always_comb
    def read():
        correction.next = 0
        if subtract:
            correction.next = shares[group]

    return store, read


@block
def pool_byte(merge, value, before, result, number):
    """result (out, unsigned 8) is value (in, unsigned 8) or, where `merge` (in, flag), the larger of it and byte `number` of before.
    Combinational."""
    low, high = 8 * number, 8 * number + 8
    new, old = signed(8), signed(8)

    @always_comb
    def read():
        new.next = value.signed()
        old.next = before[high:low].signed()

    @always_comb
    def choose():
        result.next = value
        if merge and old > new:
            result.next = old[8:]

    return read, choose


@block
def either(partial_sum, own, value):
    """value (out, signed 32) is that one of the two which is not 0. Combinational: it goes into the LUTs of the reader's first adder."""

    @always_comb
    def join():
        value.next = partial_sum | own

    return join


@block
def mask_of(void, enabled, masked):
    """masked (out, flag). Combinational."""

    @always_comb
    def conclude():
        masked.next = void or not enabled

    return conclude


@block
def drain(clk, clear, start, tile, read, sums, parameter_address, records, operands, tables, operands_left, outputs, busy, stalled, done,
          config, rounding=ROUNDING):
    """Drains tiles in the order of their starts: cluster 0's pixels, cluster 1's, ...; columns / requantise_lanes cycles a pixel, twice as
    many with an addition.

    start (in, flag): one pulse a tile, GRID_LATENCY cycles after its last pixel at the grid's inputs; tile (in, DrainStart) counts in that
        cycle. One tile drains and one more may wait: the sender starts a bank only after the `done` of that bank's tile before.
    read (out, GridRead), sums (in, list of requantise_lanes signed): the grid's read port. parameter_address (out), records (in): the
        parameter RAM's.
    operands (OperandWrite), tables (in, TableWrite): of the additions. operands_left (out, flag): the operand FIFO has beats for no pixel yet.
    outputs (out, Stream of 8 * columns): one beat a pixel or, in a pooled tile, a 2 x 2 square; byte k is column k.
    busy (out, flag): a tile is waiting or draining, or a beat has not been taken yet.
    stalled (out, flag): a tile is draining, but waits because `outputs` takes too little or an operand is not there.
    done (out, flag): one pulse a tile, in the order of the starts: its partial sums and its parameters have been read. Its last beats
        come out later. A tile without pixels gives its `done` too.
    rounding: see requantise_lane.
    """
    lanes = config.requantise_lanes
    groups = config.columns // lanes
    issued = DrainRead(config)
    group_bits = len(issued.group)
    issue, correct, subtract, void, issued_or_second, ends_beat, second, second_ends = (flag() for _ in range(8))
    arrived, ended, merged, full, taken = (flag() for _ in range(5))
    group = unsigned(group_bits)
    corrections, masked = [signed(config.accumulator_bits) for _ in range(lanes)], [flag() for _ in range(lanes)]
    own, other, values = [signed(32) for _ in range(lanes)], [signed(32) for _ in range(lanes)], [signed(32) for _ in range(lanes)]
    zero_point, clamp_min, clamp_max, round_mode = signed(8), signed(8), signed(8), unsigned(2)
    results, pooled = [unsigned(8) for _ in range(lanes)], [unsigned(8) for _ in range(lanes)]
    gathered, level = Stream(8 * config.columns), unsigned(SKID.bit_length())
    parts = [unsigned(8 * lanes) for _ in range(groups)]

    walk = drain_walker(clk, clear, start, tile, taken, operands_left, read, parameter_address, issued, busy, stalled, done, SKID,
                        config)
    sums_of = addition(clk, clear, issued.first, issued.begins, operands, tables, results, operands_left, second, second_ends, own, other, config)
    # What a read was for arrives with its partial sums.
    to_sums = [delay(clk, issued_or_second, issue, READ_LATENCY), delay(clk, issued.correct, correct, READ_LATENCY),
               delay(clk, issued.group, group, READ_LATENCY), delay(clk, issued.subtract, subtract, READ_LATENCY),
               delay(clk, issued.void, void, READ_LATENCY), delay(clk, issued.zero_point, zero_point, READ_LATENCY),
               delay(clk, issued.clamp_min, clamp_min, READ_LATENCY), delay(clk, issued.clamp_max, clamp_max, READ_LATENCY),
               delay(clk, issued.rounding, round_mode, READ_LATENCY)]
    inputs = [either(sums[j], own[j], values[j]) for j in range(lanes)]
    shares = [correction_ram(clk, correct, group, values[j], subtract, corrections[j], config) for j in range(lanes)]
    masks = [mask_of(void, records[j].enabled, masked[j]) for j in range(lanes)]
    lane_blocks = [requantise_lane(clk, values[j], corrections[j], other[j], records[j], masked[j], round_mode, zero_point, clamp_min, clamp_max,
                                   results[j], rounding)
                   for j in range(lanes)]
    to_results = [delay(clk, issue, arrived, LATENCY), delay(clk, ends_beat, ended, READ_LATENCY + LATENCY),
                  delay(clk, issued.merge, merged, READ_LATENCY + LATENCY)]
    # The groups of a beat pass through `parts`; the one at the end is the same group's of the pixel before.
    oldest = parts[0]
    pools = [pool_byte(merged, results[j], oldest, pooled[j], j) for j in range(lanes)]
    joined = ConcatSignal(*reversed(pooled)) if lanes > 1 else pooled[0]
    chain = [copy_register(clk, arrived, joined if g == groups - 1 else parts[g + 1], parts[g]) for g in range(groups)]
    beat = ConcatSignal(*reversed(parts)) if groups > 1 else parts[0]
    skid = fifo(clk, clear, gathered, outputs, level, SKID)

    @always_comb
    def join_reads():
        issued_or_second.next = issued.valid or second
        ends_beat.next = issued.ends or second_ends

    @always(clk.posedge)
    def follow():
        full.next = ended

    @always_comb
    def put_out():
        gathered.valid.next = full
        gathered.data.next = beat
        taken.next = outputs.valid and outputs.ready

    return walk, sums_of, to_sums, inputs, shares, masks, lane_blocks, to_results, pools, chain, skid, join_reads, follow, put_out
