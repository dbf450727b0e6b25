// SPDX-License-Identifier: BSD-2-Clause
// Looks at an AXI4 port (one ID, INCR bursts of whole beats) each cycle and keeps the first rule that was broken.
#pragma once
#include <cstring>
#include <deque>
#include <string>
#include "axi_signals.h"

class AxiChecker {
  public:
    explicit AxiChecker(unsigned beat_bytes) : beat_bytes(beat_bytes) {}

    // Bytes [base, limit) that the master may read or write.
    struct Window { uint64_t base = 0, limit = uint64_t(1) << 32; };
    Window read_window, write_window;

    // Cycles within which the master takes an answer, and within which it stops asking after an answer with an error.
    static const int ANSWER_PATIENCE = 64, STOP_PATIENCE = 64;

    const std::string &broken() const { return first; }
    void fail(const std::string &text) { if (first.empty()) first = "cycle " + std::to_string(cycle) + ": " + text; }

    void begin_job() { running = true; errors = 0; stopping = 0; }

    // The master says that its job is done: everything that it asked for must have been answered.
    void end_job() {
        running = false;
        if (!reads.empty()) fail("the job ended with a read under way");
        if (!writes.empty() || w_beats || w_bursts.size()) fail("the job ended with a write under way");
        if (unanswered) fail("the job ended before all writes were answered");
    }

    void observe(const AxiSignals &now) {
        hold("AR", before.ar, now.ar);
        hold("AW", before.aw, now.aw);
        hold_write_data(now);
        if (!running && (now.ar.valid || now.aw.valid || now.w_valid)) fail("a request or data without a job");
        if (now.ar.valid && !asked_read) request("AR", now.ar, read_window);
        if (now.aw.valid && !asked_write) { request("AW", now.aw, write_window); seen.push_back(now.aw.length + 1); }
        asked_read = now.ar.valid && !now.ar.ready;
        asked_write = now.aw.valid && !now.aw.ready;
        write_data(now);
        answers(now);
        if (now.ar.valid && now.ar.ready) reads.push_back(now.ar.length + 1);
        if (now.aw.valid && now.aw.ready) writes.push_back(now.aw.length + 1);
        while (!writes.empty() && !w_bursts.empty()) { writes.pop_front(); w_bursts.pop_front(); unanswered++; }
        if (errors) stopping++;
        before = now;
        cycle++;
    }

  private:
    const unsigned beat_bytes;
    std::string first;
    int64_t cycle = 0;
    AxiSignals before{};
    bool running = false, asked_read = false, asked_write = false;
    int errors = 0, stopping = 0, r_waits = 0, b_waits = 0, unanswered = 0, w_beats = 0;
    // Beats still to come of each read; beats of each accepted AW without its data; of each AW seen, accepted or not; of complete data bursts.
    std::deque<int> reads, writes, seen, w_bursts;

    void hold(const char *name, const AxiRequest &old, const AxiRequest &now) {
        if (!old.valid || old.ready) return;
        if (!now.valid) fail(std::string(name) + "VALID fell before READY");
        else if (!(now == old)) fail(std::string(name) + " changed before READY");
    }

    void hold_write_data(const AxiSignals &now) {
        if (!before.w_valid || before.w_ready) return;
        if (!now.w_valid) fail("WVALID fell before READY");
        else if (std::memcmp(now.w_data, before.w_data, beat_bytes) || now.w_strobes != before.w_strobes || now.w_last != before.w_last)
            fail("W changed before READY");
    }

    void request(const std::string &name, const AxiRequest &now, const Window &window) {
        uint64_t bytes = uint64_t(now.length + 1) * beat_bytes, end = now.address + bytes;
        if (now.address % beat_bytes) fail(name + " address is no multiple of the beat");
        if ((now.address & 4095) + bytes > 4096) fail(name + " burst crosses 4 KiB");
        if (now.size > 7 || (1u << now.size) != beat_bytes) fail(name + " has a wrong size");
        if (now.burst != 1) fail(name + " is no INCR burst");
        if (now.address < window.base || end > window.limit) fail(name + " lies outside its window");
        if (errors && stopping > STOP_PATIENCE) fail(name + " long after an answer with an error");
    }

    // `seen` front is the AW of the data burst that is under way.
    void write_data(const AxiSignals &now) {
        if (now.w_valid && seen.empty()) fail("W before its AW");
        if (!now.w_valid || !now.w_ready) return;
        w_beats++;
        if (now.w_strobes != (1u << beat_bytes) - 1) fail("WSTRB is not full");
        if (!seen.empty() && bool(now.w_last) != (w_beats == seen.front())) fail("WLAST is at the wrong beat");
        if (now.w_last) {
            w_bursts.push_back(w_beats);
            w_beats = 0;
            if (!seen.empty()) seen.pop_front();
        }
    }

    // Also holds the memory to its part: nothing unasked, WLAST and RLAST in their places.
    void answers(const AxiSignals &now) {
        r_waits = now.r_valid && !now.r_ready ? r_waits + 1 : 0;
        b_waits = now.b_valid && !now.b_ready ? b_waits + 1 : 0;
        if (r_waits > ANSWER_PATIENCE) fail("R is not taken");
        if (b_waits > ANSWER_PATIENCE) fail("B is not taken");
        if (now.r_valid && reads.empty()) fail("R without AR");
        if (now.b_valid && !unanswered) fail("B without a write");
        if (now.r_valid && now.r_ready && !reads.empty()) {
            if (bool(now.r_last) != (reads.front() == 1)) fail("RLAST is at the wrong beat");
            if (--reads.front() == 0) reads.pop_front();
            errors += now.r_response != 0;
        }
        if (now.b_valid && now.b_ready && unanswered) {
            unanswered--;
            errors += now.b_response != 0;
        }
    }
};
