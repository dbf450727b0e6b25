// SPDX-License-Identifier: BSD-2-Clause
// Drives the Verilated core: a clock, a Wishbone master and an AXI memory with random stalls that checks the protocol.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <random>
#include <string>
#include "Vsparcnet_core.h"
#include "verilated.h"

double sc_time_stamp() { return 0; }

namespace {

struct Burst { uint32_t address; int beats; int ready_at; bool error; };

struct Bench {
    Vsparcnet_core core;
    uint8_t *memory;
    uint32_t origin, size;
    std::mt19937 random;
    int stall;
    int64_t cycle = 0;
    uint32_t read_error = 0, write_error = 0;
    int64_t reads = 0, writes = 0, bursts = 0;
    std::string broken;
    std::deque<Burst> reading, writing;
    std::deque<int> answers;
    bool data_valid = false, answer_valid = false;
    struct { bool valid; uint32_t address; uint8_t length; } last_ar{}, last_aw{};
    struct { bool valid; uint8_t data[BEAT_BYTES]; bool last; } last_w{};

    bool stalls() { return int(random() % 100) < stall; }
    void fail(const std::string &text) { if (broken.empty()) broken = "cycle " + std::to_string(cycle) + ": " + text; }
    bool inside(uint32_t address, int beats) { return address >= origin && uint64_t(address) + beats * BEAT_BYTES <= uint64_t(origin) + size; }

    template <class Port> void put(Port &port, const uint8_t *data) { std::memcpy(&port, data, BEAT_BYTES); }
    template <class Port> void get(uint8_t *data, const Port &port) { std::memcpy(data, &port, BEAT_BYTES); }

    void check_request(const char *name, uint32_t address, int beats, int size_code, int burst) {
        if (address % BEAT_BYTES) fail(std::string(name) + " address is no multiple of the beat");
        if ((address & 4095) + beats * BEAT_BYTES > 4096) fail(std::string(name) + " burst crosses 4 KiB");
        if ((1 << size_code) != BEAT_BYTES || burst != 1) fail(std::string(name) + " has a wrong size or burst kind");
        if (!inside(address, beats)) fail(std::string(name) + " lies outside the memory");
        bursts++;
    }

