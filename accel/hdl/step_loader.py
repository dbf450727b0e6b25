# SPDX-License-Identifier: BSD-2-Clause
"""Prepares the grid's steps from the weight stream: channel masks, the next step's weights and channel indices, parameters."""

from myhdl import always, always_comb, block, enum, Signal

from accel.hdl.first_set import first_set, more_than_one
from accel.hdl.interfaces import flag, signed, unsigned
from accel.hdl.parameter_loader import parameter_loader
from accel.hdl.step import OFFSET_BITS, PLACE_BITS, lane_channel, step_place


@block
def step_loader(clk, clear, start, shape, walk, conv, adds, bank_free, beat_valid, beat_ready, beat_data, mask_number, dynamic_word,
                filter_address, filter_word, take, step, write, ready, finish, finish_taken, keeps, waits_for_bank, config):
    """Works through the streams of CONVs, one beat a cycle at most, one step ahead of the walker.

    start (in, flag): take a CONV, only while `ready` (out, flag). shape, walk, conv (in, Settings): its settings, copied at the start;
        adds (in, flag): DRAIN's `add`.
    bank_free (in, unsigned 2): bit b: nothing that is in bank b of the parameters waits for the drain.
    beat_valid (in), beat_ready (out), beat_data (in, unsigned 8 * columns): the weight FIFO.
    mask_number (out), dynamic_word (in, in the same cycle): the word of the dynamic mask for the block that is begun next.
    filter_address (out), filter_word (in, two cycles later): the word of the run-time filter mask.
    take (in, flag): the walker takes the prepared step in this cycle. step (out, Step). write (out, WeightWrite).
    finish (out, flag): the last step of a tile was taken and its parameters are there; holds until finish_taken (in, flag). keeps (out,
        flag): that tile keeps its partial sums, nothing is drained. Its bank is step.bank's value at its last step.
    waits_for_bank (out, flag): for the counters.
    """
    state_type = enum("IDLE", "HEADER", "WEIGHTS", "TAIL", "DUMMY", "PARAMETERS", "FINISH")
    state = Signal(state_type.IDLE)
    block_bits, lanes, columns = config.block_channels, config.lanes, config.columns
    clusters, groups = config.clusters, config.masks_per_header
    index_bits = (block_bits - 1).bit_length()
    all_clusters = (1 << clusters) - 1
    rows_left, columns_left = unsigned(6), unsigned(6)
    kernel_height, kernel_width, blocks = unsigned(6), unsigned(6), unsigned(10)
    split, packed, dynamic, depthwise, accumulate, keep, void, any_step = (flag() for _ in range(8))
    always_on, products = flag(), unsigned(8)
    tap_step, tap_row_step = unsigned(18), signed(20)
    offset, block_offset, block_number = signed(OFFSET_BITS), signed(OFFSET_BITS), unsigned(10)
    ky, kx = unsigned(6), unsigned(6)
    header = unsigned(max(block_bits * groups, 8 * columns))
    group_left = unsigned(5)
    # `mask` and `mask_kept` are the block's channels in the stream and those that take part; `left` and `kept` what the present kernel position
    # still has to come.
    mask, mask_kept, left, kept, after = (unsigned(block_bits) for _ in range(5))
    new_mask, new_kept = unsigned(block_bits), unsigned(block_bits)
    empty, several, several_kept, keeps_channel = flag(), flag(), flag(), flag()
    index, first = unsigned(index_bits), unsigned(index_bits)
    lane, cluster = unsigned(4), unsigned(3)
    record, part, enabled, add, active = unsigned(8), unsigned(2), flag(), flag(), flag()
    idle, opens_parameters, last_parameter = flag(), flag(), flag()
    bank, finished, can_take, takes_weights, last_set, begins_block, takes_parameter, ends_mask, ends_step = (flag() for _ in range(9))
    place_offset, place_x, channel = signed(OFFSET_BITS), unsigned(PLACE_BITS - 1), unsigned(index_bits)
    lane_bits, record_bits, part_bits = len(write.lane), len(write.record), len(write.part)

    search = first_set(left, index, after)
    count_left = more_than_one(left, several)
    count_kept = more_than_one(kept, several_kept)
    parameters = parameter_loader(clk, idle, opens_parameters, active, takes_parameter, conv.filters, filter_address, filter_word, always_on, split,
                                  add, record, part, enabled, last_parameter, config)
    places = step_place(packed, offset, kx, block_number, index, first, lane, place_offset, place_x, channel, config)

    @always_comb
    def decide():
        can_take.next = not step.prepared or take
        last_set.next = not split or cluster == clusters - 1
        keeps_channel.next = kept[index]
        idle.next = state == state_type.IDLE
        ready.next = state == state_type.IDLE
        active.next = state == state_type.PARAMETERS
        finish.next = finished
        waits_for_bank.next = state == state_type.PARAMETERS and not bank_free[bank]

    @always_comb
    def follow_stream():
        takes_weights.next = state == state_type.WEIGHTS and beat_valid and can_take and not empty
        takes_parameter.next = state == state_type.PARAMETERS and beat_valid and bank_free[bank]

    @always_comb
    def look_ahead():
        ends_mask.next = takes_weights and last_set and not several
        ends_step.next = takes_weights and last_set and keeps_channel and (not several_kept or lane == lanes - 1)

    @always_comb
    def end_block():
        begins_block.next = (state == state_type.WEIGHTS and empty) or (ends_mask and columns_left == 0 and rows_left == 0)

    @always_comb
    def open_parameters():
        opens_parameters.next = (state == state_type.TAIL and any_step) or (state == state_type.DUMMY and can_take)

    @always_comb
    def handshake():
        beat_ready.next = False
        if state == state_type.HEADER:
            beat_ready.next = True
        elif state == state_type.WEIGHTS:
            beat_ready.next = can_take and not empty
        elif state == state_type.PARAMETERS:
            beat_ready.next = bank_free[bank]

    @always_comb
    def look_at_mask():
        new_mask.next = header[block_bits:]
        if state == state_type.HEADER:
            new_mask.next = beat_data[block_bits:]

    @always_comb
    def keep_channels():
        new_kept.next = new_mask
        if dynamic:
            new_kept.next = new_mask & dynamic_word

    @always_comb
    def describe_beat():
        write.enable.next = takes_weights
        write.lane.next = lane[lane_bits:]
        write.clusters.next = all_clusters
        if split:
            write.clusters.next = 0
            write.clusters.next[cluster] = True
        write.parameter.next = takes_parameter
        write.bank.next = bank
        write.record.next = record[record_bits:]
        write.part.next = part[part_bits:]
        write.enabled.next = enabled

    @always(clk.posedge)
    def take_settings():
        if state == state_type.IDLE:
            kernel_height.next = shape.kernel_height - 1
            kernel_width.next = shape.kernel_width - 1
            blocks.next = shape.blocks - 1
            split.next = shape.split
            packed.next = shape.packed
            dynamic.next = shape.dynamic
            depthwise.next = shape.depthwise
            tap_step.next = walk.tap_step
            tap_row_step.next = walk.tap_row_step
            accumulate.next = conv.accumulate
            keep.next = conv.keep
            void.next = conv.void
            products.next = conv.columns
            always_on.next = conv.planes == 0
            add.next = adds

    @always(clk.posedge)
    def walk_window():
        if state == state_type.IDLE:
            block_offset.next = 0
            block_number.next = 0
            mask_number.next = shape.first_block
        elif begins_block:
            block_offset.next = block_offset + block_bits
            block_number.next = block_number + 1
        if (state == state_type.HEADER and beat_valid) or (begins_block and group_left != 0):
            mask_number.next = mask_number + 1
        if begins_block or state == state_type.HEADER:
            offset.next = block_offset
            if begins_block:
                offset.next = block_offset + block_bits
            ky.next = 0
            kx.next = 0
            columns_left.next = kernel_width
            rows_left.next = kernel_height
        elif ends_mask:
            if columns_left != 0:
                columns_left.next = columns_left - 1
                kx.next = kx + 1
                offset.next = offset + tap_step
            else:
                columns_left.next = kernel_width
                rows_left.next = rows_left - 1
                kx.next = 0
                ky.next = ky + 1
                offset.next = offset + tap_row_step

    @always(clk.posedge)
    def follow_masks():
        if state == state_type.HEADER:
            header.next = beat_data >> block_bits
            group_left.next = groups - 1
        elif begins_block:
            header.next = header >> block_bits
            group_left.next = group_left - 1
        if begins_block or state == state_type.HEADER:
            mask.next = new_mask
            left.next = new_mask
            mask_kept.next = new_kept
            kept.next = new_kept
            empty.next = new_mask == 0
        elif ends_mask:
            left.next = mask
            kept.next = mask_kept
        elif takes_weights and last_set:
            left.next = after
            kept.next = kept & after

    @always(clk.posedge)
    def fill_step():
        if take:
            step.prepared.next = False
        if takes_weights:
            if lane == 0:
                step.offset.next = place_offset
                step.ky.next = ky
                step.x.next = place_x
                step.first.next = not any_step and not accumulate
                step.opens.next = not any_step
                step.bank.next = bank
                step.brief.next = False
            if keeps_channel:
                if lane == 0:
                    step.lanes.next = 1
                    step.products.next = products
                    if cluster == 0:
                        first.next = index
                else:
                    step.lanes.next[lane] = True
                    if cluster == 0 and not depthwise:
                        step.products.next = step.products + products
                if last_set:
                    lane.next = lane + 1
            if ends_step:
                lane.next = 0
                step.prepared.next = True
                any_step.next = True
            cluster.next = cluster + 1
            if last_set:
                cluster.next = 0
        elif state == state_type.DUMMY and can_take:
            step.prepared.next = True
            any_step.next = True
            step.lanes.next = 0
            step.products.next = 0
            step.first.next = not accumulate
            step.opens.next = True
            step.bank.next = bank
            step.brief.next = void and not keep
        elif state == state_type.IDLE:
            any_step.next = False
            cluster.next = 0
            lane.next = 0
        if clear:
            step.prepared.next = False

    @always(clk.posedge)
    def run():
        if finish_taken:
            finished.next = False
        if state == state_type.IDLE:
            if start and conv.void:
                state.next = state_type.DUMMY
            elif start:
                state.next = state_type.HEADER
        elif state == state_type.HEADER:
            if beat_valid:
                state.next = state_type.WEIGHTS
        elif state == state_type.WEIGHTS:
            if begins_block and block_number == blocks:
                state.next = state_type.TAIL
            elif begins_block and group_left == 0:
                state.next = state_type.HEADER
        elif state == state_type.TAIL:
            if not any_step:
                state.next = state_type.DUMMY
            elif keep:
                state.next = state_type.FINISH
            else:
                state.next = state_type.PARAMETERS
        elif state == state_type.DUMMY:
            if can_take:
                state.next = state_type.PARAMETERS
                if keep or void:
                    state.next = state_type.FINISH
        elif state == state_type.PARAMETERS:
            if last_parameter:
                state.next = state_type.FINISH
        elif state == state_type.FINISH:
            if can_take and (not finished or finish_taken):
                finished.next = True
                keeps.next = keep
                if not keep:
                    bank.next = not bank
                state.next = state_type.IDLE
        if clear:
            state.next = state_type.IDLE
            finished.next = False
            bank.next = False

    channel_registers = [lane_channel(clk, takes_weights, lane, channel, step.channels[j], j) for j in range(lanes)]

    return (search, count_left, count_kept, parameters, places, decide, follow_stream, look_ahead, end_block, open_parameters, handshake,
            look_at_mask, keep_channels, describe_beat, take_settings, walk_window, follow_masks, fill_step, run, channel_registers)
