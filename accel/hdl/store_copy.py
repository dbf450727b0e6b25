# SPDX-License-Identifier: BSD-2-Clause
"""Copies the beats of a STORE into activation buffers while they move to memory."""

from myhdl import always, always_comb, block

from accel.hdl.delay import delay
from accel.hdl.fields import span
from accel.hdl.interfaces import flag, unsigned

# From a destination outside the largest buffer no burst leads back into it.
ADDRESS_BITS = 15


@block
def store_copy(clk, clear, word, take, gives, position, begin, last_burst, moved, last_beat, beat_1, hold, write, give, beyond, beyond_position,
               address, config):
    """Writes each beat two cycles after it moved; nobody else writes then, if he stops within two cycles of hold (out, flag).

    word (in), kept with take (in, flag): a STORE; gives (in, unsigned 8), position (in), there from the next cycle on: its other semaphores
    and its place. begin (in, flag), last_burst (in, flag): a burst of it begins to move with the next cycle, the last one. moved (in, flag):
    a beat moves, last_beat (in, flag): the burst's last; beat_1 (in, unsigned 8 * columns): it, a cycle later.
    write (out, BufferWrite). give (out, unsigned 8): the copy's semaphore, with the last beat; one that is among `gives` counts there.
    beyond (out, flag): the beat that moves belongs to `address` (out) outside the buffer; beyond_position (out): of that STORE.
    """
    _, clusters_low = span("STORE", "copy_clusters")
    destination_high, destination_low = span("STORE", "copy_destination")
    pitch_high, pitch_low = span("STORE", "copy_pitch")
    signal_high, signal_low = span("STORE", "copy_signal")
    limit, cluster_bits, address_bits = config.activation_words * config.beats_per_word, config.clusters, len(write.address)
    wrap = (1 << ADDRESS_BITS) - 1
    clusters, destination, pitch, signal, first = unsigned(config.clusters), unsigned(14), unsigned(8), unsigned(4), flag()
    moving_clusters, moving_pitch, mask, ends = unsigned(config.clusters), unsigned(8), unsigned(8), flag()
    inside, enable, enable_1, give_now, give_1 = flag(), flag(), flag(), unsigned(8), unsigned(8)
    address_low = unsigned(address_bits)
    late = [delay(clk, beat_1, write.data, 1), delay(clk, address_low, write.address, 2),
            delay(clk, moving_clusters, write.clusters, 2), delay(clk, enable, enable_1, 1), delay(clk, give_now, give_1, 1),
            delay(clk, give_1, give, 1)]

    @always(clk.posedge)
    def keep():
        if take:
            clusters.next = word[clusters_low + cluster_bits:clusters_low]
            destination.next = word[destination_high:destination_low]
            pitch.next = word[pitch_high:pitch_low]
            signal.next = word[signal_high:signal_low]
            first.next = True
        elif begin:
            first.next = False

    @always(clk.posedge)
    def follow():
        if begin:
            hold.next = clusters != 0
            moving_clusters.next = clusters
            moving_pitch.next = pitch
            beyond_position.next = position
            ends.next = last_burst
            for i in range(8):
                mask.next[i] = signal == 8 + i and not gives[i]
        elif moved and last_beat:
            hold.next = False
        if begin and first:
            address.next = destination
        elif moved:
            address.next = (address + moving_pitch) & wrap
        if clear:
            hold.next = False

    @always_comb
    def look():
        inside.next = address < limit
        address_low.next = address[address_bits:]

    @always_comb
    def decide():
        enable.next = moved and hold and inside
        beyond.next = moved and hold and not inside
        give_now.next = 0
        if moved and last_beat and ends:
            give_now.next = mask

    @always(clk.posedge)
    def put_out():
        write.enable.next = enable_1 and not clear

    return late, keep, follow, look, decide, put_out


@block
def merge_writes(loaded, copied, merged):
    """merged (out, BufferWrite) is copied (in) where that has a beat, else loaded (in): they never have one in the same cycle. Combinational."""

    @always_comb
    def choose():
        merged.enable.next = loaded.enable or copied.enable
        merged.clusters.next = loaded.clusters
        merged.address.next = loaded.address
        merged.data.next = loaded.data
        if copied.enable:
            merged.clusters.next = copied.clusters
            merged.address.next = copied.address
            merged.data.next = copied.data

    return choose