    // What the core put out before the edge, together with what was answered, decides what happens at the edge.
    void tick() {
        core.axi_arready = !stalls();
        core.axi_awready = !stalls();
        core.axi_wready = !writing.empty() && !stalls();
        if (!data_valid && !reading.empty() && reading.front().ready_at <= cycle && !stalls()) data_valid = true;
        if (!answer_valid && !answers.empty() && !stalls()) answer_valid = true;
        core.axi_rvalid = data_valid;
        if (data_valid) {
            Burst &burst = reading.front();
            uint8_t none[BEAT_BYTES] = {0};
            put(core.axi_rdata, inside(burst.address, 1) ? memory + burst.address - origin : none);
            core.axi_rlast = burst.beats == 1;
            core.axi_rresp = burst.error ? 2 : 0;
        }
        core.axi_bvalid = answer_valid;
        core.axi_bresp = answer_valid && answers.front() ? 2 : 0;
        core.clk = 0;
        core.eval();
        bool ar = core.axi_arvalid && core.axi_arready, aw = core.axi_awvalid && core.axi_awready, w = core.axi_wvalid && core.axi_wready;
        bool r = core.axi_rvalid && core.axi_rready, b = core.axi_bvalid && core.axi_bready;
        if (last_ar.valid && (!core.axi_arvalid || core.axi_araddr != last_ar.address || core.axi_arlen != last_ar.length)) fail("AR changed before it was taken");
        if (last_aw.valid && (!core.axi_awvalid || core.axi_awaddr != last_aw.address || core.axi_awlen != last_aw.length)) fail("AW changed before it was taken");
        uint8_t beat[BEAT_BYTES];
        get(beat, core.axi_wdata);
        if (last_w.valid && (!core.axi_wvalid || std::memcmp(beat, last_w.data, BEAT_BYTES) || core.axi_wlast != last_w.last)) fail("W changed before it was taken");
        last_ar = {core.axi_arvalid && !ar, core.axi_araddr, core.axi_arlen};
        last_aw = {core.axi_awvalid && !aw, core.axi_awaddr, core.axi_awlen};
        last_w.valid = core.axi_wvalid && !w;
        last_w.last = core.axi_wlast;
        std::memcpy(last_w.data, beat, BEAT_BYTES);
        if (ar) {
            check_request("AR", core.axi_araddr, core.axi_arlen + 1, core.axi_arsize, core.axi_arburst);
            bool error = read_error && core.axi_araddr <= read_error && read_error < core.axi_araddr + (core.axi_arlen + 1) * BEAT_BYTES;
            reading.push_back({core.axi_araddr, core.axi_arlen + 1, int(cycle) + 8, error});
        }
        if (r) {
            reads++;
            data_valid = false;
            reading.front().address += BEAT_BYTES;
            if (--reading.front().beats == 0) reading.pop_front();
        }
        if (w) {
            Burst &burst = writing.front();
            if (core.axi_wlast != (burst.beats == 1)) fail("WLAST is at the wrong beat");
            if (core.axi_wstrb != (1u << BEAT_BYTES) - 1) fail("WSTRB is not full");
            if (inside(burst.address, 1)) std::memcpy(memory + burst.address - origin, beat, BEAT_BYTES);
            writes++;
            burst.address += BEAT_BYTES;
            if (--burst.beats == 0) { answers.push_back(burst.error); writing.pop_front(); }
        } else if (core.axi_wvalid && writing.empty() && !core.axi_awvalid) {
            fail("W without AW");
        }
        if (b) { answers.pop_front(); answer_valid = false; }
        if (aw) {
            check_request("AW", core.axi_awaddr, core.axi_awlen + 1, core.axi_awsize, core.axi_awburst);
            bool error = write_error && core.axi_awaddr <= write_error && write_error < core.axi_awaddr + (core.axi_awlen + 1) * BEAT_BYTES;
            writing.push_back({core.axi_awaddr, core.axi_awlen + 1, 0, error});
        }
        core.clk = 1;
        core.eval();
        cycle++;
    }
};

}  // namespace

extern "C" {

Bench *bench_new(uint8_t *memory, uint32_t origin, uint32_t size, uint32_t seed, int stall) {
    Bench *bench = new Bench;
    bench->memory = memory;
    bench->origin = origin;
    bench->size = size;
    bench->random.seed(seed);
    bench->stall = stall;
    bench->core.rst = 1;
    for (int i = 0; i < 4; i++) bench->tick();
    bench->core.rst = 0;
    bench->tick();
    bench->broken.clear();
    return bench;
}

void bench_delete(Bench *bench) { delete bench; }

void bench_errors(Bench *bench, uint32_t read_error, uint32_t write_error) { bench->read_error = read_error; bench->write_error = write_error; }

uint32_t bench_access(Bench *bench, uint32_t offset, uint32_t value, int write) {
    bench->core.wb_adr = offset / 4;
    bench->core.wb_dat_w = value;
    bench->core.wb_sel = 15;
    bench->core.wb_we = write;
    bench->core.wb_cyc = bench->core.wb_stb = 1;
    for (int i = 0; i < 100; i++) {
        bench->tick();
        if (bench->core.wb_ack) {
            uint32_t result = bench->core.wb_dat_r;
            bench->tick();
            bench->core.wb_cyc = bench->core.wb_stb = 0;
            bench->tick();
            return result;
        }
    }
    bench->fail("Wishbone access is never acknowledged");
    bench->core.wb_cyc = bench->core.wb_stb = 0;
    return 0;
}

// Returns the cycles until the interrupt, or -1 where it does not come within `limit`.
int64_t bench_wait(Bench *bench, int64_t limit) {
    int64_t begin = bench->cycle;
    while (!bench->core.irq) {
        if (bench->cycle - begin > limit) return -1;
        bench->tick();
    }
    return bench->cycle - begin;
}

int64_t bench_bursts(Bench *bench) { return bench->bursts; }
void bench_idle(Bench *bench, int cycles) { for (int i = 0; i < cycles; i++) bench->tick(); }
const char *bench_broken(Bench *bench) { return bench->broken.c_str(); }
}
