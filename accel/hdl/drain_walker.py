# SPDX-License-Identifier: BSD-2-Clause
"""Walks a tile's partial sums in the order in which its outputs are stored."""

from myhdl import always, always_comb, block, concat

from accel.hdl.addition import SUM_DELAY
from accel.hdl.delay import delay
from accel.hdl.interfaces import flag, signed, unsigned
from accel.hdl.parameter_ram import group_address_bits, sum_group
from accel.hdl.pe_grid import READ_LATENCY, no_group, read_group_bits
from accel.hdl.settings import copy_register


class DrainStart:
    """A finished tile: `bank` of partial sums and parameters, `pixels` of each cluster's run, `split` as in SHAPE, DRAIN's numbers; `void`:
    none of its filters is on; `dynamic`: the zero point's share is in place `slot`."""

    OF_DRAIN = ("zero_point", "clamp_min", "clamp_max", "rounding", "pool_columns", "add", "sum_zero_point", "sum_clamp_min", "sum_clamp_max")
    NAMES = ("bank", "split", "void", "dynamic", "slot", *OF_DRAIN)

    def __init__(self, config):
        bits = config.tile_pixels.bit_length()
        self.bank, self.split, self.void, self.dynamic, self.add = (flag() for _ in range(5))
        self.slot, self.pool_columns, self.rounding = unsigned(bits), unsigned(6), unsigned(2)
        self.zero_point, self.clamp_min, self.clamp_max = signed(8), signed(8), signed(8)
        self.sum_zero_point, self.sum_clamp_min, self.sum_clamp_max = signed(8), signed(8), signed(8)
        self.pixels = [unsigned(bits) for _ in range(config.clusters)]


class GridRead:
    """What to read from the grid: `bank`, `pixel` and `group`, cluster * (columns / requantise_lanes) + group, or no_group."""

    def __init__(self, config):
        self.bank = flag()
        self.pixel = unsigned((config.tile_pixels - 1).bit_length())
        self.group = unsigned(read_group_bits(config))


