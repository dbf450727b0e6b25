# SPDX-License-Identifier: BSD-2-Clause
"""Reads the compute engine's instructions: keeps settings, starts convolutions and pools in order, refuses illegal fields."""

from myhdl import always, always_comb, block

from accel import isa
from accel.hdl.fields import bits_of, semaphore_mask, span
from accel.hdl.interfaces import flag, unsigned
from accel.hdl.settings import settings_register
from accel.registers import ERROR_CODES


@block
def run_register(clk, clear, write, word, run, present, conv_too_short, number):
    """run (out, Settings of TILE) takes TILE instructions for cluster `number`; present (out, flag): there was one in this job.
    conv_too_short (out, flag): the run has more pixels than the CONV in `word` says."""
    high, low = span("TILE", "cluster")
    pixels_high, pixels_low = span("CONV", "pixels")
    mine = flag()

    @always_comb
    def select():
        mine.next = write and word[high:low] == number
        conv_too_short.next = not present or run.pixels > word[pixels_high:pixels_low]

    @always(clk.posedge)
    def remember():
        if mine:
            present.next = True
        if clear:
            present.next = False

    return select, remember, settings_register(clk, mine, word, run)


@block
def zero_field(word, zero, high, low):
    """zero (out, flag): word[high:low] is 0. Combinational."""

    @always_comb
    def compare():
        zero.next = word[high:low] == 0

    return compare


@block
def compute_control(clk, clear, instructions, waiting, opened, loader_ready, pool_idle, issued, quiet, start_conv, start_pool, write_mask,
                    layer_end, layer_index, record_free, stop, fault, config):
    """Takes an instruction in two cycles or more: one to look at it, then as soon as what it needs is free.

    instructions (in, InstructionStream). waiting (out, Tile): the settings, held from start_conv until opened (in, flag).
    loader_ready (in, flag): a CONV may start. pool_idle (in, flag): no pool is under way.
    issued (in, flag): no convolution or pool has anything left to read. quiet (in, flag): nor is anything left to drain.
    start_conv, start_pool (out, flags): one pulse each. write_mask (out, flag): a MASK is taken. layer_end (out, flag),
    layer_index (out): a LAYER passes. record_free (in, flag): the counters take the end of a layer. stop (in, flag): another part of the
    engine has failed. fault (out, Fault): BAD_FIELD.
    """
    op = isa.OPCODES
    op_shape, op_walk, op_drain, op_tile, op_conv, op_pool, op_mask = op.SHAPE, op.WALK, op.DRAIN, op.TILE, op.CONV, op.POOL, op.MASK
    opcode_high, clusters, tile_pixels = isa.OPCODE.bits, config.clusters, config.tile_pixels
    bad_field = ERROR_CODES.BAD_FIELD
    cluster_high, cluster_low = span("TILE", "cluster")
    pixels_high, pixels_low = span("CONV", "pixels")
    index_high, index_low = span("LAYER", "index")
    pool_high, pool_low = span("DRAIN", "pool_columns")
    _, add_bit = span("DRAIN", "add")
    void_bit, keep_bit = span("CONV", "void")[1], span("CONV", "keep")[1]
    word = instructions.word
    shape_zero = [flag() for _ in range(8)]
    known = [flag() for _ in range(3)]
    present = [flag() for _ in range(clusters)]
    too_short = [flag() for _ in range(clusters)]
    any_too_short, any_shape_zero = bits_of(too_short), bits_of(shape_zero)
    looked, bad, pending, act, free = flag(), flag(), flag(), flag(), flag()
    detail = unsigned(32)
    opcode = unsigned(6)
    write_shape, write_walk, write_drain, write_tile, write_conv = (flag() for _ in range(5))
    mask = unsigned(8)
    all_known = flag()
    first_run, first_present = waiting.runs[0], present[0]

    registers = [
        settings_register(clk, write_shape, word, waiting.shape), settings_register(clk, write_walk, word, waiting.walk),
        settings_register(clk, write_drain, word, waiting.drain), settings_register(clk, write_conv, word, waiting.conv)]
    runs = [run_register(clk, clear, write_tile, word, waiting.runs[c], present[c], too_short[c], c) for c in range(clusters)]
    semaphores = semaphore_mask(word, mask)
    zeros = [zero_field(word, shape_zero[i], *span("SHAPE", name)) for i, name in enumerate((
        "kernel_height", "kernel_width", "blocks", "stride_y", "stride_x", "height", "width", "output_width"))]
    shape_known, walk_known, drain_known = known

    @always_comb
    def decode():
        opcode.next = word[opcode_high:]
        all_known.next = shape_known and walk_known and drain_known

    @always(clk.posedge)
    def look():
        looked.next = instructions.valid and not act
        bad.next = False
        detail.next = 0
        if opcode == op_shape:
            bad.next = any_shape_zero != 0
        elif opcode == op_drain:
            bad.next = word[pool_low] or (word[add_bit] and word[pool_high:pool_low] != 0)
        elif opcode == op_tile:
            bad.next = word[cluster_high:cluster_low] >= clusters
            detail.next = word[cluster_high:cluster_low]
        elif opcode == op_conv:
            bad.next = (not all_known or any_too_short != 0 or word[pixels_high:pixels_low] == 0
                        or word[pixels_high:pixels_low] + waiting.shape.dynamic > tile_pixels
                        or (waiting.drain.add and word[void_bit] and not word[keep_bit]))
            detail.next = word[pixels_high:pixels_low]
        elif opcode == op_pool:
            bad.next = not all_known or not first_present or first_run.pixels == 0
        if clear:
            looked.next = False

    @always_comb
    def choose():
        free.next = False
        if opcode == op_conv or opcode == op_mask:
            free.next = loader_ready and pool_idle and not pending
        elif opcode == op_shape or opcode == op_walk or opcode == op_drain or opcode == op_tile:
            free.next = pool_idle and not pending
        elif opcode == op_pool:
            free.next = quiet and not pending
        else:
            free.next = issued and not pending and record_free

    @always_comb
    def go():
        act.next = instructions.valid and looked and free and not bad and not stop and not fault.valid

    @always_comb
    def answer():
        instructions.ready.next = act
        write_shape.next = act and opcode == op_shape
        write_walk.next = act and opcode == op_walk
        write_drain.next = act and opcode == op_drain
        write_tile.next = act and opcode == op_tile
        write_conv.next = act and opcode == op_conv
        write_mask.next = act and opcode == op_mask

    @always(clk.posedge)
    def start():
        start_conv.next = False
        start_pool.next = False
        layer_end.next = False
        if opened:
            pending.next = False
        if act:
            if opcode == op_conv:
                start_conv.next = True
                pending.next = True
            elif opcode == op_pool:
                start_pool.next = True
            elif opcode == op_shape:
                shape_known.next = True
            elif opcode == op_walk:
                walk_known.next = True
            elif opcode == op_drain:
                drain_known.next = True
            elif opcode != op_tile and opcode != op_mask:
                layer_end.next = True
                layer_index.next = word[index_high:index_low]
            if opcode == op_conv or opcode == op_pool:
                waiting.position.next = instructions.position
                waiting.give.next = mask
        if clear:
            pending.next = False
            shape_known.next = False
            walk_known.next = False
            drain_known.next = False

    @always(clk.posedge)
    def refuse():
        if instructions.valid and looked and bad and not fault.valid:
            fault.valid.next = True
            fault.code.next = bad_field
            fault.position.next = instructions.position
            fault.detail.next = detail
        if clear:
            fault.valid.next = False

    return registers, runs, semaphores, zeros, decode, look, choose, go, answer, start, refuse
