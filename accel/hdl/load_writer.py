# SPDX-License-Identifier: BSD-2-Clause
"""Writes the beats of a LOAD into the activation buffers; in mode 1 it first unpacks pixels of any size at any byte."""

from myhdl import always, always_comb, block, concat

from accel.hdl.interfaces import flag, unsigned
from accel.registers import ERROR_CODES

ADDRESS_BITS = 18


class LoadJob:
    """A LOAD with its LOAD_SHAPE; `first` and `pitch`: the byte within the beat at which row 0 begins, and how it moves from row to row."""

    def __init__(self, config):
        beat_bits = (config.beat_bytes - 1).bit_length()
        self.mode = flag()
        self.channels, self.row_stride, self.item_stride, self.position = (unsigned(16) for _ in range(4))
        self.rows, self.items, self.destination = unsigned(12), unsigned(14), unsigned(14)
        self.clusters, self.give = unsigned(8), unsigned(8)
        self.first, self.pitch = unsigned(beat_bits), unsigned(beat_bits)


@block
def load_writer(clk, clear, stop, start, job, free, beats, buffer_write, give, fault, config):
    """Takes `job` (in, LoadJob) with start (in, flag) while free (out, flag). beats (in, Stream): all its rows, in order.

    buffer_write (out, BufferWrite): one beat a cycle. give (out, unsigned 8): with the last one. fault (out, Fault): BUFFER.
    """
    beat_bytes, limit = config.beat_bytes, config.activation_words * config.beats_per_word
    bits, code = 8 * config.beat_bytes, ERROR_CODES.BUFFER
    beat_bits, cluster_bits = (config.beat_bytes - 1).bit_length(), config.clusters
    address_bits = len(buffer_write.address)
    mode, busy, held_valid, emit, pop, last_chunk, last_item, last_row, refill = (flag() for _ in range(9))
    channels, row_stride, item_stride, position = (unsigned(16) for _ in range(4))
    rows_left, items_left, channels_left = unsigned(12), unsigned(14), unsigned(17)
    items = unsigned(14)
    pitch, row_first, next_first, offset = (unsigned(beat_bits) for _ in range(4))
    clusters, gives = unsigned(8), unsigned(8)
    row_base, item_base, address = (unsigned(ADDRESS_BITS) for _ in range(3))
    held, chunk, mask, shifted = (unsigned(bits) for _ in range(4))
    size, reach, going = unsigned(beat_bits + 1), unsigned(beat_bits + 2), flag()
    ones = (1 << bits) - 1
    both = unsigned(2 * bits)

    @always_comb
    def measure():
        size.next = beat_bytes
        if channels_left < beat_bytes:
            size.next = channels_left
        last_chunk.next = not mode or channels_left <= beat_bytes
        last_item.next = items_left == 1
        last_row.next = rows_left == 1
        both.next = concat(beats.data, held)

    @always_comb
    def reach_out():
        reach.next = size + offset

    @always_comb
    def align():
        mask.next = ones >> (8 * (beat_bytes - size))
        shifted.next = (both >> (8 * offset)) & ones
        next_first.next = (row_first + pitch) & (beat_bytes - 1)

    @always_comb
    def cut():
        chunk.next = beats.data
        if mode:
            chunk.next = shifted & mask

    @always_comb
    def decide():
        free.next = not busy
        going.next = busy and not fault.valid and not stop
        emit.next = busy and not fault.valid and not stop and (
            (not mode and beats.valid) or (mode and held_valid and (reach <= beat_bytes or beats.valid)))
        refill.next = busy and mode and not held_valid

    @always_comb
    def take():
        beats.ready.next = False
        if refill:
            beats.ready.next = going
        elif emit:
            beats.ready.next = not mode or reach > beat_bytes or (reach == beat_bytes and not (last_chunk and last_item))

    @always(clk.posedge)
    def write():
        buffer_write.enable.next = emit and address < limit
        buffer_write.address.next = address[address_bits:]
        buffer_write.data.next = chunk
        buffer_write.clusters.next = clusters[cluster_bits:]
        give.next = 0
        if emit and last_chunk and last_item and last_row and address < limit:
            give.next = gives
        if clear:
            buffer_write.enable.next = False
            give.next = 0

    @always(clk.posedge)
    def walk():
        if start:
            busy.next = True
            mode.next = job.mode
            channels.next = job.channels
            channels_left.next = job.channels
            row_stride.next = job.row_stride
            item_stride.next = job.item_stride
            position.next = job.position
            rows_left.next = job.rows
            items_left.next = job.items
            items.next = job.items
            pitch.next = job.pitch
            row_first.next = job.first
            offset.next = job.first
            clusters.next = job.clusters
            gives.next = job.give
            row_base.next = job.destination
            item_base.next = job.destination
            address.next = job.destination
            held_valid.next = False
        elif refill:
            if beats.valid and going:
                held.next = beats.data
                held_valid.next = True
        elif emit:
            offset.next = reach[beat_bits:]
            if reach >= beat_bytes:
                held.next = beats.data
                held_valid.next = beats.valid
            if not last_chunk:
                channels_left.next = channels_left - beat_bytes
                address.next = address + 1
            else:
                channels_left.next = channels
                if not last_item:
                    items_left.next = items_left - 1
                    item_base.next = item_base + item_stride
                    address.next = item_base + item_stride
                else:
                    items_left.next = items
                    held_valid.next = False
                    offset.next = next_first
                    row_first.next = next_first
                    row_base.next = row_base + row_stride
                    item_base.next = row_base + row_stride
                    address.next = row_base + row_stride
                    rows_left.next = rows_left - 1
                    if last_row:
                        busy.next = False
        if clear:
            busy.next = False

    @always(clk.posedge)
    def report():
        if emit and address >= limit:
            fault.valid.next = True
            fault.code.next = code
            fault.position.next = position
            fault.detail.next = address
        if clear:
            fault.valid.next = False

    return measure, reach_out, align, cut, decide, take, write, walk, report
