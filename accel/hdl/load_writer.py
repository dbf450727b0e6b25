# SPDX-License-Identifier: BSD-2-Clause
"""Writes the rows of a LOAD where it says, items of any size from any byte, one destination beat a cycle."""

from myhdl import always, always_comb, block, concat, intbv

from accel.hdl.byte_shift import byte_shift
from accel.hdl.interfaces import flag, signed, unsigned
from accel.registers import ERROR_CODES, TABLE_WORDS

ADDRESS_BITS = 17  # a step of 16 bits, from within the largest buffer, leads to no other address of a buffer


class LoadJob:
    """A LOAD with its LOAD_SHAPE. `item_top`: bytes of an item less 1; `first` and `pitch`: the byte within the beat at which row 0 begins,
    and how it moves from row to row."""

    def __init__(self, config):
        beat_bits = (config.beat_bytes - 1).bit_length()
        self.item_bytes, self.item_top, self.position = (unsigned(16) for _ in range(3))
        self.item_step, self.row_step = signed(16), signed(16)
        self.rows, self.length, self.destination = unsigned(12), unsigned(20), unsigned(14)
        self.clusters, self.give, self.target = unsigned(8), unsigned(8), unsigned(2)
        self.first, self.pitch = unsigned(beat_bits), unsigned(beat_bits)


@block
def keep_job(clk, start, job, kept):
    """kept (out, LoadJob) takes what the writer needs of job (in, LoadJob) all along with start (in, flag)."""

    @always(clk.posedge)
    def keep():
        if start:
            kept.item_bytes.next = job.item_bytes
            kept.item_top.next = job.item_top
            kept.item_step.next = job.item_step
            kept.row_step.next = job.row_step
            kept.position.next = job.position
            kept.length.next = job.length
            kept.clusters.next = job.clusters
            kept.give.next = job.give
            kept.target.next = job.target
            kept.pitch.next = job.pitch

    return keep


