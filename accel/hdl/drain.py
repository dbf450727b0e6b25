# SPDX-License-Identifier: BSD-2-Clause
"""The drain: reads a finished tile's partial sums, requantises them and puts out one beat a pixel."""

from myhdl import always, always_comb, block, ConcatSignal

from accel.hdl.delay import delay
from accel.hdl.fifo import fifo
from accel.hdl.interfaces import Stream, flag, signed, unsigned
from accel.hdl.parameter_ram import Record, group_address_bits
from accel.hdl.pe_grid import partial_sum_address_bits
from accel.hdl.requantise_lane import LATENCY, ROUNDING, requantise_lane
from accel.hdl.settings import copy_register

SKID = 16


class DrainStart:
    """A finished tile: `bank` of partial sums and parameters, `pixels` of each cluster's run, `split` as in SHAPE, and DRAIN's numbers."""

    def __init__(self, config):
        self.bank = flag()
        self.split = flag()
        self.zero_point, self.clamp_min, self.clamp_max = signed(8), signed(8), signed(8)
        self.pixels = [unsigned(config.tile_pixels.bit_length()) for _ in range(config.clusters)]


@block
def choose(clk, index, candidates, chosen):
    """chosen (out, signed) is candidates[index] of the cycle before."""

    @always(clk.posedge)
    def select():
        chosen.next = candidates[index]

    return select


@block
def hold_start(clk, enable, source, target):
    """target (out, DrainStart) takes source in each cycle with `enable`."""
    names = ("bank", "split", "zero_point", "clamp_min", "clamp_max")
    return [[copy_register(clk, enable, getattr(source, name), getattr(target, name)) for name in names],
            [copy_register(clk, enable, a, b) for a, b in zip(source.pixels, target.pixels, strict=True)]]


