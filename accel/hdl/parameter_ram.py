# SPDX-License-Identifier: BSD-2-Clause
"""The output parameters (bias, multiplier, shift) of two tiles, written from the weight stream and read by the drain."""

from myhdl import always, always_comb, block, concat, ConcatSignal

from accel.hdl.interfaces import flag, signed, unsigned


class Record:
    """The parameters of one output channel: bias, multiplier (not negative: bit 31 is dropped), shift (-31 to 30).

    `enabled`: the channel's filter is not masked.
    """

    def __init__(self):
        self.bias = signed(32)
        self.multiplier = unsigned(31)
        self.shift = signed(6)
        self.enabled = flag()


def group_address_bits(config):
    """Bits of the read address {bank, cluster * groups + group}, where a group is `requantise_lanes` columns; see sum_group."""
    return 1 + sum_group(config).bit_length()


def sum_group(config):
    """The number of the group that holds the addition's records, behind those of all clusters."""
    return config.clusters * config.columns // config.requantise_lanes


@block
def parameter_ram(clk, write, data, read_address, records, config):
    """Two banks of clusters x columns records and the addition's, in LUT RAM. Takes a beat and gives a group of records in every cycle.

    write (in, WeightWrite): `parameter` says that data (in, unsigned 8 * columns) is part `part` of the 16-byte record `record`; part 0
        comes with the record's `enabled`. The addition's records are the requantise_lanes behind the others.
    read_address (in, unsigned group_address_bits(config)): {bank, cluster * groups + group} or {bank, sum_group}.
    records (out, list of `requantise_lanes` Records): the group at the read_address of the cycle before.
    """
    lanes, beat_bits = config.requantise_lanes, 8 * config.beat_bytes
    lane_bits = (lanes - 1).bit_length()
    address = unsigned(group_address_bits(config))
    places = field_places(beat_bits)
    # What each part stores: its bits of the record that are in use, part 0 also `enabled`.
    if beat_bits == 128:
        words = [ConcatSignal(data(70, 64), write.enabled, data(63, 0))]
    elif beat_bits == 64:
        words = [ConcatSignal(write.enabled, data(63, 0)), data(6, 0)]
    else:
        words = [ConcatSignal(write.enabled, data(32, 0)), data(31, 0), data(6, 0)]
    memories, fields = [], []
    for j in range(lanes):
        read = [unsigned(len(word)) for word in words]
        memories += [memory(clk, write, words[i], address, read_address, read[i], j, i, config) for i in range(len(words))]
        fields += [field_of(read[part], low, getattr(records[j], name)) for name, (part, low) in places.items()]
    return write_address(write, address, lane_bits), memories, fields


def field_places(beat_bits):
    """Return {field of Record: (part, lowest bit)} in what the parts of a record store when a beat has `beat_bits` bits."""
    multiplier, shift = divmod(32, beat_bits), divmod(64, beat_bits)
    return {"bias": (0, 0), "multiplier": multiplier, "enabled": (0, min(63, beat_bits)), "shift": shift}


@block
def write_address(write, address, shift):
    """address (out): where the record lies in its lane. Combinational."""
    bits = len(write.record)

    @always_comb
    def split():
        address.next = concat(write.bank, write.record[bits:shift])

    return split


@block
def memory(clk, write, word, address, read_address, read_word, lane, part, config):
    """Part `part` of the records of the columns with remainder `lane` modulo requantise_lanes; read_word (out) a cycle after its address."""
    lane_mask, bits = config.requantise_lanes - 1, len(word)
    words = [unsigned(bits) for _ in range(1 << len(read_address))]

    @always(clk.posedge)
    def store():
        if write.parameter and (write.record & lane_mask) == lane and write.part == part:
            words[address].next = word

    @always(clk.posedge)
    def read():
        read_word.next = words[read_address]

    return store, read


@block
def field_of(word, low, field):
    """field (out) is the bits of word from `low` on. Combinational."""
    bits = len(field) or 1
    high = low + bits

    if bits == 1:
        @always_comb
        def take():
            field.next = word[low]
    elif field.min < 0:
        @always_comb
        def take():
            field.next = word[high:low].signed()
    else:
        @always_comb
        def take():
            field.next = word[high:low]

    return take
