# SPDX-License-Identifier: BSD-2-Clause
"""One cluster's activation buffer in block RAM: written by the beat, read by the word."""

from myhdl import always, always_comb, block, ConcatSignal

from accel.hdl.interfaces import flag, unsigned


@block
def buffer_bank(clk, write, number, cluster, address, data, config):
    """The beats of the words' plane `number`; data (out) two cycles after address (in, the word)."""
    memory = [unsigned(8 * config.beat_bytes) for _ in range(config.activation_words)]
    fetched, word, mine = unsigned(8 * config.beat_bytes), unsigned((config.activation_words - 1).bit_length()), flag()
    planes = config.beats_per_word
    plane_bits = planes - 1

    @always_comb
    def select():
        mine.next = write.enable and write.clusters[cluster] and (planes == 1 or write.address[0] == number)
        word.next = write.address >> plane_bits

    @always(clk.posedge)
    def store():
        if mine:
            memory[word].next = write.data

    @always(clk.posedge)
    def fetch():
        fetched.next = memory[address]

    @always(clk.posedge)
    def register():
        data.next = fetched

    return select, store, fetch, register


@block
def activation_buffer(clk, write, cluster, addresses, word, config):
    """write (in, BufferWrite), taken where its bit `cluster` is set. word (out, unsigned 8 * block_channels): plane i of word addresses[i]
    (in, list) of two cycles before."""
    beats = [unsigned(8 * config.beat_bytes) for _ in range(config.beats_per_word)]
    banks = [buffer_bank(clk, write, i, cluster, addresses[i], beats[i], config) for i in range(config.beats_per_word)]
    joined = ConcatSignal(*reversed(beats)) if len(beats) > 1 else beats[0]

    @always_comb
    def route():
        word.next = joined

    return banks, route
