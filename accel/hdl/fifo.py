# SPDX-License-Identifier: BSD-2-Clause
"""First in, first out: a short one in LUT RAM, and a long one in block RAM."""

from myhdl import always, always_comb, block

from accel.hdl.interfaces import flag, unsigned


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
    """The same in block RAM: `depth` words plus the two on their way out; a word comes out three cycles after it went in.

    level (out, unsigned (depth + 2).bit_length()): words held, those on their way out included. Keeps one word a cycle.
    """
    bits = len(source.data)
    memory = [unsigned(bits) for _ in range(depth)]
    pointer_bits = (depth - 1).bit_length()
    write_pointer, read_pointer = unsigned(pointer_bits), unsigned(pointer_bits)
    stored, push, pop, fetch, move_on = unsigned(depth.bit_length()), flag(), flag(), flag(), flag()
    there, fetching, fetched_valid, fetched, out_valid, out = flag(), flag(), flag(), unsigned(bits), flag(), unsigned(bits)
    pointer_mask = depth - 1

    @always_comb
    def look():
        there.next = stored != 0
        source.ready.next = stored != depth
        target.valid.next = out_valid
        target.data.next = out

    @always_comb
    def move():
        # Two registers, the memory's own and the output's: each takes a word when it is empty or its word moves on.
        push.next = source.valid and stored != depth
        pop.next = out_valid and target.ready
        move_on.next = not out_valid or target.ready

    @always_comb
    def decide():
        fetch.next = not fetched_valid or move_on
        fetching.next = there and (not fetched_valid or move_on)

    @always(clk.posedge)
    def write():
        if push:
            memory[write_pointer].next = source.data

    @always(clk.posedge)
    def read():
        if fetch:
            fetched.next = memory[read_pointer]

    @always(clk.posedge)
    def put_out():
        if move_on:
            out.next = fetched

    @always(clk.posedge)
    def count():
        if push:
            write_pointer.next = (write_pointer + 1) & pointer_mask
        if fetching:
            read_pointer.next = (read_pointer + 1) & pointer_mask
        if push and not fetching:
            stored.next = stored + 1
        elif fetching and not push:
            stored.next = stored - 1
        if push and not pop:
            level.next = level + 1
        elif pop and not push:
            level.next = level - 1
        if fetch:
            fetched_valid.next = there
        if move_on:
            out_valid.next = fetched_valid
        if clear:
            write_pointer.next = 0
            read_pointer.next = 0
            stored.next = 0
            level.next = 0
            fetched_valid.next = False
            out_valid.next = False

    return look, move, decide, write, read, put_out, count