class DrainRead:
    """A read of the grid, in the cycle of its address: `valid` for a pixel, `correct` for a zero point's share; its `group` of the column.
    `ends`: it completes a beat; `merge`: the maximum with the pixel before is wanted; `subtract`: of the share; the tile's numbers. `first`
    stands for `valid` and `ends` where the value is added to, `begins` for its pixel's first; the numbers are the sums' in odd cycles."""

    def __init__(self, config):
        self.valid, self.correct, self.ends, self.merge, self.subtract, self.void, self.first, self.begins = (flag() for _ in range(8))
        self.group = unsigned(max(1, (config.columns // config.requantise_lanes - 1).bit_length()))
        self.zero_point, self.clamp_min, self.clamp_max, self.rounding = signed(8), signed(8), signed(8), unsigned(2)


@block
def hold_start(clk, enable, source, target):
    """target (out, DrainStart) takes source in each cycle with `enable`."""
    return [[copy_register(clk, enable, getattr(source, name), getattr(target, name)) for name in DrainStart.NAMES],
            [copy_register(clk, enable, a, b) for a, b in zip(source.pixels, target.pixels, strict=True)]]


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


@block
def drain_walker(clk, clear, start, tile, taken, there, read, parameter_address, issued, busy, stalled, done, credit, config):
    """Issues one read a cycle: for each cluster, where dynamic, the groups of its zero point's share; then each pixel's groups in turn, in a
    pooled tile the four pixels of a square one after the other. In a void tile all groups give the same, so one read is enough for a beat.
    In a tile with an addition it reads in even cycles only, odd ones are the sums'; the tile ends when its last sum has entered the lanes.

    start, tile (in): as in drain. taken (in, flag): a beat has left; at most `credit` are begun and not taken. there (in, flag): there is an
    operand for one more pixel. read (out, GridRead).
    parameter_address (out, READ_LATENCY - 1 cycles later). issued (out, DrainRead). busy, stalled, done (out): as in drain.
    """
    clusters, lanes = config.clusters, config.requantise_lanes
    groups = config.columns // lanes
    bits = config.tile_pixels.bit_length() + 1
    group_bits, pixel_bits = len(issued.group), len(read.pixel)
    waiting, current = DrainStart(config), DrainStart(config)
    has_waiting, draining, take, issue, has_pixel, last_group, room, begins = (flag() for _ in range(8))
    correcting, filled, square_ends, row_ends, moves, odd, summing, summed, last_cluster = (flag() for _ in range(9))
    sums_left, sum_delay, additional, nothing = unsigned(SUM_DELAY.bit_length()), SUM_DELAY, sum_group(config), no_group(config)
    cluster, group, pixel, square = unsigned(4), unsigned(5), unsigned(bits), unsigned(2)
    column = unsigned(7)
    credits = unsigned(credit.bit_length(), credit)
    pixels = unsigned(config.tile_pixels.bit_length())
    parameter_next, parameter_group = unsigned(group_address_bits(config)), unsigned(group_address_bits(config) - 1)
    finish = flag()
    to_done = delay(clk, finish, done, READ_LATENCY + 1)
    to_parameters = delay(clk, parameter_next, parameter_address, READ_LATENCY - 1)

    latch = [hold_start(clk, start, tile, waiting), hold_start(clk, take, waiting, current)]
    runs = pixels_of(cluster, current.pixels, pixels)

    @always_comb
    def decide():
        begins.next = (group == 0 or filled) and square == 0
        has_pixel.next = draining and not correcting and pixel < pixels
        last_group.next = group == groups - 1
        take.next = has_waiting and not draining
        row_ends.next = column + 2 >= current.pool_columns
        summing.next = current.add and odd
        summed.next = sums_left == 0
        last_cluster.next = cluster == clusters - 1

    @always_comb
    def look():
        room.next = not begins or (credits != 0 and (there or not current.add))
        square_ends.next = current.pool_columns == 0 or square == 3

    @always_comb
    def go():
        issue.next = has_pixel and room and not summing
        moves.next = has_pixel and room and last_group and not summing
        finish.next = draining and not correcting and not has_pixel and last_cluster and summed
        stalled.next = has_pixel and not room
        busy.next = draining or has_waiting or credits != credit

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
            square.next = 0
            column.next = 0
            filled.next = False
            correcting.next = waiting.dynamic
        elif draining and correcting:
            if not summing:
                group.next = group + 1
                if last_group:
                    group.next = 0
                    correcting.next = False
        elif moves:
            group.next = 0
            if current.void:
                group.next = groups - 1
                filled.next = True
            pixel.next = pixel + 1
            if current.pool_columns != 0:
                square.next = square + 1
                if square == 1:
                    pixel.next = pixel + current.pool_columns - 1
                elif square == 3:
                    column.next = column + 2
                    if row_ends:
                        column.next = 0
                    else:
                        pixel.next = pixel + 1 - current.pool_columns
        elif issue:
            group.next = group + 1
        elif draining and not has_pixel and (summed or not last_cluster):
            pixel.next = 0
            square.next = 0
            column.next = 0
            correcting.next = current.dynamic
            if current.dynamic:
                group.next = 0
                filled.next = False
            if last_cluster:
                draining.next = False
            else:
                cluster.next = cluster + 1
        if clear:
            has_waiting.next = False
            draining.next = False

    @always(clk.posedge)
    def count_credits():
        if issue and begins and not taken:
            credits.next = credits - 1
        elif taken and not (issue and begins):
            credits.next = credits + 1
        if clear:
            credits.next = credit

    @always(clk.posedge)
    def follow_sums():
        odd.next = not odd
        if issue and current.add:
            sums_left.next = sum_delay
        elif not summed:
            sums_left.next = sums_left - 1
        if clear:
            sums_left.next = 0

    @always_comb
    def address():
        read.bank.next = current.bank
        read.pixel.next = pixel[pixel_bits:]
        if correcting:
            read.pixel.next = current.slot[pixel_bits:]
        read.group.next = cluster * groups + group
        if summing:
            read.group.next = nothing

    @always_comb
    def address_parameters():
        parameter_group.next = group
        if summing:
            parameter_group.next = additional
        elif current.split:
            parameter_group.next = cluster * groups + group

    @always_comb
    def join_parameters():
        parameter_next.next = concat(current.bank, parameter_group)

    @always_comb
    def describe():
        issued.valid.next = issue and not current.add
        issued.first.next = issue and current.add
        issued.begins.next = issue and current.add and begins
        issued.correct.next = draining and correcting and not summing
        issued.ends.next = moves and square_ends and not current.add
        issued.merge.next = square != 0
        issued.subtract.next = current.dynamic and not summing
        issued.void.next = current.void
        issued.group.next = group[group_bits:]
        issued.zero_point.next = current.zero_point
        issued.clamp_min.next = current.clamp_min
        issued.clamp_max.next = current.clamp_max
        issued.rounding.next = current.rounding
        if summing:
            issued.rounding.next = 0
            issued.zero_point.next = current.sum_zero_point
            issued.clamp_min.next = current.sum_clamp_min
            issued.clamp_max.next = current.sum_clamp_max

    return (to_done, to_parameters, latch, runs, decide, look, go, walk, count_credits, follow_sums, address, address_parameters,
            join_parameters, describe)
