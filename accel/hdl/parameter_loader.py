# SPDX-License-Identifier: BSD-2-Clause
"""Counts the parameter records at the end of a tile's stream: those of its output channels, then an addition's."""

from myhdl import always, always_comb, block

from accel.hdl.interfaces import flag, unsigned


@block
def parameter_loader(clk, begins, opens, active, takes, filters, filter_address, filter_word, always_on, split, add, record, part, enabled, last,
                     config):
    """Names the record of each beat of parameters, which takes (in, flag) says is taken.

    begins (in, flag): in the cycles before a tile; opens (in, flag): in the cycle before its parameters, three cycles or more after those;
        active (in, flag): while they come.
    filters (in): the tile's first word of the filter mask; filter_address (out), filter_word (in, two cycles later): that memory.
    always_on, split, add (in, flags): no filter mask counts; the clusters have records of their own; there are records of an addition.
    record, part (out): the beat's place in the parameter RAM; enabled (out, flag): its filter takes part. last (out, flag): takes the last beat.
    """
    clusters, columns, lanes, parameter_beats = config.clusters, config.columns, config.requantise_lanes, config.parameter_beats
    last_column, last_lane, last_record, first_sum = columns - 1, lanes - 1, clusters * columns - 1, clusters * columns
    column, on, summing = unsigned(4), unsigned(columns), flag()
    ends_record, ends_set, ends_columns = flag(), flag(), flag()

    @always_comb
    def look():
        ends_record.next = takes and part == parameter_beats - 1
        ends_set.next = column == last_column
        ends_columns.next = column == last_column and (not split or record == last_record)

    @always_comb
    def conclude():
        enabled.next = on[0] or summing
        last.next = ends_record and ((ends_columns and not add) or (summing and column == last_lane))

    @always(clk.posedge)
    def count():
        if begins:
            filter_address.next = filters
            record.next = 0
            part.next = 0
            column.next = 0
            summing.next = False
        elif opens:
            # The word of the first set has been there for long: that of the second comes in the meantime.
            filter_address.next = filter_address + 1
        elif takes:
            part.next = part + 1
            if ends_record:
                part.next = 0
                record.next = record + 1
                column.next = column + 1
                if ends_set:
                    column.next = 0
                    filter_address.next = filter_address + 1
                if ends_columns:
                    record.next = first_sum
                    summing.next = True

    @always(clk.posedge)
    def follow_filters():
        if not active or (ends_record and ends_set):
            on.next = filter_word
            if always_on:
                on.next = (1 << columns) - 1
        elif ends_record:
            on.next = on >> 1

    return look, conclude, count, follow_filters
