# SPDX-License-Identifier: BSD-2-Clause
"""The accelerator core: registers on a Wishbone slave, memory through an AXI4 master, one interrupt."""

from myhdl import always, always_comb, block

from accel.hdl.compute_engine import compute_engine
from accel.hdl.control import control
from accel.hdl.dispatch import dispatch
from accel.hdl.fetch import fetch
from accel.hdl.fifo import block_fifo, fifo
from accel.hdl.filter_memory import ADDRESS_BITS, filter_memory
from accel.hdl.interfaces import (
    Activity, BufferWrite, Fault, InstructionStream, MaskWrite, OperandWrite, ReadRequest, Stream, TableWrite, flag, unsigned)
from accel.hdl.load_engine import load_engine
from accel.hdl.read_arbiter import read_arbiter
from accel.hdl.records import records
from accel.hdl.requantise_lane import ROUNDING
from accel.hdl.register_file import JobRegisters, register_file
from accel.hdl.semaphores import instruction_gate, semaphore, waiting_opcodes
from accel.hdl.status import count_fetched, earliest_waiting, summarise, watch
from accel.hdl.store_copy import merge_writes
from accel.hdl.store_engine import store_engine
from accel.hdl.weights_engine import weights_engine
from accel.isa import SEMAPHORES
from accel.registers import REGION_BYTES

ENGINES = 4
LOAD, WEIGHTS, COMPUTE, STORE = range(ENGINES)


