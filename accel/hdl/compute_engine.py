# SPDX-License-Identifier: BSD-2-Clause
"""The compute engine: instructions and weight stream in, activation buffers written from outside, output beats out."""

from myhdl import always, always_comb, block

from accel.hdl.activation_buffer import activation_buffer
from accel.hdl.compute_control import compute_control
from accel.hdl.compute_reports import activity_of, buffer_fault, give_semaphores
from accel.hdl.delay import delay
from accel.hdl.depthwise import OwnBytes, own_bytes
from accel.hdl.drain import drain
from accel.hdl.drain_walker import DrainStart, GridRead
from accel.hdl.dynamic_mask import dynamic_mask
from accel.hdl.gather import gather
from accel.hdl.interfaces import Fault, Stream, flag, signed, unsigned
from accel.hdl.parameter_ram import Record, group_address_bits, parameter_ram
from accel.hdl.pe_grid import GRID_LATENCY, pe_grid
from accel.hdl.pixel_walker import Place
from accel.hdl.pool_engine import pool_engine
from accel.hdl.requantise_lane import ROUNDING
from accel.hdl.settings import copy_register
from accel.hdl.step import OFFSET_BITS, Step, WeightWrite
from accel.hdl.step_loader import step_loader
from accel.hdl.walker import Pixel, Tile, walker

# Cycles from frame s0 to the grid's inputs: the address, the buffer's two, the gather's two.
TO_PLACE, TO_GATHER, TO_GRID = 2, 3, 5


@block
def delayed_start(clk, clear, fire, keeps, bank, tile, start, target, allowed, config):
    """target (out, DrainStart) takes the tile's numbers at fire (in, flag); start (out, flag): the grid has added its last pixel.

    allowed (out, flag): no tile is between the two.
    """
    sends, under_way = flag(), flag()
    slot, pixels = unsigned(len(target.slot)), [unsigned(len(target.pixels[0])) for _ in range(config.clusters)]
    cuts = [low_bits(tile.conv.pixels, slot), [low_bits(tile.runs[c].pixels, pixels[c]) for c in range(config.clusters)]]
    sources = {"bank": bank, "split": tile.shape.split, "void": tile.conv.void, "dynamic": tile.shape.dynamic, "slot": slot,
               **{name: getattr(tile.drain, name) for name in DrainStart.OF_DRAIN}}
    numbers = [copy_register(clk, sends, sources[name], getattr(target, name)) for name in DrainStart.NAMES]
    runs = [copy_register(clk, sends, pixels[c], target.pixels[c]) for c in range(config.clusters)]
    late = delay(clk, sends, start, TO_GRID + GRID_LATENCY)

    @always_comb
    def decide():
        sends.next = fire and not keeps
        allowed.next = not under_way

    @always(clk.posedge)
    def follow():
        if sends:
            under_way.next = True
        elif start:
            under_way.next = False
        if clear:
            under_way.next = False

    return cuts, numbers, runs, late, decide, follow


@block
def low_bits(source, target):
    """target (out) is the low bits of source. Combinational."""
    bits = len(target)

    @always_comb
    def cut():
        target.next = source[bits:]

    return cut


@block
def choose_address(pooling, conv_address, pool_address, address):
    """address (out) is the pool's while one is under way. Combinational."""

    @always_comb
    def choose():
        address.next = conv_address
        if pooling:
            address.next = pool_address

    return choose


@block
def cluster_path(clk, buffer_write, number, pixel_valid, conv_addresses, pool_addresses, pooling, place, channels_2, packed_2, lanes_3,
                 zero_point_3, depthwise_3, activations, own, valid, word, config):
    """A cluster's buffer and gather: activations, own and valid (out) at the grid, TO_GRID cycles after pixel_valid (in)."""
    outside = flag()
    addresses = [unsigned(len(conv_addresses[0])) for _ in conv_addresses]
    choices = [choose_address(pooling, conv_addresses[i], pool_addresses[i], addresses[i]) for i in range(len(addresses))]
    return (choices, activation_buffer(clk, buffer_write, number, addresses, word, config),
            gather(clk, word, place, channels_2, packed_2, lanes_3, zero_point_3, activations, outside, config),
            own_bytes(clk, word, place, outside, depthwise_3, lanes_3, own, config), delay(clk, pixel_valid, valid, TO_GRID))


@block
def shadow_enable(clk, write, number, enable):
    """enable (out, flag): cluster `number` takes the weight beat, TO_GRID cycles after the loader took it."""
    mine = flag()

    @always_comb
    def select():
        mine.next = write.enable and write.clusters[number]

    return select, delay(clk, mine, enable, TO_GRID)


