# SPDX-License-Identifier: BSD-2-Clause
"""The output parameters (bias, multiplier, shift) of two tiles, written from the weight stream and read by the drain."""

from myhdl import always, always_comb, block

from accel.hdl.interfaces import signed, unsigned


class Record:
    """The parameters of one output channel: bias, multiplier (not negative: bit 31 is dropped), shift (-31 to 30)."""

    def __init__(self):
        self.bias = signed(32)
        self.multiplier = unsigned(31)
        self.shift = signed(6)


def group_address_bits(config):
    """Bits of the read address {bank, cluster * groups + group}, where a group is `requantise_lanes` columns."""
    return (2 * config.clusters * config.columns // config.requantise_lanes - 1).bit_length()


@block
def parameter_ram(clk, write, data, read_address, records, config):
    """Two banks of clusters x columns records, in LUT RAM. Takes a beat and gives a group of records in every cycle.

    write (in, WeightWrite): `parameter` says that data (in, unsigned 8 * columns) is part `part` of the 16-byte record `record`.
    read_address (in, unsigned group_address_bits(config)): bank * clusters * groups + cluster * groups + group.
    records (out, list of `requantise_lanes` Records): the group at the read_address of the cycle before.
    """
    return [parameter_lane(clk, write, data, read_address, records[j], j, config) for j in range(config.requantise_lanes)]


@block
def parameter_lane(clk, write, data, read_address, record, number, config):
    """The records of the columns with remainder `number` modulo requantise_lanes."""
    lanes, beat = config.requantise_lanes, config.beat_bytes
    groups = config.clusters * config.columns // lanes
    biases = [signed(32) for _ in range(2 * groups)]
    multipliers = [unsigned(31) for _ in range(2 * groups)]
    shifts = [signed(6) for _ in range(2 * groups)]
    multiplier_part, shift_part = 4 // beat, 8 // beat
    multiplier_low, shift_low = 8 * (4 % beat), 8 * (8 % beat)
    multiplier_high, shift_high = multiplier_low + 31, shift_low + 6
    address = unsigned(group_address_bits(config))
    mine = unsigned(1)
    shift_of_lanes = (lanes - 1).bit_length()
    select = lane_address(write, address, mine, lanes, shift_of_lanes, groups, number)

    @always(clk.posedge)
    def store():
        if mine != 0:
            if write.part == 0:
                biases[address].next = data[32:].signed()
            if write.part == multiplier_part:
                multipliers[address].next = data[multiplier_high:multiplier_low]
            if write.part == shift_part:
                shifts[address].next = data[shift_high:shift_low].signed()

    @always(clk.posedge)
    def read():
        record.bias.next = biases[read_address]
        record.multiplier.next = multipliers[read_address]
        record.shift.next = shifts[read_address]

    return select, store, read


@block
def lane_address(write, address, mine, lanes, shift, groups, number):
    """address (out): where the record lies in its lane; mine (out): the lane is `number`. Combinational."""
    @always_comb
    def split():
        mine.next = 0
        if write.parameter and (write.record & (lanes - 1)) == number:
            mine.next = 1
        address.next = write.record >> shift
        if write.bank:
            address.next = (write.record >> shift) + groups

    return split