def core_ports(config):
    """Return {port: (bits, "in" or "out")} of the core, in order. One clock; rst is synchronous. AXI: one ID, INCR bursts of whole beats."""
    data = 8 * config.beat_bytes
    return {
        "clk": (1, "in"), "rst": (1, "in"),
        "wb_adr": ((REGION_BYTES // 4 - 1).bit_length(), "in"), "wb_dat_w": (32, "in"), "wb_dat_r": (32, "out"), "wb_sel": (4, "in"),
        "wb_cyc": (1, "in"), "wb_stb": (1, "in"), "wb_we": (1, "in"), "wb_ack": (1, "out"), "wb_err": (1, "out"),
        "axi_araddr": (32, "out"), "axi_arlen": (8, "out"), "axi_arsize": (3, "out"), "axi_arburst": (2, "out"),
        "axi_arvalid": (1, "out"), "axi_arready": (1, "in"),
        "axi_rdata": (data, "in"), "axi_rresp": (2, "in"), "axi_rlast": (1, "in"), "axi_rvalid": (1, "in"), "axi_rready": (1, "out"),
        "axi_awaddr": (32, "out"), "axi_awlen": (8, "out"), "axi_awsize": (3, "out"), "axi_awburst": (2, "out"),
        "axi_awvalid": (1, "out"), "axi_awready": (1, "in"),
        "axi_wdata": (data, "out"), "axi_wstrb": (config.beat_bytes, "out"), "axi_wlast": (1, "out"), "axi_wvalid": (1, "out"),
        "axi_wready": (1, "in"),
        "axi_bresp": (2, "in"), "axi_bvalid": (1, "in"), "axi_bready": (1, "out"),
        "irq": (1, "out"),
    }


@block
def instruction_path(clk, clear, source, instructions, available, take, waiting, level, depth, codes):
    """An engine's queue and gate: source (in, Stream of {position, word}) to instructions (out, InstructionStream)."""
    queued = Stream(144)
    return (fifo(clk, clear, source, queued, level, depth), instruction_gate(clk, clear, queued, instructions, available, take, waiting, codes))


@block
def gather_flags(flags, vector):
    """vector (out, unsigned 8) has bit i of flags[i]. Combinational."""
    f0, f1, f2, f3, f4, f5, f6, f7 = flags

    @always_comb
    def join():
        vector.next = 0
        vector.next[0] = f0
        vector.next[1] = f1
        vector.next[2] = f2
        vector.next[3] = f3
        vector.next[4] = f4
        vector.next[5] = f5
        vector.next[6] = f6
        vector.next[7] = f7

    return join


@block
def core(clk, rst, wb_adr, wb_dat_w, wb_dat_r, wb_sel, wb_cyc, wb_stb, wb_we, wb_ack, wb_err, axi_araddr, axi_arlen, axi_arsize, axi_arburst,
         axi_arvalid, axi_arready, axi_rdata, axi_rresp, axi_rlast, axi_rvalid, axi_rready, axi_awaddr, axi_awlen, axi_awsize, axi_awburst,
         axi_awvalid, axi_awready, axi_wdata, axi_wstrb, axi_wlast, axi_wvalid, axi_wready, axi_bresp, axi_bvalid, axi_bready, irq, config,
         rounding=ROUNDING):
    """The whole core; ports as core_ports() lists them. rounding: see requantise_lane."""
    beat_bits = 8 * config.beat_bytes
    beat_size, strobes = (config.beat_bytes - 1).bit_length(), (1 << config.beat_bytes) - 1
    fifo_depth, output_depth = config.weight_fifo_beats, config.output_fifo_beats
    clear, stop, job = flag(), flag(), JobRegisters()
    fetched, exhausted = InstructionStream(), flag()
    ended, end_position, layer = flag(), unsigned(16), flag()
    requests, freed, untouched = [ReadRequest() for _ in range(3)], [flag() for _ in range(3)], [flag() for _ in range(3)]
    places = [config.fetch_fifo_beats, config.load_fifo_beats, fifo_depth]
    data_valid, data = [flag() for _ in range(3)], unsigned(beat_bits)
    sources, instructions = [Stream(144) for _ in range(ENGINES)], [InstructionStream() for _ in range(ENGINES)]
    levels = [unsigned(config.queue_depth.bit_length()) for _ in range(ENGINES)]
    # The last one: of copies.
    gives, takes = [unsigned(8) for _ in range(ENGINES + 1)], [unsigned(8) for _ in range(ENGINES)]
    gate_waits, idles = [flag() for _ in range(ENGINES)], [flag() for _ in range(ENGINES)]
    there, available = [flag() for _ in range(SEMAPHORES)], unsigned(8)
    weights_in, weights_out, weights_level = Stream(beat_bits), Stream(beat_bits), unsigned((fifo_depth + 2).bit_length())
    outputs_in, outputs_out, outputs_level = Stream(beat_bits), Stream(beat_bits), unsigned((output_depth + 2).bit_length())
    load_write, copy_write, buffer_write, hold_loads = BufferWrite(config), BufferWrite(config), BufferWrite(config), flag()
    measured = MaskWrite(config)
    operands, tables, operands_left, activity = OperandWrite(config), TableWrite(), flag(), Activity()
    dispatch_fault, read_fault, load_fault, weights_fault, compute_fault, store_fault = (Fault() for _ in range(6))
    closes, load_bytes, weight_bytes, store_bytes, checksum = [flag() for _ in range(5)], *(unsigned(32) for _ in range(4))
    fetch_bytes, record_free = unsigned(32), flag()
    read_idle, write_idle, bus_idle, quiet, streams_empty, progress = (flag() for _ in range(6))
    stuck_position = unsigned(16)
    record_address, record_data = unsigned(10), unsigned(32)
    compute_empty = flag()
    filter_write, filter_bus_data = flag(), unsigned(32)
    filter_addresses, filter_data = [unsigned(ADDRESS_BITS) for _ in range(3)], [unsigned(config.columns) for _ in range(2)]
    freed_weight = freed[2]
    read_base, read_limit, write_base, write_limit = job.read_base, job.read_limit, job.write_base, job.write_limit

    registers = register_file(clk, rst, wb_adr, wb_dat_w, wb_sel, wb_cyc, wb_stb, wb_we, wb_dat_r, wb_ack, job, record_address, record_data,
                              filter_write, filter_addresses[0], filter_bus_data, config)
    filters = filter_memory(clk, job.busy, filter_write, filter_addresses[0], wb_dat_w, filter_bus_data, filter_addresses[1],
                            filter_data[0], filter_addresses[2], filter_data[1], config)
    jobs = control(clk, rst, job, clear, stop, ended, end_position, quiet, streams_empty, bus_idle, progress, stuck_position,
                   [dispatch_fault, read_fault, load_fault, weights_fault, compute_fault, store_fault], irq)
    fetcher = fetch(clk, clear, job.program, job.length, requests[0], freed[0], data_valid[0], data, fetched, exhausted, config)
    dispatcher = dispatch(clk, clear, fetched, exhausted, job.length, stop, filter_addresses[1], filter_data[0], sources, ended, end_position,
                          layer, dispatch_fault, config)
    paths = [instruction_path(clk, clear, sources[e], instructions[e], available, takes[e], gate_waits[e], levels[e], config.queue_depth,
                              waiting_opcodes(engine))
             for e, engine in enumerate(("load", "weights", "compute", "store"))]
    counters = [semaphore(clk, clear, n, gives, takes, there[n]) for n in range(SEMAPHORES)]
    semaphores = gather_flags(there, available)
    arbiter = read_arbiter(clk, clear, stop, requests, freed, untouched, read_base, read_limit, data_valid, data, axi_araddr, axi_arlen,
                           axi_arvalid, axi_arready, axi_rdata, axi_rresp, axi_rlast, axi_rvalid, read_fault, read_idle, places, config)
    loader = load_engine(clk, clear, stop, hold_loads, instructions[LOAD], requests[1], freed[1], data_valid[1], data, load_write, operands,
                         tables, gives[LOAD], closes[1], load_bytes, idles[LOAD], load_fault, config)
    writes = merge_writes(load_write, copy_write, buffer_write)
    weights = weights_engine(clk, clear, stop, instructions[WEIGHTS], requests[2], data_valid[2], data, weights_in, gives[WEIGHTS], closes[2],
                             weight_bytes, idles[WEIGHTS], weights_fault, config)
    weight_fifo = block_fifo(clk, clear, weights_in, weights_out, weights_level, fifo_depth)
    compute = compute_engine(clk, clear, instructions[COMPUTE], weights_out, filter_addresses[2], filter_data[1], buffer_write, measured, operands,
                             tables, operands_left, outputs_in, gives[COMPUTE], activity, compute_empty, gate_waits[COMPUTE], record_free,
                             idles[COMPUTE], compute_fault, config, rounding)
    output_fifo = block_fifo(clk, clear, outputs_in, outputs_out, outputs_level, output_depth)
    store = store_engine(clk, clear, stop, instructions[STORE], outputs_out, outputs_level, write_base, write_limit, axi_awaddr, axi_awlen,
                         axi_awvalid, axi_awready, axi_wdata, axi_wlast, axi_wvalid, axi_wready, axi_bresp, axi_bvalid, hold_loads,
                         copy_write, gives[ENGINES], measured, gives[STORE], closes[3], store_bytes, checksum, idles[STORE], write_idle, store_fault,
                         config)
    fetch_counter = count_fetched(clk, clear, data_valid[0], layer, closes[0], fetch_bytes, config.beat_bytes)
    record_memory = records(clk, clear, activity, job.cycles, [closes[0], closes[1], closes[2], closes[3], closes[3]],
                            [fetched.word, instructions[LOAD].word, instructions[WEIGHTS].word, instructions[STORE].word,
                             instructions[STORE].word],
                            [fetch_bytes, load_bytes, weight_bytes, store_bytes, checksum], record_free, record_address, record_data)
    summary = summarise(levels, idles, untouched[2], outputs_level, operands_left, read_idle, write_idle, quiet, streams_empty, bus_idle,
                        compute_empty)
    watching = watch(clk, fetched, instructions, axi_rvalid, axi_wvalid, axi_wready, activity, weights_out, outputs_in, progress)
    waiting = earliest_waiting(clk, instructions, levels, end_position, stuck_position)

    @always_comb
    def free_place():
        freed_weight.next = weights_out.valid and weights_out.ready

    @always(clk.posedge)
    def constants():
        wb_err.next = False
        axi_arsize.next = beat_size
        axi_awsize.next = beat_size
        axi_arburst.next = 1
        axi_awburst.next = 1
        axi_rready.next = True
        axi_bready.next = True
        axi_wstrb.next = strobes

    return (registers, filters, jobs, fetcher, dispatcher, paths, counters, semaphores, arbiter, loader, writes, weights, weight_fifo, compute,
            output_fifo, store, fetch_counter, record_memory, summary, watching, waiting, free_place, constants)