@block
def banks_in_use(clk, clear, fire, keeps, bank, done, free):
    """free (out, unsigned 2): bit b: bank b waits for no drain. A tile takes its bank when it ends (`fire`), tiles drain in turn."""
    oldest = flag()
    taken = [flag(), flag()]
    taken_0, taken_1 = taken

    @always(clk.posedge)
    def count():
        if done:
            oldest.next = not oldest
            if oldest:
                taken_1.next = False
            else:
                taken_0.next = False
        if fire and not keeps:
            if bank:
                taken_1.next = True
            else:
                taken_0.next = True
        if clear:
            oldest.next = False
            taken_0.next = False
            taken_1.next = False

    @always_comb
    def tell():
        free.next = 0
        free.next[0] = not taken_0
        free.next[1] = not taken_1

    return count, tell


@block
def merge_outputs(pool_idle, drained, pooled, outputs):
    """outputs (out, Stream) is the pool's while one is under way, else the drain's: compute_control never lets both work. Combinational."""

    @always_comb
    def choose():
        outputs.valid.next = drained.valid
        outputs.data.next = drained.data
        drained.ready.next = outputs.ready
        pooled.ready.next = False
        if not pool_idle:
            outputs.valid.next = pooled.valid
            outputs.data.next = pooled.data
            drained.ready.next = False
            pooled.ready.next = outputs.ready

    return choose


