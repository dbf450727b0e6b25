// SPDX-License-Identifier: BSD-2-Clause
// Drives the Verilated core: a clock, a Wishbone master, and a memory on its AXI port with a checker beside it.
#include <cstdint>
#include <cstring>
#include <string>
#include "Vsparcnet_core.h"
#include "axi_checker.h"
#include "axi_memory.h"
#include "verilated.h"

double sc_time_stamp() { return 0; }

namespace {

struct Bench {
    VerilatedContext context;
    Vsparcnet_core core;
    AxiMemory memory;
    AxiChecker checker{BEAT_BYTES};
    AxiSignals port{};
    int64_t cycle = 0;
    bool running = false, irq_before = false, own_read_window = false;

    // What has no reset value begins with random bits.
    static VerilatedContext *prepared(VerilatedContext &context, uint32_t seed) {
        context.randReset(2);
        context.randSeed(int(seed & 0x7FFFFFFF) + 1);
        return &context;
    }

    Bench(uint8_t *bytes, uint32_t origin, uint32_t size, uint32_t seed, int stall)
        : core(prepared(context, seed)), memory(bytes, origin, size, BEAT_BYTES, seed, stall) {}

    void put_inputs() {
        core.axi_arready = port.ar.ready;
        core.axi_awready = port.aw.ready;
        core.axi_wready = port.w_ready;
        core.axi_rvalid = port.r_valid;
        core.axi_rlast = port.r_last;
        core.axi_rresp = port.r_response;
        core.axi_bvalid = port.b_valid;
        core.axi_bresp = port.b_response;
        std::memcpy(&core.axi_rdata, memory.read_data(), BEAT_BYTES);
    }

    void get_outputs() {
        port.ar = {core.axi_arvalid, port.ar.ready, core.axi_araddr, core.axi_arlen, core.axi_arsize, core.axi_arburst};
        port.aw = {core.axi_awvalid, port.aw.ready, core.axi_awaddr, core.axi_awlen, core.axi_awsize, core.axi_awburst};
        port.w_valid = core.axi_wvalid;
        port.w_last = core.axi_wlast;
        port.w_strobes = core.axi_wstrb;
        std::memcpy(port.w_data, &core.axi_wdata, BEAT_BYTES);
        port.r_ready = core.axi_rready;
        port.b_ready = core.axi_bready;
    }

    // What the core put out before the edge, together with what was answered, decides what happens at the edge.
    void tick() {
        memory.drive(port);
        put_inputs();
        core.clk = 0;
        core.eval();
        get_outputs();
        if (running && core.irq && !irq_before) {
            checker.end_job();
            running = false;
        }
        irq_before = core.irq;
        if (!core.rst) {
            if (core.wb_err || (core.wb_ack && !core.wb_cyc)) checker.fail("the Wishbone slave answers what it should not");
            checker.observe(port);
            memory.clock(port);
        }
        core.clk = 1;
        core.eval();
        cycle++;
    }

    // The checker learns windows and doorbells from the accesses that set them.
    void follow(uint32_t offset, uint32_t value) {
        if (offset == READ_BASE && !own_read_window) checker.read_window.base = value;
        if (offset == READ_LIMIT && !own_read_window) checker.read_window.limit = value;
        if (offset == WRITE_BASE) checker.write_window.base = value;
        if (offset == WRITE_LIMIT) checker.write_window.limit = value;
        if (offset == CONTROL && (value & CONTROL_START) && !running) {
            running = true;
            checker.begin_job();
        }
    }

    uint32_t access(uint32_t offset, uint32_t value, bool write) {
        uint32_t result = 0;
        core.wb_adr = offset / 4;
        core.wb_dat_w = value;
        core.wb_sel = 15;
        core.wb_we = write;
        core.wb_cyc = core.wb_stb = 1;
        for (int i = 0; i < 100 && !core.wb_ack; i++) tick();
        if (!core.wb_ack) checker.fail("a Wishbone access is never acknowledged");
        result = core.wb_dat_r;
        if (write) follow(offset, value);
        tick();
        core.wb_cyc = core.wb_stb = 0;
        tick();
        return result;
    }
};

}  // namespace

extern "C" {

Bench *bench_new(uint8_t *bytes, uint32_t origin, uint32_t size, uint32_t seed, int stall) {
    Bench *bench = new Bench(bytes, origin, size, seed, stall);
    bench->core.rst = 1;
    for (int i = 0; i < 4; i++) bench->tick();
    bench->core.rst = 0;
    bench->tick();
    return bench;
}

void bench_delete(Bench *bench) { delete bench; }

void bench_errors(Bench *bench, uint32_t read_error, uint32_t write_error, int response) {
    bench->memory.read_error = read_error;
    bench->memory.write_error = write_error;
    bench->memory.error_response = response;
}

void bench_delays(Bench *bench, int latency, int spread) {
    bench->memory.latency = latency;
    bench->memory.spread = spread;
}

void bench_watch_reads(Bench *bench, uint32_t base, uint32_t limit) {
    bench->checker.read_window = {base, limit};
    bench->own_read_window = true;
}

uint32_t bench_access(Bench *bench, uint32_t offset, uint32_t value, int write) { return bench->access(offset, value, write); }

// Returns the cycles until the interrupt, or -1 where it does not come within `limit`.
int64_t bench_wait(Bench *bench, int64_t limit) {
    int64_t begin = bench->cycle;
    while (!bench->core.irq) {
        if (bench->cycle - begin > limit) return -1;
        bench->tick();
    }
    return bench->cycle - begin;
}

void bench_idle(Bench *bench, int cycles) { for (int i = 0; i < cycles; i++) bench->tick(); }
const char *bench_broken(Bench *bench) { return bench->checker.broken().c_str(); }

// What has passed the port so far: read bursts, write bursts, read beats, write beats.
void bench_traffic(Bench *bench, int64_t *counts) {
    const AxiMemory &memory = bench->memory;
    counts[0] = memory.read_bursts;
    counts[1] = memory.write_bursts;
    counts[2] = memory.read_beats;
    counts[3] = memory.write_beats;
}
}