@block
def load_writer(clk, clear, stop, hold, start, job, free, beats, buffer_write, operands, tables, give, fault, config):
    """Takes `job` (in, LoadJob) with start (in, flag) while free (out, flag). beats (in, Stream): all its rows, in order.

    buffer_write (out, BufferWrite), operands (OperandWrite), tables (out, TableWrite): one beat a cycle to one of them, two cycles after its
    last byte was there. hold (in, flag): none leaves, what was under way comes in the two cycles after. give (out, unsigned 8): with the last one.
    fault (out, Fault): BUFFER, or BAD_FIELD where a row ends inside an item.
    """
    beat_bytes, limit, table_words = config.beat_bytes, config.activation_words * config.beats_per_word, TABLE_WORDS
    beyond_code, row_code = ERROR_CODES.BUFFER, ERROR_CODES.BAD_FIELD
    beat_bits, cluster_bits, address_bits = (config.beat_bytes - 1).bit_length(), config.clusters, max(9, len(buffer_write.address))
    buffer_bits = len(buffer_write.address)
    chunk_bits, last_byte, wrap = 16 - beat_bits, config.beat_bytes - 1, (1 << ADDRESS_BITS) - 1
    busy, primed, held_valid, emit, pop, last_chunk, last_item, row_end, straddles, held_done, inside, going, torn, reload, single, last_row = (
        flag() for _ in range(16))
    kept = LoadJob(config)
    rows_left, chunks_left, row_left = unsigned(12), unsigned(chunk_bits), unsigned(21)
    before, inverse, total, row_mask, total_mask = unsigned(21), unsigned(16), unsigned(22), (1 << 21) - 1, (1 << 22) - 1
    row_first, next_first, offset, top = (unsigned(beat_bits) for _ in range(4))
    reach, address, step = unsigned(beat_bits + 1), unsigned(ADDRESS_BITS), unsigned(ADDRESS_BITS)
    held, both = unsigned(8 * beat_bytes), unsigned(16 * beat_bytes)
    blocked, to_operands, to_tables, data = flag(), flag(), flag(), unsigned(8 * config.beat_bytes)
    top_1, last_1, enable_1, finish_1, address_1 = unsigned(beat_bits), flag(), flag(), flag(), unsigned(address_bits)

    keeper = keep_job(clk, start, job, kept)
    shifter = byte_shift(clk, both, offset, last_1, top_1, data, beat_bytes)

    @always_comb
    def name_target():
        to_operands.next = kept.target == 1
        to_tables.next = kept.target == 2

    @always_comb
    def measure():
        both.next = concat(beats.data, held)
        top.next = kept.item_top[beat_bits:]
        last_item.next = row_left[20]
        inverse.next = ~kept.item_bytes
        inside.next = to_operands or (address < limit and not to_tables) or (address < table_words and to_tables)
        next_first.next = (row_first + kept.pitch) & last_byte

    @always_comb
    def reach_out():
        # The last byte of the chunk, counted from the first of `held`.
        reach.next = offset + last_byte
        if last_chunk:
            reach.next = offset + top

    @always_comb
    def compare():
        straddles.next = reach > last_byte
        row_end.next = last_chunk and last_item
        held_done.next = reach >= last_byte or (last_chunk and last_item)

    @always_comb
    def allow():
        free.next = not busy
        blocked.next = hold or (to_operands and not operands.room)
        going.next = busy and primed and not fault.valid and not stop and not blocked

    @always_comb
    def decide():
        emit.next = going and held_valid and (not straddles or beats.valid)

    @always_comb
    def take():
        # A beat is taken to become the held one, or as the second half of a chunk that ends its row.
        pop.next = going and beats.valid and (not held_valid or held_done)
        beats.ready.next = going and (not held_valid or held_done)

    @always_comb
    def choose_step():
        step.next = 1
        if last_chunk:
            step.next = concat(kept.item_step[15], kept.item_step[16:])
            if last_item:
                step.next = concat(kept.row_step[15], kept.row_step[16:])

    @always(clk.posedge)
    def keep_beat():
        if pop:
            held.next = beats.data
        if pop or emit:
            held_valid.next = (pop and not (held_valid and row_end and straddles)) or (held_valid and not held_done)
        if clear:
            held_valid.next = False

    @always(clk.posedge)
    def walk():
        primed.next = busy
        single.next = kept.item_top[16:beat_bits] == 0
        if start:
            busy.next = True
            primed.next = False
            rows_left.next = job.rows
            last_row.next = job.rows == 1
            address.next = job.destination
            row_first.next = job.first
            offset.next = job.first
            chunks_left.next = job.item_top[16:beat_bits]
            last_chunk.next = job.item_top[16:beat_bits] == 0
        elif emit:
            address.next = (address + step) & wrap
            if not last_chunk:
                chunks_left.next = chunks_left - 1
                last_chunk.next = chunks_left == 1
            else:
                chunks_left.next = kept.item_top[16:beat_bits]
                last_chunk.next = single
                offset.next = (reach + 1) & last_byte
                if last_item:
                    offset.next = next_first
                    row_first.next = next_first
                    rows_left.next = rows_left - 1
                    last_row.next = rows_left == 2
                    if last_row:
                        busy.next = False
        if clear:
            busy.next = False

    @always_comb
    def recount():
        reload.next = not primed or (emit and row_end)
        before.next = row_left
        if not primed or (emit and row_end):
            before.next = kept.length

    @always_comb
    def subtract():
        # Bytes of the row after this item less 1: negative in the last item. One less at the first item than at the others: the carry.
        total.next = (concat(before, not reload) + concat(intbv(31)[5:], inverse, True)) & total_mask

    @always(clk.posedge)
    def measure_row():
        if reload or (emit and last_chunk):
            row_left.next = total[22:1]
        torn.next = busy and primed and row_left[20] and row_left != row_mask

    @always_comb
    def reserve():
        operands.reserve.next = emit and to_operands

    @always(clk.posedge)
    def stage():
        top_1.next = top
        last_1.next = last_chunk
        address_1.next = address[address_bits:]
        enable_1.next = emit and inside
        finish_1.next = emit and inside and row_end and last_row
        if clear:
            enable_1.next = False
            finish_1.next = False

    @always(clk.posedge)
    def write():
        buffer_write.enable.next = enable_1 and not to_operands and not to_tables
        buffer_write.address.next = address_1[buffer_bits:]
        buffer_write.clusters.next = kept.clusters[cluster_bits:]
        operands.valid.next = enable_1 and to_operands
        tables.enable.next = enable_1 and to_tables
        tables.address.next = address_1[9:]
        give.next = 0
        if finish_1 and not torn:
            give.next = kept.give
        if clear:
            buffer_write.enable.next = False
            operands.valid.next = False
            tables.enable.next = False

    @always_comb
    def hand_out():
        buffer_write.data.next = data
        operands.data.next = data
        tables.data.next = data[32:]

    @always(clk.posedge)
    def report():
        if not fault.valid:
            fault.position.next = kept.position
            fault.detail.next = 0
            fault.code.next = row_code
            if torn:
                fault.valid.next = True
            elif emit and not inside:
                fault.valid.next = True
                fault.code.next = beyond_code
                fault.detail.next = address[16:]
        if clear:
            fault.valid.next = False

    return (keeper, shifter, name_target, measure, reach_out, compare, allow, decide, take, choose_step, keep_beat, walk, recount, subtract,
            measure_row, reserve, stage, write, hand_out, report)
