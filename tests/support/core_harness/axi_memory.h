// SPDX-License-Identifier: BSD-2-Clause
// An AXI4 memory: answers in order, after random delays, with every order of AW and W that the protocol lets a slave choose.
#pragma once
#include <array>
#include <cstring>
#include <deque>
#include <random>
#include "axi_signals.h"

class AxiMemory {
  public:
    AxiMemory(uint8_t *bytes, uint32_t origin, uint32_t size, unsigned beat_bytes, uint32_t seed, int stall)
        : bytes(bytes), origin(origin), size(size), beat_bytes(beat_bytes), stall(stall), random(seed) {}

    int latency = 8, spread = 0;  // cycles from a request to its first answer, and how many more there may be
    uint32_t read_error = 0, write_error = 0;  // the bursts that hold these bytes are answered with `error_response`
    int error_response = 2;
    int64_t read_bursts = 0, write_bursts = 0, read_beats = 0, write_beats = 0;

    bool stalls() { return stall && int(random() % 100) < stall; }

    // Sets what the memory drives; of the master's outputs only the valids may be looked at.
    void drive(AxiSignals &port) {
        if (!stall) { ar_ready = aw_ready = true; w_ready = !writing.empty(); }
        else {
            ar_ready = !stalls();
            aw_ready = !stalls() && !(order == DATA_FIRST && data.empty());
            w_ready = !stalls() && (!writing.empty() || order != ADDRESS_FIRST) && data.size() < 4;
        }
        if (!r_valid && !reading.empty() && reading.front().ready_at <= cycle && !stalls()) r_valid = true;
        if (!b_valid && !answers.empty() && answers.front().ready_at <= cycle && !stalls()) b_valid = true;
        port.ar.ready = ar_ready;
        port.aw.ready = aw_ready;
        port.w_ready = w_ready;
        port.r_valid = r_valid;
        port.r_last = r_valid && reading.front().beats == 1;
        port.r_response = r_valid && reading.front().error ? error_response : 0;
        port.b_valid = b_valid;
        port.b_response = b_valid && answers.front().error ? error_response : 0;
    }

    // The beat that `drive` offers.
    const uint8_t *read_data() const {
        static const uint8_t none[16] = {0};
        return r_valid && inside(reading.front().address) ? bytes + reading.front().address - origin : none;
    }

    // What happens at the clock edge.
    void clock(const AxiSignals &port) {
        if (port.r_valid && port.r_ready) {
            read_beats++;
            r_valid = false;
            reading.front().address += beat_bytes;
            if (--reading.front().beats == 0) reading.pop_front();
        }
        if (port.b_valid && port.b_ready) { answers.pop_front(); b_valid = false; }
        if (port.ar.valid && port.ar.ready) {
            read_bursts++;
            reading.push_back(burst(port.ar, read_error));
        }
        if (port.w_valid && port.w_ready) {
            data.emplace_back();
            std::memcpy(data.back().data(), port.w_data, beat_bytes);
        }
        if (port.aw.valid && port.aw.ready) {
            write_bursts++;
            writing.push_back(burst(port.aw, write_error));
            order = int(random() % 3);
        }
        while (!writing.empty() && !data.empty()) write();
        cycle++;
    }

  private:
    enum { ADDRESS_FIRST, EITHER, DATA_FIRST };
    struct Burst { uint32_t address; int beats; int64_t ready_at; bool error; };

    uint8_t *bytes;
    const uint32_t origin, size;
    const unsigned beat_bytes;
    const int stall;
    std::mt19937 random;
    int64_t cycle = 0;
    int order = ADDRESS_FIRST;
    bool ar_ready = false, aw_ready = false, w_ready = false, r_valid = false, b_valid = false;
    std::deque<Burst> reading, writing, answers;
    std::deque<std::array<uint8_t, 16>> data;

    bool inside(uint32_t address) const { return address >= origin && uint64_t(address) + beat_bytes <= uint64_t(origin) + size; }
    int64_t later() { return cycle + latency + (spread ? int(random() % (spread + 1)) : 0); }

    Burst burst(const AxiRequest &port, uint32_t error) {
        int beats = port.length + 1;
        return {port.address, beats, later(), error && port.address <= error && error < port.address + beats * beat_bytes};
    }

    // A write with an error changes nothing in memory.
    void write() {
        Burst &front = writing.front();
        if (inside(front.address) && !front.error) std::memcpy(bytes + front.address - origin, data.front().data(), beat_bytes);
        data.pop_front();
        write_beats++;
        front.address += beat_bytes;
        if (--front.beats) return;
        front.ready_at = spread ? later() - latency : cycle;
        answers.push_back(front);
        writing.pop_front();
    }
};