@block
def compute_engine(clk, clear, instructions, weights, filter_address, filter_word, buffer_write, measured, operands, tables, operands_left, outputs,
                   give, activity, queue_empty, gate_waiting, record_free, idle, fault, config, rounding=ROUNDING):
    """Executes SHAPE, WALK, DRAIN, TILE, MASK, CONV, POOL and LAYER.

    clk, clear: synchronous reset between jobs. instructions (in, InstructionStream) from the semaphore gate.
    weights (in, Stream): the weight FIFO. filter_address (out), filter_word (in, two cycles later): the run-time filter mask.
    buffer_write (in, BufferWrite). measured (in, MaskWrite), outputs (out, Stream): of and for the store engine. operands, tables, operands_left:
    as in drain.
    give (out, unsigned 8): one pulse a semaphore, when the last activation of the instruction that names it was read.
    activity (out, Activity). queue_empty, gate_waiting (in, flags): why there is no instruction. record_free (in, flag): the counters take
    the end of a layer. idle (out, flag): nothing is under way, and the last layer's end is recorded.
    fault (out, Fault): BAD_FIELD and BUFFER; the engine has stopped. rounding: see requantise_lane.
    """
    clusters, columns, planes = config.clusters, config.columns, config.beats_per_word
    waiting, tile = Tile(config), Tile(config)
    step, write, pixel = Step(config), WeightWrite(config), Pixel(config)
    take, opened, finish, finish_allowed, finish_taken, keeps = (flag() for _ in range(6))
    loader_ready, loader_waits, walker_waits, waits_for_bank = (flag() for _ in range(4))
    start_conv, start_pool, write_mask, issued, quiet, stop = (flag() for _ in range(6))
    pool_idle, pool_issues, pool_ended, use_pool = (flag() for _ in range(4))
    layer_end, layer_index = flag(), unsigned(6)
    mask_number, dynamic_word = unsigned(5), unsigned(config.block_channels)
    control_fault = Fault()
    address_bits = (config.activation_words - 1).bit_length()
    word_addresses = [[unsigned(address_bits) for _ in range(planes)] for _ in range(clusters)]
    addresses, beyond = [signed(OFFSET_BITS + 1) for _ in range(clusters)], [flag() for _ in range(clusters)]
    places = [Place(config) for _ in range(clusters)]
    pool_address, pool_word_addresses, pool_beyond = signed(OFFSET_BITS + 1), [unsigned(address_bits) for _ in range(planes)], flag()
    words = [unsigned(8 * config.block_channels) for _ in range(clusters)]
    activations = [unsigned(8 * config.lanes) for _ in range(clusters)]
    own, valid = [OwnBytes(config) for _ in range(clusters)], [flag() for _ in range(clusters)]
    channels_2 = [unsigned(len(step.channels[0])) for _ in range(config.lanes)]
    packed_2, lanes_3, zero_point_3, depthwise_3 = flag(), unsigned(config.lanes), signed(8), flag()
    shadow = [flag() for _ in range(clusters)]
    lane, beat, swap = unsigned(len(write.lane)), unsigned(8 * columns), flag()
    number, first, bank = unsigned(len(pixel.number)), flag(), flag()
    read, sums = GridRead(config), [signed(config.accumulator_bits) for _ in range(config.requantise_lanes)]
    parameter_address, records = unsigned(group_address_bits(config)), [Record() for _ in range(config.requantise_lanes)]
    drain_start, drain_tile = flag(), DrainStart(config)
    drain_busy, drain_stalled, drained = flag(), flag(), flag()
    bank_free = unsigned(2)
    drain_outputs, pool_outputs = Stream(8 * columns), Stream(8 * columns)

    control = compute_control(clk, clear, instructions, waiting, opened, loader_ready, pool_idle, issued, quiet, start_conv, start_pool,
                              write_mask, layer_end, layer_index, record_free, stop, control_fault, config)
    masks = dynamic_mask(clk, clear, write_mask, instructions.word, mask_number, dynamic_word, measured, config)
    loader = step_loader(clk, clear, start_conv, waiting.shape, waiting.walk, waiting.conv, waiting.drain.add, bank_free,
                         weights.valid, weights.ready, weights.data, mask_number, dynamic_word, filter_address, filter_word, take, step, write,
                         loader_ready, finish,
                         finish_taken, keeps, loader_waits, config)
    walk = walker(clk, clear, stop, waiting, tile, step, bank_free, take, opened, walker_waits, finish, finish_allowed, finish_taken, pixel,
                  word_addresses, places, addresses, beyond, config)
    pooling = pool_engine(clk, clear, stop, start_pool, waiting, words[0], pool_outputs, pool_idle, pool_issues, pool_ended,
                          pool_word_addresses, pool_address, pool_beyond, config)
    paths = [
        cluster_path(clk, buffer_write, c, pixel.valid[c], word_addresses[c], pool_word_addresses, use_pool, places[c], channels_2, packed_2,
                     lanes_3, zero_point_3, depthwise_3, activations[c], own[c], valid[c], words[c], config)
        for c in range(clusters)]
    shadows = [shadow_enable(clk, write, c, shadow[c]) for c in range(clusters)]
    to_gather = [delay(clk, pixel.lanes, lanes_3, TO_GATHER), delay(clk, tile.shape.zero_point, zero_point_3, TO_GATHER),
                 delay(clk, tile.shape.depthwise, depthwise_3, TO_GATHER), delay(clk, tile.shape.packed, packed_2, TO_PLACE),
                 [delay(clk, pixel.channels[j], channels_2[j], TO_PLACE) for j in range(config.lanes)]]
    to_grid = [delay(clk, weights.data, beat, TO_GRID), delay(clk, write.lane, lane, TO_GRID), delay(clk, take, swap, TO_GRID),
               delay(clk, pixel.number, number, TO_GRID), delay(clk, pixel.first, first, TO_GRID), delay(clk, pixel.bank, bank, TO_GRID)]
    grid = pe_grid(clk, shadow, beat, lane, swap, activations, own, valid, number, first, bank, read.bank, read.pixel, read.group, sums, config)
    parameters = parameter_ram(clk, write, weights.data, parameter_address, records, config)
    starts = delayed_start(clk, clear, finish_taken, keeps, pixel.bank, tile, drain_start, drain_tile, finish_allowed, config)
    drains = drain(clk, clear, drain_start, drain_tile, read, sums, parameter_address, records, operands, tables, operands_left, drain_outputs,
                   drain_busy, drain_stalled, drained, config, rounding)
    banks = banks_in_use(clk, clear, finish_taken, keeps, pixel.bank, drained, bank_free)
    outward = merge_outputs(pool_idle, drain_outputs, pool_outputs, outputs)
    gives = give_semaphores(clk, finish_taken, tile.give, pool_ended, waiting.give, give)
    faults = buffer_fault(clk, clear, beyond, addresses, tile.position, pool_beyond, pool_address, waiting.position, control_fault, fault,
                          config)
    counts = activity_of(clk, pixel, tile, pool_issues, instructions.valid, queue_empty, gate_waiting, loader_ready, waits_for_bank,
                         drain_stalled, weights, layer_end, layer_index, activity, config)

    @always_comb
    def look_for_work():
        issued.next = loader_ready and not finish and not pixel.running and pool_idle and not start_conv and not start_pool

    @always_comb
    def look_for_outputs():
        quiet.next = issued and bank_free == 3 and not drain_busy

    @always_comb
    def conclude():
        idle.next = quiet and record_free
        stop.next = fault.valid
        use_pool.next = not pool_idle
        waits_for_bank.next = loader_waits or walker_waits

    return (control, masks, loader, walk, pooling, paths, shadows, to_gather, to_grid, grid, parameters, starts, drains, banks, outward, gives,
            faults, counts, look_for_work, look_for_outputs, conclude)
