# SPDX-License-Identifier: BSD-2-Clause
"""Prepares the grid's steps from the weight stream: parameters, channel masks, the next step's weights and channel indices."""

from myhdl import always, always_comb, block, enum, intbv, Signal

from accel.hdl.interfaces import flag, signed, unsigned

OFFSET_BITS = 20


class Step:
    """A prepared step. `offset` words and (`ky`, `kx`) name its kernel position; bit j of `lanes` says that lane j has a channel,
    `channels[j]` of the word; `count` lanes are in use. `first`: it overwrites the partial sums; `opens`: it is its tile's first; `bank`:
    where it accumulates. A step without lanes reads nothing and multiplies by 0."""

    def __init__(self, config):
        self.prepared = flag()
        self.offset = signed(OFFSET_BITS)
        self.ky = unsigned(6)
        self.kx = unsigned(6)
        self.lanes = unsigned(config.lanes)
        self.channels = [unsigned(5) for _ in range(config.lanes)]
        self.count = unsigned(4)
        self.first = flag()
        self.opens = flag()
        self.bank = flag()


class WeightWrite:
    """What a beat of the weight stream is, in the cycle in which it is taken: `enable` and `lane`, `clusters` for the shadow weights;
    `parameter` with `bank`, `record` and `part` for the parameter RAM, `enabled` for the record's flag."""

    def __init__(self, config):
        self.enable = flag()
        self.lane = unsigned(max(1, (config.lanes - 1).bit_length()))
        self.clusters = unsigned(config.clusters)
        self.parameter = flag()
        self.bank = flag()
        self.record = unsigned((config.clusters * config.columns - 1).bit_length())
        self.part = unsigned(max(1, (config.parameter_beats - 1).bit_length()))
        self.enabled = flag(True)


@block
def first_set(word, index, rest, others):
    """index (out) is the number of the lowest set bit of word, rest (out) is word without it, others (out): rest is not 0. Combinational."""
    size = len(word)

    @always_comb
    def search():
        index.next = 0
        for i in range(size):
            if word[size - 1 - i]:
                index.next = size - 1 - i

    @always_comb
    def remove():
        rest.next = 0
        if word != 0:
            rest.next = word & (word - 1)

    @always_comb
    def look_for_others():
        others.next = rest != 0

    return search, remove, look_for_others


@block
def lane_channel(clk, enable, lane, index, channel, number):
    """channel (out) takes index in each cycle with `enable` in which lane is `number`."""

    @always(clk.posedge)
    def store():
        if enable and lane == number:
            channel.next = index

    return store