@block
def drain(clk, clear, start, tile, read_address, partial_sums, parameter_address, records, outputs, busy, stalled_by_output, done, config,
          rounding=ROUNDING):
    """Drains tiles in the order of their starts: cluster 0's pixels, cluster 1's, ...; columns / requantise_lanes cycles a pixel.

    start (in, flag): one pulse a tile, GRID_LATENCY cycles after its last pixel at the grid's inputs; tile (in, DrainStart) counts in that
        cycle. One tile drains and one more may wait: the sender starts a bank only after the `done` of that bank's tile before.
    read_address (out), partial_sums (in): the grid's read port. parameter_address (out), records (in): the parameter RAM's.
    outputs (out, Stream of 8 * columns): one beat a pixel, byte k is column k.
    busy (out, flag): a tile is waiting or draining, or a beat has not been taken yet.
    stalled_by_output (out, flag): a tile is draining, but waits because `outputs` takes too little.
    done (out, flag): one pulse a tile, in the order of the starts: its partial sums and its parameters have been read. Its last beats
        come out later. A tile without pixels gives its `done` too.
    rounding: see requantise_lane.
    """
    clusters, lanes = config.clusters, config.requantise_lanes
    groups, pixels_a_bank = config.columns // lanes, config.tile_pixels
    waiting, current = DrainStart(config), DrainStart(config)
    has_waiting, draining, take, issue, has_pixel, last_group, room = (flag() for _ in range(7))
    cluster, group, pixel = unsigned(4), unsigned(5), unsigned(config.tile_pixels.bit_length())
    credits = unsigned(SKID.bit_length(), SKID)
    pixels = unsigned(config.tile_pixels.bit_length())
    parameter_next = unsigned(group_address_bits(config))
    candidate, candidate_1 = unsigned(max(1, (clusters * groups - 1).bit_length())), unsigned(max(1, (clusters * groups - 1).bit_length()))
    sums = [signed(config.accumulator_bits) for _ in range(lanes)]
    results = [unsigned(8) for _ in range(lanes)]
    no_correction, never = signed(config.accumulator_bits), flag()
    arrived, ends, ended, full = flag(), flag(), flag(), flag()
    zero_point, clamp_min, clamp_max = signed(8), signed(8), signed(8)
    gathered, level = Stream(8 * config.columns), unsigned(SKID.bit_length())
    finish, taken = flag(), flag()

    latch = [hold_start(clk, start, tile, waiting), hold_start(clk, take, waiting, current)]
    runs = pixels_of(cluster, current.pixels, pixels)
    pick = [choose(clk, candidate_1, [partial_sums[c][g * lanes + j] for c in range(clusters) for g in range(groups)], sums[j])
            for j in range(lanes)]
    lane_blocks = [requantise_lane(clk, sums[j], no_correction, records[j], never, zero_point, clamp_min, clamp_max, results[j], rounding)
                   for j in range(lanes)]
    delays = [delay(clk, issue, arrived, LATENCY + 2), delay(clk, ends, ended, LATENCY + 2), delay(clk, finish, done, 2),
              delay(clk, current.zero_point, zero_point, 2), delay(clk, current.clamp_min, clamp_min, 2),
              delay(clk, current.clamp_max, clamp_max, 2), delay(clk, candidate, candidate_1, 1)]
    parts = [unsigned(8 * lanes) for _ in range(groups)]
    joined = ConcatSignal(*reversed(results)) if lanes > 1 else results[0]
    chain = [copy_register(clk, arrived, joined if g == groups - 1 else parts[g + 1], parts[g]) for g in range(groups)]
    beat = ConcatSignal(*reversed(parts)) if groups > 1 else parts[0]
    skid = fifo(clk, clear, gathered, outputs, level, SKID)

    @always_comb
    def decide():
        room.next = credits != 0 or group != 0
        has_pixel.next = draining and pixel != pixels
        last_group.next = group == groups - 1
        take.next = has_waiting and not draining

    @always_comb
    def go():
        issue.next = has_pixel and room
        ends.next = has_pixel and room and last_group
        finish.next = draining and pixel == pixels and cluster == clusters - 1
        taken.next = outputs.valid and outputs.ready
        stalled_by_output.next = has_pixel and not room
        busy.next = draining or has_waiting or credits != SKID

    @always(clk.posedge)
    def walk():
        if start:
            has_waiting.next = True
        elif take:
            has_waiting.next = False
        if take:
            draining.next = True
            cluster.next = 0
            pixel.next = 0
            group.next = 0
        elif issue:
            if last_group:
                group.next = 0
                pixel.next = pixel + 1
            else:
                group.next = group + 1
        elif draining and not has_pixel:
            pixel.next = 0
            if cluster == clusters - 1:
                draining.next = False
            else:
                cluster.next = cluster + 1
        if clear:
            has_waiting.next = False
            draining.next = False

    @always(clk.posedge)
    def count_credits():
        if issue and group == 0 and not taken:
            credits.next = credits - 1
        elif taken and not (issue and group == 0):
            credits.next = credits + 1
        if clear:
            credits.next = SKID

    @always_comb
    def address():
        read_address.next = pixel
        if current.bank:
            read_address.next = pixel + pixels_a_bank
        if pixel == pixels_a_bank:
            read_address.next = 0
        candidate.next = cluster * groups + group

    @always_comb
    def address_parameters():
        parameter_next.next = group
        if current.split and current.bank:
            parameter_next.next = (cluster + clusters) * groups + group
        elif current.split:
            parameter_next.next = cluster * groups + group
        elif current.bank:
            parameter_next.next = clusters * groups + group

    @always(clk.posedge)
    def follow():
        parameter_address.next = parameter_next
        full.next = ended
        no_correction.next = 0
        never.next = False

    @always_comb
    def put_out():
        gathered.valid.next = full
        gathered.data.next = beat

    return (latch, runs, pick, lane_blocks, delays, chain, skid, decide, go, walk, count_credits, address, address_parameters, follow, put_out)


@block
def pixels_of(cluster, pixels, chosen):
    """chosen (out) is pixels[cluster]. Combinational."""
    count = len(pixels)

    @always_comb
    def select():
        chosen.next = 0
        for c in range(count):
            if cluster == c:
                chosen.next = pixels[c]

    return select
