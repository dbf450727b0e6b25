# SPDX-License-Identifier: BSD-2-Clause
"""First in, first out: a short one in LUT RAM, and a long one in block RAM."""

from myhdl import always, always_comb, block

from accel.hdl.interfaces import Stream, flag, unsigned


@block
def fifo(clk, clear, source, target, level, depth):
    """source (in, Stream) to target (out, Stream), `depth` words, a power of two, in LUT RAM; a word comes out the cycle after it went in.

    level (out, unsigned depth.bit_length()): words held.
    """
    bits = len(source.data)
    memory = [unsigned(bits) for _ in range(depth)]
    write_pointer, read_pointer = unsigned((depth - 1).bit_length()), unsigned((depth - 1).bit_length())
    push, pop = flag(), flag()
    last = depth - 1

    @always_comb
    def handshake():
        source.ready.next = level != depth
        target.valid.next = level != 0

    @always_comb
    def move():
        push.next = source.valid and level != depth
        pop.next = target.ready and level != 0

    @always_comb
    def read():
        target.data.next = memory[read_pointer]

    @always(clk.posedge)
    def write():
        if push:
            memory[write_pointer].next = source.data

    @always(clk.posedge)
    def count():
        if push:
            write_pointer.next = 0 if write_pointer == last else write_pointer + 1
        if pop:
            read_pointer.next = 0 if read_pointer == last else read_pointer + 1
        if push and not pop:
            level.next = level + 1
        elif pop and not push:
            level.next = level - 1
        if clear:
            write_pointer.next = 0
            read_pointer.next = 0
            level.next = 0

    return handshake, move, read, write, count


@block
def block_fifo(clk, clear, source, target, level, depth):
    """The same in block RAM: `depth` words plus the few on their way out; a word comes out four cycles after it went in.

    level (out, unsigned (depth + 4).bit_length()): words held, those on their way out included. Keeps one word a cycle.
    """
    bits = len(source.data)
    memory = [unsigned(bits) for _ in range(depth)]
    pointer_bits = (depth - 1).bit_length()
    write_pointer, read_pointer = unsigned(pointer_bits), unsigned(pointer_bits)
    stored, ahead = unsigned(depth.bit_length()), unsigned(3)
    push, fetch, pop, arriving, leaving = flag(), flag(), flag(), flag(), flag()
    fetched = unsigned(bits)
    out, out_level = Stream(bits), unsigned(3)
    last = depth - 1

    ahead_fifo = fifo(clk, clear, out, target, out_level, 4)

    @always_comb
    def handshake():
        source.ready.next = stored != depth

    @always_comb
    def move():
        push.next = source.valid and stored != depth
        pop.next = target.valid and target.ready
        fetch.next = stored != 0 and ahead != 4

    @always(clk.posedge)
    def write():
        if push:
            memory[write_pointer].next = source.data

    @always(clk.posedge)
    def read():
        fetched.next = memory[read_pointer]

    @always(clk.posedge)
    def register():
        out.data.next = fetched

    @always(clk.posedge)
    def count():
        arriving.next = fetch
        leaving.next = arriving
        if push:
            write_pointer.next = 0 if write_pointer == last else write_pointer + 1
        if fetch:
            read_pointer.next = 0 if read_pointer == last else read_pointer + 1
        if push and not fetch:
            stored.next = stored + 1
        elif fetch and not push:
            stored.next = stored - 1
        if fetch and not pop:
            ahead.next = ahead + 1
        elif pop and not fetch:
            ahead.next = ahead - 1
        if push and not pop:
            level.next = level + 1
        elif pop and not push:
            level.next = level - 1
        if clear:
            write_pointer.next = 0
            read_pointer.next = 0
            stored.next = 0
            ahead.next = 0
            level.next = 0
            arriving.next = False
            leaving.next = False

    @always_comb
    def route():
        out.valid.next = leaving

    return ahead_fifo, handshake, move, write, read, register, count, route
