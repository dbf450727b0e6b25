# SPDX-License-Identifier: BSD-2-Clause
"""The memory of the layers' records: written by the counters, read through the registers."""

from myhdl import always, always_comb, block

from accel import isa
from accel.hdl.counters import compute_counters, pending_word
from accel.hdl.interfaces import flag, unsigned
from accel.registers import RECORD_INDEX, RECORD_WORDS, RECORDS


@block
def layer_index(clk, word, index):
    """index (out) is LAYER's index in the instruction word of the cycle before."""
    field = isa.BY_NAME["LAYER"].fields[0]
    low, high = field.low, field.low + (RECORDS - 1).bit_length()

    @always(clk.posedge)
    def keep():
        index.next = word[high:low]

    return keep


@block
def records(clk, clear, activity, cycles, closes, words, values, record_free, read_address, read_data):
    """closes (in, five flags), words (in, five instruction words of the cycle before), values (in, five unsigned 32): fetch bytes, load bytes,
    weight bytes, store bytes, checksum of a layer that ends.

    read_data (out, unsigned 32): the word at read_address (in, record * 16 + field) of two cycles before.
    """
    fields = (RECORD_INDEX.fetch_bytes, RECORD_INDEX.load_bytes, RECORD_INDEX.weight_bytes, RECORD_INDEX.store_bytes, RECORD_INDEX.checksum)
    count = len(fields)
    memory = [unsigned(32) for _ in range(RECORDS * RECORD_WORDS)]
    indices, kept_indices = [unsigned(6) for _ in range(count)], [unsigned(6) for _ in range(count)]
    valid, taken, kept = [flag() for _ in range(count)], [flag() for _ in range(count)], [unsigned(32) for _ in range(count)]
    compute_index, compute_field, compute_value, compute_valid, compute_taken = (
        unsigned(6), unsigned(4), unsigned(32), flag(), flag())
    write, address, data = flag(), unsigned(10), unsigned(32)
    fetched = unsigned(32)
    taken_0, taken_1, taken_2, taken_3, taken_4 = taken
    valid_0, valid_1, valid_2, valid_3, valid_4 = valid
    kept_0, kept_1, kept_2, kept_3, kept_4 = kept
    index_0, index_1, index_2, index_3, index_4 = kept_indices
    field_0, field_1, field_2, field_3, field_4 = fields

    look = [layer_index(clk, words[i], indices[i]) for i in range(count)]
    pending = [pending_word(clk, clear, closes[i], indices[i], values[i], valid[i], kept[i], kept_indices[i], taken[i]) for i in range(count)]
    compute = compute_counters(clk, clear, activity, cycles, compute_index, compute_field, compute_value, compute_valid, compute_taken,
                               record_free)

    @always_comb
    def choose():
        taken_0.next = valid_0
        taken_1.next = valid_1 and not valid_0
        taken_2.next = valid_2 and not valid_1 and not valid_0
        taken_3.next = valid_3 and not valid_2 and not valid_1 and not valid_0
        taken_4.next = valid_4 and not valid_3 and not valid_2 and not valid_1 and not valid_0
        compute_taken.next = compute_valid and not (valid_0 or valid_1 or valid_2 or valid_3 or valid_4)

    @always(clk.posedge)
    def gather():
        write.next = valid_0 or valid_1 or valid_2 or valid_3 or valid_4 or compute_valid
        address.next = compute_index * 16 + compute_field
        data.next = compute_value
        if valid_0:
            address.next = index_0 * 16 + field_0
            data.next = kept_0
        elif valid_1:
            address.next = index_1 * 16 + field_1
            data.next = kept_1
        elif valid_2:
            address.next = index_2 * 16 + field_2
            data.next = kept_2
        elif valid_3:
            address.next = index_3 * 16 + field_3
            data.next = kept_3
        elif valid_4:
            address.next = index_4 * 16 + field_4
            data.next = kept_4
        if clear:
            write.next = False

    @always(clk.posedge)
    def store():
        if write:
            memory[address].next = data

    @always(clk.posedge)
    def fetch():
        fetched.next = memory[read_address]

    @always(clk.posedge)
    def register():
        read_data.next = fetched

    return look, pending, compute, choose, gather, store, fetch, register