@block
def step_loader(clk, clear, start, shape, walk, conv, bank_free, beat_valid, beat_ready, beat_data, take, step, write, ready,
                finish, finish_taken, keeps, waits_for_bank, config):
    """Works through the streams of CONVs, one beat a cycle at most, one step ahead of the walker.

    start (in, flag): take a CONV, only while `ready` (out, flag). shape, walk, conv (in, Settings): its settings, copied at the start.
    bank_free (in, unsigned 2): bit b: bank b of partial sums and parameters is free for a new tile.
    beat_valid (in), beat_ready (out), beat_data (in, unsigned 8 * columns): the weight FIFO.
    take (in, flag): the walker takes the prepared step in this cycle. step (out, Step). write (out, WeightWrite).
    finish (out, flag): the last step of a tile was taken; holds until finish_taken (in, flag). keeps (out, flag): that tile keeps its
        partial sums, nothing is drained. Its bank is step.bank's value at its last step.
    waits_for_bank (out, flag): for the counters.
    """
    state_type = enum("IDLE", "BANK", "PARAMETERS", "HEADER", "SELECT", "WEIGHTS", "DUMMY", "FINISH")
    state = Signal(state_type.IDLE)
    block_bits, lanes, columns = config.block_channels, config.lanes, config.columns
    clusters, parameter_beats, groups = config.clusters, config.parameter_beats, config.masks_per_header
    mask_low = block_bits
    all_clusters = (1 << clusters) - 1
    rows_left, columns_left = unsigned(6), unsigned(6)
    kernel_height, kernel_width, blocks = unsigned(6), unsigned(6), unsigned(10)
    split, accumulate, keep, any_step = flag(), flag(), flag(), flag()
    tap_step, tap_row_step = unsigned(14), signed(15)
    offset, block_offset = signed(OFFSET_BITS), unsigned(10)
    ky, kx = unsigned(6), unsigned(6)
    header = unsigned(max(block_bits * groups, 8 * columns))
    group_left = unsigned(5)
    mask, left, after = unsigned(block_bits), unsigned(block_bits), unsigned(block_bits)
    index, others = unsigned(5), flag()
    lane, cluster = unsigned(4), unsigned(3)
    record, part = unsigned(8), unsigned(2)
    bank, finished = flag(), flag()
    takes_weights, last_set, records_last = flag(), flag(), unsigned(8)

    lane_bits, record_bits, part_bits = len(write.lane), len(write.record), len(write.part)
    search = first_set(left, index, after, others)

    @always_comb
    def decide():
        takes_weights.next = state == state_type.WEIGHTS and beat_valid and (not step.prepared or take)
        last_set.next = not split or cluster == clusters - 1
        records_last.next = columns - 1
        if split:
            records_last.next = clusters * columns - 1
        ready.next = state == state_type.IDLE
        finish.next = finished
        waits_for_bank.next = state == state_type.BANK

    @always_comb
    def handshake():
        beat_ready.next = False
        if state == state_type.PARAMETERS or state == state_type.HEADER:
            beat_ready.next = True
        elif state == state_type.WEIGHTS:
            beat_ready.next = not step.prepared or take

    @always_comb
    def describe_beat():
        write.enable.next = takes_weights
        write.lane.next = lane[lane_bits:]
        write.clusters.next = all_clusters
        if split:
            write.clusters.next = 0
            write.clusters.next[cluster] = True
        write.parameter.next = state == state_type.PARAMETERS and beat_valid
        write.bank.next = bank
        write.record.next = record[record_bits:]
        write.part.next = part[part_bits:]
        write.enabled.next = True

    @always(clk.posedge)
    def load():
        if finish_taken:
            finished.next = False
        if take:
            step.prepared.next = False
        if state == state_type.IDLE:
            kernel_height.next = shape.kernel_height - 1
            kernel_width.next = shape.kernel_width - 1
            blocks.next = shape.blocks - 1
            split.next = shape.split
            tap_step.next = walk.tap_step
            tap_row_step.next = walk.tap_row_step
            accumulate.next = conv.accumulate
            keep.next = conv.keep
            any_step.next = False
            record.next = 0
            part.next = 0
            cluster.next = 0
            lane.next = 0
            block_offset.next = 0
            if start:
                state.next = state_type.BANK
        elif state == state_type.BANK:
            if bank_free[bank]:
                if keep:
                    state.next = state_type.HEADER
                else:
                    state.next = state_type.PARAMETERS
        elif state == state_type.PARAMETERS:
            if beat_valid:
                if part == parameter_beats - 1:
                    part.next = 0
                    record.next = record + 1
                    if record == records_last:
                        record.next = 0
                        state.next = state_type.HEADER
                else:
                    part.next = part + 1
        elif state == state_type.HEADER:
            group_left.next = groups
            if beat_valid:
                header.next = beat_data
                state.next = state_type.SELECT
        elif state == state_type.SELECT:
            mask.next = header[mask_low:]
            left.next = header[mask_low:]
            header.next = header >> mask_low
            offset.next = block_offset
            ky.next = 0
            kx.next = 0
            columns_left.next = kernel_width
            rows_left.next = kernel_height
            group_left.next = group_left - 1
            if header[mask_low:] != 0:
                state.next = state_type.WEIGHTS
            elif block_offset == blocks:
                if any_step:
                    state.next = state_type.FINISH
                else:
                    state.next = state_type.DUMMY
            else:
                block_offset.next = block_offset + 1
                if group_left == 1:
                    state.next = state_type.HEADER
        elif state == state_type.WEIGHTS:
            if takes_weights:
                any_step.next = True
                if lane == 0 and cluster == 0:
                    step.offset.next = offset
                    step.ky.next = ky
                    step.kx.next = kx
                    step.first.next = not any_step and not accumulate
                    step.opens.next = not any_step
                    step.bank.next = bank
                    step.lanes.next = 0
                    step.lanes.next[0] = True
                else:
                    step.lanes.next[lane] = True
                step.count.next = lane + 1
                cluster.next = cluster + 1
                if last_set:
                    cluster.next = 0
                    left.next = after
                    lane.next = lane + 1
                    if not others or lane == lanes - 1:
                        lane.next = 0
                        step.prepared.next = True
                    if not others:
                        left.next = mask
                        if columns_left != 0:
                            columns_left.next = columns_left - 1
                            kx.next = kx + 1
                            offset.next = offset + tap_step
                        elif rows_left != 0:
                            columns_left.next = kernel_width
                            rows_left.next = rows_left - 1
                            kx.next = 0
                            ky.next = ky + 1
                            offset.next = offset + tap_row_step
                        elif block_offset == blocks:
                            state.next = state_type.FINISH
                        else:
                            block_offset.next = block_offset + 1
                            if group_left != 0:
                                state.next = state_type.SELECT
                            else:
                                state.next = state_type.HEADER
        elif state == state_type.DUMMY:
            if not step.prepared or take:
                step.prepared.next = True
                step.lanes.next = 0
                step.count.next = 0
                step.offset.next = 0
                step.ky.next = 0
                step.kx.next = 0
                step.first.next = not accumulate
                step.opens.next = True
                step.bank.next = bank
                state.next = state_type.FINISH
        elif state == state_type.FINISH:
            if (not step.prepared or take) and (not finished or finish_taken):
                finished.next = True
                keeps.next = keep
                if not keep:
                    bank.next = not bank
                state.next = state_type.IDLE
        if clear:
            state.next = state_type.IDLE
            step.prepared.next = False
            finished.next = False
            bank.next = False

    channel_registers = [lane_channel(clk, takes_weights, lane, index, step.channels[j], j) for j in range(lanes)]

    return search, decide, handshake, describe_beat, load, channel_registers
